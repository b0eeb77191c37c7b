//! The service of a run: where it lives, how it is started, awaited and ended.
//!
//! Must not know what the run wants to show.

use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use crate::background::{Background, clean_command};
use crate::http;
use crate::programs::{last_lines, wait_for};

/// Takeover after a crash in the middle of a rush, on a busy machine.
const READY_WITHIN: Duration = Duration::from_secs(60);

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
        clean_command(&self.binary, &self.folder)
    }

    /// The same on one core from its first moment on, as if the machine had no other.
    pub(crate) fn command_on(&self, core: &str) -> Command {
        let mut command = clean_command(Path::new("taskset"), &self.folder);
        command.args(["-c", core]).arg(&self.binary);
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
                println!("--- the last lines of {name}.out");
                println!("{}", last_lines(&text));
            }
        }
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
        Self::start_as(place.command(), place, output)
    }

    /// The same, on one core.
    pub(crate) fn start_on(core: &str, place: &'a Place, output: &str) -> Result<Self> {
        Self::start_as(place.command_on(core), place, output)
    }

    fn start_as(mut command: Command, place: &'a Place, output: &str) -> Result<Self> {
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
        self.process.pid()
    }

    /// SIGKILL: no chance to flush anything.
    pub(crate) fn kill(self) -> Result<()> {
        self.process.kill()
    }

    /// SIGTERM: has to exit with 0 in time; says how long it took.
    pub(crate) fn stop(mut self, within: Duration) -> Result<Duration> {
        let start = Instant::now();
        self.process.signal("TERM")?;
        let code = self.process.wait(within)?;
        ensure!(code == Some(0), "the service ended with {code:?} on SIGTERM");
        Ok(start.elapsed())
    }
}
