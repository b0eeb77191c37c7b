//! A server that outlives us: started with its log and pid in files, recognized by its command
//! line, ended by its pid. Nothing is sent to a process that is not surely ours.
//!
//! Must not know what the server serves.

use std::fs::{self, File};
use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

use super::addresses::Addresses;
use crate::programs::{last_lines, signal, wait_for};

/// From a cold disk, on a busy machine.
const ANSWERS_WITHIN: Duration = Duration::from_secs(90);
/// How long a server may write down what it has before it is killed.
const ENDS_WITHIN: Duration = Duration::from_secs(15);
/// How long the kernel may take to clear away what was killed.
const DIES_WITHIN: Duration = Duration::from_secs(5);

/// One server: its folder, and how its process is recognized.
#[derive(Debug)]
pub(super) struct Daemon {
    /// Takes the files `pid`, `addresses` and `log`.
    pub(super) folder: PathBuf,
    /// An argument on its command line that no other process has, because it names the folder.
    pub(super) mark: String,
}

impl Daemon {
    /// The process, if it runs and is still the one that was started.
    pub(super) fn pid(&self) -> Option<u32> {
        let text = fs::read_to_string(self.folder.join("pid")).ok()?;
        let pid: u32 = text.trim().parse().ok()?;
        // Pids are used again; a process that was ended but not waited for has no command line.
        let command_line = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
        has_argument(&command_line, &self.mark).then_some(pid)
    }

    /// Where it was told to listen when it was started last.
    pub(super) fn addresses(&self) -> Option<Addresses> {
        Addresses::read(&self.folder.join("addresses"))
    }

    /// An empty folder of this name inside: every start begins without what tests left behind.
    pub(super) fn empty_folder(&self, name: &str) -> Result<PathBuf> {
        let path = self.folder.join(name);
        if path.exists() {
            fs::remove_dir_all(&path).with_context(|| format!("emptying {}", path.display()))?;
        }
        fs::create_dir_all(&path).with_context(|| format!("creating {}", path.display()))?;
        Ok(path)
    }

    /// Starts it and returns once it `answers`; what was started and does not answer is ended.
    pub(super) fn start(
        &self,
        mut command: Command,
        addresses: &Addresses,
        answers: impl Fn() -> bool,
    ) -> Result<()> {
        addresses.write(&self.folder.join("addresses"))?;
        let mut child = self.spawn(&mut command)?;
        let answered = wait_for(ANSWERS_WITHIN, || {
            if let Some(status) = child.try_wait()? {
                bail!("ended with {status} before it answered");
            }
            Ok(answers())
        });
        let known = answered.and_then(|()| {
            ensure!(self.pid() == Some(child.id()), "`{}` is not on its command line", self.mark);
            Ok(())
        });
        known
            .inspect_err(|_| {
                // Both fail only if it has ended already; then its files are all that is left.
                drop(child.kill());
                drop(child.wait());
                drop(self.stop());
            })
            .with_context(|| self.end_of_log())
    }

    fn spawn(&self, command: &mut Command) -> Result<Child> {
        let log = self.log();
        let file = File::create(&log).with_context(|| format!("creating {}", log.display()))?;
        let errors = file.try_clone()?;
        command.current_dir(&self.folder).stdin(Stdio::null()).stdout(file).stderr(errors);
        // A group of its own: what ends us from the terminal does not end it.
        let child = command
            .process_group(0)
            .spawn()
            .with_context(|| format!("starting {}", Path::new(command.get_program()).display()))?;
        fs::write(self.folder.join("pid"), format!("{}\n", child.id()))?;
        Ok(child)
    }

    /// Ends it, kindly first; nothing to do if it does not run.
    pub(super) fn stop(&self) -> Result<()> {
        if let Some(pid) = self.pid() {
            let is_gone = || Ok(self.pid() != Some(pid));
            signal(pid, "TERM")?;
            if wait_for(ENDS_WITHIN, is_gone).is_err() && self.pid() == Some(pid) {
                signal(pid, "KILL")?;
                wait_for(DIES_WITHIN, is_gone).with_context(|| format!("killing {pid}"))?;
            }
        }
        for name in ["pid", "addresses"] {
            let path = self.folder.join(name);
            if path.exists() {
                fs::remove_file(&path).with_context(|| format!("removing {}", path.display()))?;
            }
        }
        Ok(())
    }

    fn log(&self) -> PathBuf {
        self.folder.join("log")
    }

    fn end_of_log(&self) -> String {
        let path = self.log();
        let text = fs::read(&path).unwrap_or_default();
        let end = last_lines(&String::from_utf8_lossy(&text));
        format!("{end}\n(the end of {})", path.display())
    }
}

/// Whether one of the arguments, as `/proc/PID/cmdline` has them, is this one.
fn has_argument(command_line: &[u8], argument: &str) -> bool {
    command_line.split(|&byte| byte == 0).any(|found| found == argument.as_bytes())
}

/// Loopback ports that are free now, all different.
pub(super) fn free_ports<const N: usize>() -> Result<[u16; N]> {
    let mut listeners = Vec::new();
    let mut ports = [0; N];
    for port in &mut ports {
        let listener = TcpListener::bind("127.0.0.1:0").context("looking for a free port")?;
        *port = listener.local_addr()?.port();
        listeners.push(listener);
    }
    Ok(ports)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_command_line_is_recognized_by_a_whole_argument() {
        let command_line = b"java\0-Xmx1m\0kafka.Kafka\0/t/kafka/server.properties\0";
        assert!(has_argument(command_line, "/t/kafka/server.properties"));
        assert!(!has_argument(command_line, "/t/kafka/server"));
        assert!(!has_argument(b"less /t/kafka/server.properties\0", "/t/kafka/server.properties"));
        assert!(!has_argument(b"", "/t/kafka/server.properties"));
    }

    #[test]
    fn a_pid_that_another_program_has_by_now_is_not_ours() {
        let folder = tempfile::tempdir().unwrap();
        let daemon = |mark: &str| Daemon { folder: folder.path().into(), mark: mark.to_owned() };
        assert_eq!(daemon("x").pid(), None);

        let own = std::process::id();
        fs::write(folder.path().join("pid"), format!("{own}\n")).unwrap();

        assert_eq!(daemon("/no/such/argument").pid(), None);
        let program = std::env::args().next().unwrap();
        assert_eq!(daemon(&program).pid(), Some(own));
        // We live on, and what was known of the process is forgotten.
        daemon("/no/such/argument").stop().unwrap();
        assert_eq!(daemon(&program).pid(), None);
    }

    #[test]
    fn a_program_that_ends_before_it_answers_is_an_error_with_its_log() {
        let folder = tempfile::tempdir().unwrap();
        let daemon = Daemon { folder: folder.path().into(), mark: "echo no luck >&2".to_owned() };
        let mut command = Command::new("sh");
        command.args(["-c", &daemon.mark]);

        let error = daemon.start(command, &Addresses::default(), || false).unwrap_err();

        let error = format!("{error:#}");
        assert!(error.starts_with("no luck\n(the end of "), "{error}");
        assert!(error.ends_with("ended with exit status: 0 before it answered"), "{error}");
        assert_eq!(daemon.addresses(), None);
    }

    #[test]
    fn ports_differ() {
        let ports: BTreeSet<u16> = free_ports::<5>().unwrap().into();
        assert_eq!(ports.len(), 5);
    }
}
