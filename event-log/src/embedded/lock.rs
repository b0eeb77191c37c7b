//! The lock file: one writing process per directory. Whoever holds the operating system's lock on
//! `timedeal.lock` writes; the text inside only says who that is, and outlives a killed process
//! without harm.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use schemas::Timestamp;

use super::error::OpenError;

const FILE: &str = "timedeal.lock";

/// The lock, held until dropped.
#[derive(Debug)]
pub(crate) struct DirectoryLock {
    file: File,
}

impl DirectoryLock {
    /// Takes the lock of `directory` and writes down who has it.
    pub(crate) fn take(
        directory: &Path,
        command: &str,
        since: Timestamp,
    ) -> Result<Self, OpenError> {
        let path = directory.join(FILE);
        let failed = |source| OpenError::Directory { path: path.clone(), source };
        let mut file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(&path)
            .map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(in_use(directory, &mut file)),
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
        let text = holder_text(std::process::id(), command, since);
        file.set_len(0).and_then(|()| file.write_all(text.as_bytes())).map_err(failed)?;
        Ok(Self { file })
    }
}

impl Drop for DirectoryLock {
    fn drop(&mut self) {
        // So that the next holder is not mistaken for this one in the moment before it signs.
        if let Err(error) = self.file.set_len(0) {
            tracing::debug!(%error, "lock file not emptied");
        }
        // Closing the file would leave the lock to a child process that is just being started and
        // has not let go of our files yet.
        if let Err(error) = self.file.unlock() {
            tracing::debug!(%error, "lock file not unlocked");
        }
    }
}

fn holder_text(pid: u32, command: &str, since: Timestamp) -> String {
    let command: String =
        command.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect();
    format!("pid {pid}\ncommand {command}\nsince_ms {} ({since})\n", since.as_millis())
}

fn in_use(directory: &Path, file: &mut File) -> OpenError {
    let directory: PathBuf = directory.to_owned();
    let mut text = String::new();
    let read = file.seek(SeekFrom::Start(0)).and_then(|_| file.read_to_string(&mut text));
    match read.ok().and_then(|_| holder(&text)) {
        Some((pid, command, since)) => OpenError::InUse { directory, pid, command, since },
        None => OpenError::InUseByStarting { directory },
    }
}

fn holder(text: &str) -> Option<(u32, Box<str>, Timestamp)> {
    let mut lines = text.lines();
    let pid = lines.next()?.strip_prefix("pid ")?.parse().ok()?;
    let command = lines.next()?.strip_prefix("command ")?.into();
    let since = lines.next()?.strip_prefix("since_ms ")?.split(' ').next()?.parse().ok()?;
    Some((pid, command, Timestamp::from_millis(since)))
}

#[cfg(test)]
mod tests {
    use super::{DirectoryLock, holder, holder_text};
    use schemas::Timestamp;

    #[test]
    fn a_lock_that_was_given_up_is_free_though_a_child_has_the_file() {
        let directory = tempfile::tempdir().unwrap();
        let take = || DirectoryLock::take(directory.path(), "timedeal serve", Timestamp::EPOCH);
        let lock = take().unwrap();
        let inherited = lock.file.try_clone().unwrap();
        drop(lock);
        drop(take().unwrap());
        drop(inherited);
    }

    #[test]
    fn a_holder_reads_back_as_written() {
        let since = Timestamp::from_millis(1_700_000_000_123);
        let text = holder_text(42, "timedeal serve", since);
        assert_eq!(holder(&text), Some((42, "timedeal serve".into(), since)));
    }

    #[test]
    fn a_command_cannot_forge_a_line() {
        let text = holder_text(42, "a\nsince_ms 0", Timestamp::EPOCH);
        assert_eq!(text.lines().count(), 3);
    }

    #[test]
    fn half_a_text_names_nobody() {
        assert_eq!(holder(""), None);
        assert_eq!(holder("pid 42\ncommand timed"), None);
    }
}
