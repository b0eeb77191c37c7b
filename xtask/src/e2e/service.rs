//! Processes of a run: where they live, how they are started, awaited and ended. Each is ended by
//! its own pid, also when the run fails half way.
//!
//! Must not know what the run wants to show.

use std::fs::File;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use super::http;

/// Takeover after a crash in the middle of a rush, on a busy machine.
const READY_WITHIN: Duration = Duration::from_secs(60);
/// How often a process or a listener is asked.
const ASK_EVERY: Duration = Duration::from_millis(20);
/// Lines of each output that are shown after a failure.
const LAST_LINES: usize = 30;

/// Binary, folder and addresses of one run; they stay the same over a restart.
#[derive(Debug)]
pub(crate) struct Place {
    binary: PathBuf,
    folder: PathBuf,
    pub(crate) public: SocketAddr,
    pub(crate) ops: SocketAddr,
}

impl Place {
    /// Two loopback ports that are free now.
    pub(crate) fn new(binary: PathBuf, folder: &Path) -> Result<Self> {
        let public = TcpListener::bind("127.0.0.1:0")?;
        let ops = TcpListener::bind("127.0.0.1:0")?;
        Ok(Self {
            binary,
            folder: folder.to_owned(),
            public: public.local_addr()?,
            ops: ops.local_addr()?,
        })
    }

    /// `timedeal` with nothing of our own environment that would configure it.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(&self.binary);
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("TIMEDEAL_") {
                command.env_remove(name);
            }
        }
        command.current_dir(&self.folder);
        command
    }

    /// The data directory.
    pub(crate) fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    /// Base address of the public listener.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.public)
    }

    /// The file that takes both outputs of the process called `name`.
    pub(crate) fn output(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.out"))
    }

    /// The end of every output, for a reader who wants to know why.
    pub(crate) fn print_last_lines(&self) {
        for name in ["before", "rush", "after", "second"] {
            if let Ok(text) = std::fs::read_to_string(self.output(name)) {
                let lines: Vec<&str> = text.lines().collect();
                println!("--- the last lines of {name}.out");
                println!("{}", lines[lines.len().saturating_sub(LAST_LINES)..].join("\n"));
            }
        }
    }
}

/// A child process that does not outlive its owner.
#[derive(Debug)]
pub(crate) struct Background {
    child: Child,
}

impl Background {
    /// Both outputs go to the file at `output`.
    pub(crate) fn start(mut command: Command, output: &Path) -> Result<Self> {
        let file = File::create(output)?;
        let errors = file.try_clone()?;
        command.stdin(Stdio::null()).stdout(file).stderr(errors);
        let child = command.spawn().with_context(|| format!("starting {command:?}"))?;
        Ok(Self { child })
    }

    /// The exit code if it has ended; a signal counts as -1.
    pub(crate) fn exit_code(&mut self) -> Result<Option<i32>> {
        Ok(self.child.try_wait()?.map(|status| status.code().unwrap_or(-1)))
    }

    /// Waits for its end, at most so long; `None` if it was a signal that ended it.
    pub(crate) fn wait(&mut self, within: Duration) -> Result<Option<i32>> {
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait()? {
                return Ok(status.code());
            }
            if start.elapsed() > within {
                bail!("process {} still runs after {within:?}", self.child.id());
            }
            thread::sleep(ASK_EVERY);
        }
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        // Both fail only if it has ended already, and then there is nothing to end.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// `timedeal serve --demo`, ready.
#[derive(Debug)]
pub(crate) struct Service<'a> {
    place: &'a Place,
    process: Background,
}

impl<'a> Service<'a> {
    /// Returns as soon as it is ready.
    pub(crate) fn start(place: &'a Place, output: &str) -> Result<Self> {
        let mut command = place.command();
        command.args(["serve", "--demo"]).arg("--data-dir").arg(place.data());
        command.args(["--listen", &place.public.to_string()]);
        command.args(["--ops-listen", &place.ops.to_string()]);
        let process = Background::start(command, &place.output(output))?;
        let mut service = Self { place, process };
        service.await_readiness()?;
        Ok(service)
    }

    /// Waits until the ops listener says so again.
    pub(crate) fn wait_until_ready(&self) -> Result<()> {
        let answer = || http::get(self.place.ops, "/readyz");
        wait_for(READY_WITHIN, || Ok(answer().is_ok_and(|answer| answer.status == 200)))
            .context("/readyz")
    }

    fn await_readiness(&mut self) -> Result<()> {
        let ops = self.place.ops;
        wait_for(READY_WITHIN, || {
            let code = self.process.exit_code()?;
            ensure!(code.is_none(), "the service ended with {code:?} before it was ready");
            Ok(http::get(ops, "/readyz").is_ok_and(|answer| answer.status == 200))
        })
        .context("waiting for /readyz")
    }

    /// Its process id.
    pub(crate) fn pid(&self) -> u32 {
        self.process.child.id()
    }

    /// SIGKILL: no chance to flush anything.
    pub(crate) fn kill(mut self) -> Result<()> {
        ensure!(self.process.exit_code()?.is_none(), "the service had ended by itself");
        self.process.child.kill()?;
        self.process.child.wait()?;
        Ok(())
    }

    /// SIGTERM: has to exit with 0 in time; says how long it took.
    pub(crate) fn stop(mut self, within: Duration) -> Result<Duration> {
        let start = Instant::now();
        // The standard library sends SIGKILL only; the shell's own `kill` is everywhere.
        let status =
            Command::new("sh").args(["-c", &format!("kill -TERM {}", self.pid())]).status()?;
        ensure!(status.success(), "kill -TERM ended with {status}");
        let code = self.process.wait(within)?;
        ensure!(code == Some(0), "the service ended with {code:?} on SIGTERM");
        Ok(start.elapsed())
    }
}

fn wait_for(within: Duration, mut done: impl FnMut() -> Result<bool>) -> Result<()> {
    let start = Instant::now();
    while !done()? {
        ensure!(start.elapsed() < within, "not within {within:?}");
        thread::sleep(ASK_EVERY);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str, folder: &Path) -> Background {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        Background::start(command, &folder.join("out")).unwrap()
    }

    #[test]
    fn both_outputs_and_the_exit_code_of_a_process_are_kept() {
        let folder = tempfile::tempdir().unwrap();
        let mut process = shell("echo one; echo two >&2; exit 3", folder.path());

        assert_eq!(process.wait(READY_WITHIN).unwrap(), Some(3));

        let output = std::fs::read_to_string(folder.path().join("out")).unwrap();
        assert_eq!(output, "one\ntwo\n");
    }

    #[test]
    fn a_process_does_not_outlive_its_owner() {
        let folder = tempfile::tempdir().unwrap();
        let process = shell("exec cat /dev/zero > /dev/null", folder.path());
        let pid = process.child.id();

        drop(process);

        let status = Command::new("sh").args(["-c", &format!("kill -0 {pid} 2>&1")]).output();
        assert!(!status.unwrap().status.success());
    }
}
