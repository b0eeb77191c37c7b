//! Snapshots are of what stands in the log: the filter's state in each is that of a reader who has
//! read the log up to there. Of the rest of a snapshot nothing is known here; an owner that goes on
//! from a wrong one decides wrongly, and that is seen.

use std::collections::BTreeSet;

use object_store::path::Path;
use schemas::Partition;
use schemas::log::FilterState;
use sha2::{Digest as _, Sha256};

use super::reading::Mark;
use super::{Check, Checked, expect};
use crate::ground::Ground;

const MAGIC: &[u8] = b"timedeal-snapshot 1\n";
const HASH_BYTES: usize = 32;

/// The snapshots that were looked at.
#[derive(Debug, Default)]
pub(super) struct Snapshots {
    known: BTreeSet<Path>,
}

impl Snapshots {
    /// Looks at those that are new.
    pub(super) fn check(&mut self, ground: &Ground, partitions: &[Checked]) -> Check {
        for path in ground.snapshot_paths() {
            if self.known.contains(&path) {
                continue;
            }
            let Some(filter) = ground.snapshot(&path).and_then(|bytes| filter_in(&bytes)) else {
                continue;
            };
            let checked = partition_of(&path).and_then(|it| partitions.get(usize::from(it)));
            let mark = checked.and_then(|it| it.reading.marks.get(&filter.read_offset));
            let stored = Mark::of(&filter);
            expect("snapshot", mark == Some(&stored), || {
                format!("{path} says {stored:?}, the log says {mark:?}")
            })?;
            self.known.insert(path);
        }
        Ok(())
    }
}

/// The filter's state in a snapshot that is whole.
fn filter_in(bytes: &[u8]) -> Option<FilterState> {
    let (body, hash) = bytes.split_at(bytes.len().checked_sub(HASH_BYTES)?);
    if Sha256::digest(body)[..] != *hash {
        return None;
    }
    let (length, rest) = body.strip_prefix(MAGIC)?.split_first_chunk::<8>()?;
    let length = usize::try_from(u64::from_be_bytes(*length)).ok()?;
    serde_json::from_slice(rest.get(..length)?).ok()
}

fn partition_of(path: &Path) -> Option<Partition> {
    let folder = path.parts().nth(1)?;
    folder.as_ref().strip_prefix("partition-")?.parse().ok()
}
