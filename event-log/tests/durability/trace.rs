//! What a watched program did to its files, in order, and what it made of it: a list of steps.
//! Must not know how it was watched.

use crate::writer::Answer;

/// One thing that happened. Paths are relative to the place that was watched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// A file was opened that is made if it is not there.
    Create {
        path: String,
    },
    CreateDirectory {
        path: String,
    },
    Write {
        path: String,
        offset: usize,
        bytes: Vec<u8>,
    },
    Resize {
        path: String,
        bytes: usize,
    },
    /// Of a file or of a directory; `failed` if the operating system said so.
    Sync {
        path: String,
        failed: bool,
    },
    Remove {
        path: String,
    },
    Rename {
        from: String,
        to: String,
    },
    /// An answer left the program.
    Answer(Answer),
}

impl Step {
    /// The bytes of a write to a write-ahead log.
    pub(crate) fn wal_write(&self) -> Option<&[u8]> {
        let Self::Write { path, bytes, .. } = self else { return None };
        is_wal(path).then_some(bytes)
    }

    /// What was synced with success.
    pub(crate) fn synced(&self) -> Option<&str> {
        let Self::Sync { path, failed: false } = self else { return None };
        Some(path)
    }

    pub(crate) fn answer(&self) -> Option<Answer> {
        let Self::Answer(answer) = self else { return None };
        Some(*answer)
    }
}

pub(crate) fn is_wal(path: &str) -> bool {
    path.ends_with("-wal")
}
