//! Processes that a developer task starts: where their output goes, how they are awaited, signalled
//! and ended. Each is ended by its own pid, also when the task fails half way.
//!
//! Must not know what the processes are for.

use std::fs::File;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use crate::programs::signal;

/// How often a process or a listener is asked.
const ASK_EVERY: Duration = Duration::from_millis(20);
/// Often enough to hit the middle of a crowd that takes a second.
const WATCH_EVERY: Duration = Duration::from_millis(2);

/// A program with nothing of our own environment that would configure it.
pub(crate) fn clean_command(program: &Path, folder: &Path) -> Command {
    let mut command = Command::new(program);
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("TIMEDEAL_") {
            command.env_remove(name);
        }
    }
    command.current_dir(folder);
    command
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

    /// Its process id.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends it a signal by name, such as `TERM`.
    pub(crate) fn signal(&self, name: &str) -> Result<()> {
        signal(self.pid(), name)
    }

    /// SIGKILL: no chance to flush anything.
    pub(crate) fn kill(mut self) -> Result<()> {
        ensure!(self.exit_code()?.is_none(), "the process had ended by itself");
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
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

/// Watches a counter until it has grown by `wanted`, which says by how much it had then; an error
/// if the process that makes it grow ends before that, or after `within`.
pub(crate) fn wait_for_growth(
    process: &mut Background,
    (wanted, within): (u32, Duration),
    count: impl Fn() -> Result<f64>,
) -> Result<f64> {
    let (start, before) = (Instant::now(), count()?);
    while start.elapsed() < within {
        let grown = count()? - before;
        if grown >= f64::from(wanted) {
            return Ok(grown);
        }
        if let Some(code) = process.exit_code()? {
            bail!("the crowd ended with {code} when {grown} purchases had been admitted");
        }
        thread::sleep(WATCH_EVERY);
    }
    bail!("no {wanted} purchases admitted within {within:?}")
}

impl Drop for Background {
    fn drop(&mut self) {
        // Both fail only if it has ended already, and then there is nothing to end.
        drop(self.child.kill());
        drop(self.child.wait());
    }
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

        assert_eq!(process.wait(Duration::from_secs(60)).unwrap(), Some(3));

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
