//! Other programs: found, run to their end, sent signals, awaited.
//!
//! Must not know what a program is run for.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use crate::tree::{Tree, cargo};

/// How often a condition is asked.
const ASK_EVERY: Duration = Duration::from_millis(20);
/// Lines of an output that are shown after a failure.
const LAST_LINES: usize = 30;
/// Where Debian puts servers; not on the `PATH` of everybody.
const FOLDERS_OF_SERVERS: [&str; 2] = ["/usr/local/sbin", "/usr/sbin"];

/// Runs a command that writes to our own terminal; any exit code but 0 is an error.
pub(crate) fn finish(command: &mut Command) -> Result<()> {
    let name = name_of(command);
    let status =
        command.stdin(Stdio::null()).status().with_context(|| format!("starting {name}"))?;
    ensure!(status.success(), "{name} ended with {status}");
    Ok(())
}

/// Builds the programs of the service as tests run them.
pub(crate) fn build_release(tree: &Tree) -> Result<()> {
    finish(cargo().args(["build", "--release"]).current_dir(&tree.root))
}

/// Builds `what` as it is shipped: more is optimized, and it takes longer.
pub(crate) fn build_dist(tree: &Tree, what: &[&str]) -> Result<()> {
    finish(cargo().args(["build", "--profile=dist"]).args(what).current_dir(&tree.root))
}

/// Runs a command that is heard of only if it fails; returns what it wrote to its output.
pub(crate) fn finish_quietly(command: &mut Command) -> Result<String> {
    let name = name_of(command);
    let output =
        command.stdin(Stdio::null()).output().with_context(|| format!("starting {name}"))?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let said = text(&output.stdout);
    ensure!(
        output.status.success(),
        "{name} ended with {}:\n{}",
        output.status,
        last_lines(&format!("{said}{}", text(&output.stderr)))
    );
    Ok(said)
}

fn name_of(command: &Command) -> String {
    let program = Path::new(command.get_program());
    program.file_name().unwrap_or(OsStr::new("?")).to_string_lossy().into_owned()
}

/// Where a program of this name stands.
pub(crate) fn find(program: &str) -> Option<PathBuf> {
    let paths = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&paths).chain(FOLDERS_OF_SERVERS.map(PathBuf::from));
    folders.map(|folder| folder.join(program)).find(|path| path.is_file())
}

/// Whether a program of this name is here.
pub(crate) fn is_installed(program: &str) -> bool {
    find(program).is_some()
}

/// Sends a signal (`TERM`, `KILL`) to one process.
pub(crate) fn signal(pid: u32, name: &str) -> Result<()> {
    // The standard library sends SIGKILL to children only; the shell's own `kill` is everywhere.
    finish_quietly(Command::new("sh").args(["-c", &format!("kill -{name} {pid}")]))
        .with_context(|| format!("sending {name} to process {pid}"))?;
    Ok(())
}

/// Asks until it is so; an error once the time is over.
pub(crate) fn wait_for(within: Duration, mut done: impl FnMut() -> Result<bool>) -> Result<()> {
    let start = Instant::now();
    while !done()? {
        ensure!(start.elapsed() < within, "not within {within:?}");
        thread::sleep(ASK_EVERY);
    }
    Ok(())
}

/// The end of an output, for a reader who wants to know why.
pub(crate) fn last_lines(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(LAST_LINES)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_that_ends_with_another_code_than_0_is_an_error() {
        assert!(finish(&mut Command::new("true")).is_ok());
        let error = finish(Command::new("sh").args(["-c", "exit 3"])).unwrap_err();
        assert!(error.to_string().contains("sh ended with exit status: 3"), "{error}");
    }

    #[test]
    fn a_quiet_command_that_fails_says_both_its_outputs() {
        let mut command = Command::new("sh");
        assert_eq!(finish_quietly(command.args(["-c", "echo yes"])).unwrap(), "yes\n");
        let mut command = Command::new("sh");
        let error = finish_quietly(command.args(["-c", "echo one; echo two >&2; exit 4"]));
        let error = error.unwrap_err().to_string();
        assert_eq!(error, "sh ended with exit status: 4:\none\ntwo");
    }

    #[test]
    fn programs_are_looked_for_on_the_path() {
        assert!(find("sh").is_some());
        assert_eq!(find("no-such-program-anywhere"), None);
    }

    #[test]
    fn a_wait_ends_with_its_condition_with_its_time_or_with_an_error() {
        let mut asked = 0;
        wait_for(Duration::from_secs(60), || {
            asked += 1;
            Ok(asked == 3)
        })
        .unwrap();
        assert_eq!(asked, 3);
        assert!(wait_for(Duration::ZERO, || Ok(false)).is_err());
        assert!(wait_for(Duration::from_secs(60), || anyhow::bail!("no")).is_err());
    }

    #[test]
    fn only_the_last_lines_are_shown() {
        let text: String = (1..=40).map(|line| format!("{line}\n")).collect();
        assert!(last_lines(&text).starts_with("11\n"));
        assert!(last_lines(&text).ends_with("\n40"));
        assert_eq!(last_lines("one"), "one");
    }
}
