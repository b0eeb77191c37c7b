//! Other processes: started on cores of their own, looked at, stopped. Each is ended by its own
//! pid, also when a contest fails half way. Must not know what a process is for.

use std::fs::{self, File};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use tokio::time::sleep;

/// How often something is asked for.
pub(crate) const ASK_EVERY: Duration = Duration::from_millis(20);
/// What the programs promise for SIGTERM.
const STOP_ENDS_WITHIN: Duration = Duration::from_secs(15);
/// The kernel counts the time of processes in these (`sysconf(_SC_CLK_TCK)`, 100 on Linux).
const TICKS_PER_SECOND: f64 = 100.0;

/// Cores, as `taskset` takes them.
#[derive(Clone, Debug)]
pub(crate) struct Cores {
    /// For what is measured.
    pub(crate) measured: String,
    /// For what stands behind it, and for the load.
    pub(crate) others: String,
    /// For contests in which nobody is to be kept apart.
    pub(crate) all: String,
}

impl Cores {
    /// The first core for what is measured, the others for the rest; on one core all share it.
    pub(crate) fn of(count: usize) -> Self {
        let last = count.saturating_sub(1);
        let all = if last == 0 { "0".to_owned() } else { format!("0-{last}") };
        let others = match last {
            0 => "0".to_owned(),
            1 => "1".to_owned(),
            _ => format!("1-{last}"),
        };
        Self { measured: "0".to_owned(), others, all }
    }
}

/// Puts all threads of a process, and those that it starts later, on these cores.
pub(crate) fn pin(pid: u32, cores: &str) -> Result<()> {
    let output = Command::new("taskset").args(["-acp", cores, &pid.to_string()]).output();
    let output = output.context("taskset (Debian: util-linux) is needed to share the cores")?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "taskset -acp {cores} {pid}: {said}");
    Ok(())
}

/// Puts ourselves on these cores.
pub(crate) fn pin_ourselves(cores: &str) -> Result<()> {
    pin(std::process::id(), cores)
}

/// A process that does not outlive its owner.
#[derive(Debug)]
pub(crate) struct Process {
    name: String,
    child: Child,
}

impl Process {
    /// Both outputs go to `{name}.out` in the folder.
    pub(crate) fn start(name: &str, command: &Command, cores: &str, folder: &Path) -> Result<Self> {
        let output = File::create(folder.join(format!("{name}.out")))?;
        let mut pinned = Command::new("taskset");
        pinned.args(["-c", cores]).arg(command.get_program()).args(command.get_args());
        for (variable, value) in command.get_envs() {
            match value {
                Some(value) => pinned.env(variable, value),
                None => pinned.env_remove(variable),
            };
        }
        pinned.current_dir(folder).stdin(Stdio::null());
        let child = pinned.stdout(output.try_clone()?).stderr(output).spawn();
        let child = child.with_context(|| format!("starting {name} (taskset is needed)"))?;
        Ok(Self { name: name.to_owned(), child })
    }

    /// `taskset` becomes the program, so it is the program's own.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// An error once it has ended.
    pub(crate) fn ensure_runs(&mut self) -> Result<()> {
        let ended = self.child.try_wait()?;
        ensure!(ended.is_none(), "{} ended by itself: {ended:?}", self.name);
        Ok(())
    }

    /// Waits until it has ended well.
    pub(crate) async fn finish(mut self, within: Duration) -> Result<()> {
        let status = self.wait(within).await?;
        ensure!(status == Some(0), "{} ended with {status:?}", self.name);
        Ok(())
    }

    /// SIGTERM, and exit code 0 in time.
    pub(crate) async fn stop(self) -> Result<()> {
        self.signal("TERM")?;
        self.finish(STOP_ENDS_WITHIN).await
    }

    /// Any signal by its name.
    pub(crate) fn signal(&self, name: &str) -> Result<()> {
        // The standard library knows SIGKILL only; a shell's own `kill` is everywhere.
        let kill = format!("kill -{name} {}", self.pid());
        let status = Command::new("sh").args(["-c", &kill]).status()?;
        ensure!(status.success(), "`{kill}` failed");
        Ok(())
    }

    async fn wait(&mut self, within: Duration) -> Result<Option<i32>> {
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait()? {
                return Ok(status.code());
            }
            ensure!(start.elapsed() < within, "{} still runs after {within:?}", self.name);
            sleep(ASK_EVERY).await;
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Both fail only if it has ended already, and then there is nothing to end.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Processor time of a process until now, in seconds.
pub(crate) fn cpu_seconds(pid: u32) -> Result<f64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let ticks = cpu_ticks(&stat).with_context(|| format!("/proc/{pid}/stat: {stat}"))?;
    #[allow(clippy::cast_precision_loss, reason = "no process runs for that long")]
    Ok(ticks as f64 / TICKS_PER_SECOND)
}

/// Fields 14 and 15; the second is a name in brackets that may hold anything.
fn cpu_ticks(stat: &str) -> Option<u64> {
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    Some(fields.next()?.parse::<u64>().ok()? + fields.next()?.parse::<u64>().ok()?)
}

/// Resident memory of a process, in KiB.
pub(crate) fn memory_kib(pid: u32) -> Result<f64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.trim().strip_suffix(" kB")).context("no VmRSS")?;
    kib.trim().parse().context("VmRSS")
}

/// A loopback address that is free now.
pub(crate) fn free_address() -> Result<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_measured_has_the_first_core_and_all_else_the_others() {
        let check = |count, expected: [&str; 3]| {
            let Cores { measured, others, all } = Cores::of(count);
            assert_eq!([measured, others, all], expected);
        };
        check(1, ["0", "0", "0"]);
        check(2, ["0", "1", "0-1"]);
        check(8, ["0", "1-7", "0-7"]);
    }

    #[test]
    fn processor_time_is_found_behind_any_name() {
        let stat = "7 (a) b) S 1 7 7 0 -1 4194560 12 0 0 0 250 50 0 0 20 0 4 0 99 1 2";
        assert_eq!(cpu_ticks(stat), Some(300));
        assert_eq!(cpu_ticks("nothing"), None);
    }

    #[tokio::test]
    async fn a_process_that_fails_is_an_error_and_one_that_is_dropped_is_gone() {
        let folder = tempfile::tempdir().unwrap();
        let start = |script: &str| {
            let mut command = Command::new("sh");
            command.args(["-c", script]);
            Process::start("shell", &command, "0", folder.path()).unwrap()
        };
        let within = Duration::from_secs(60);
        assert!(start("exit 0").finish(within).await.is_ok());
        let error = start("exit 3").finish(within).await.unwrap_err();
        assert!(error.to_string().contains("Some(3)"), "{error}");

        let runs = start("exec cat /dev/zero > /dev/null");
        let pid = runs.pid();
        drop(runs);
        assert!(memory_kib(pid).is_err());
    }
}
