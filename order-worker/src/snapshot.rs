//! Snapshots: the fold of decisions read back through the filter, with the filter's state, in an
//! object store. Never the owner's own speculation, never what is merely acknowledged.
//!
//! An object is a line of text, the length of the filter state as 8 bytes (big-endian), the filter
//! state as JSON, the decider's state, and the SHA-256 of all that. Whatever does not fit is
//! skipped: a snapshot saves time, it is never the truth.

use std::sync::Arc;

use decider::State;
use futures_util::TryStreamExt;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt, PutPayload};
use schemas::Partition;
use schemas::log::FilterState;
use sha2::{Digest, Sha256};

/// First bytes of every snapshot; the number is the format's.
const MAGIC: &[u8] = b"timedeal-snapshot 1\n";
const HASH_BYTES: usize = 32;
/// How many snapshots of a partition are kept.
const KEPT: usize = 2;

/// The fold of a partition up to `filter.read_offset`.
#[derive(Debug)]
pub struct Snapshot {
    /// State of the filter.
    pub filter: FilterState,
    /// State of the decider.
    pub state: State,
}

/// Why a snapshot was not written or listed.
#[derive(Debug, thiserror::Error)]
#[error("snapshots of partition {partition}: {source}")]
pub struct SnapshotError {
    partition: Partition,
    source: object_store::Error,
}

/// The snapshots of one log in an object store.
#[derive(Clone, Debug)]
pub struct Snapshots {
    store: Arc<dyn ObjectStore>,
    log_id: u8,
}

impl Snapshots {
    /// Snapshots of this log in `store`, beside those of other logs.
    #[must_use]
    pub fn new(store: Arc<dyn ObjectStore>, log_id: u8) -> Self {
        Self { store, log_id }
    }

    /// The log that these are snapshots of.
    #[must_use]
    pub fn log_id(&self) -> u8 {
        self.log_id
    }

    /// Another log that this partition has snapshots of, if there is none of this log.
    ///
    /// # Errors
    /// If the store cannot be listed.
    pub async fn other_log(&self, partition: Partition) -> Result<Option<u8>, SnapshotError> {
        if !self.list(partition).await?.is_empty() {
            return Ok(None);
        }
        let fault = |source| SnapshotError { partition, source };
        let listed = self.store.list_with_delimiter(None).await.map_err(fault)?;
        for prefix in listed.common_prefixes {
            let Some(log_id) = log_id_of(&prefix) else { continue };
            let other = Self { store: Arc::clone(&self.store), log_id };
            if !other.list(partition).await?.is_empty() {
                return Ok(Some(log_id));
            }
        }
        Ok(None)
    }

    /// The newest snapshot that is whole; missing and corrupt ones are skipped with a warning.
    ///
    /// # Errors
    /// If the store cannot be listed.
    pub async fn load(&self, partition: Partition) -> Result<Option<Snapshot>, SnapshotError> {
        for path in self.list(partition).await?.into_iter().rev() {
            let read = async { self.store.get(&path).await?.bytes().await };
            let read = read.await.map_err(|fault| fault.to_string());
            match read.and_then(|bytes| decode(&bytes).map_err(str::to_owned)) {
                Ok(snapshot) if snapshot.filter.log_id == Some(self.log_id) => {
                    return Ok(Some(snapshot));
                }
                Ok(_) => tracing::warn!(partition, %path, "snapshot of another log skipped"),
                Err(reason) => tracing::warn!(partition, %path, reason, "snapshot skipped"),
            }
        }
        Ok(None)
    }

    /// Writes a snapshot's bytes and removes all but the newest.
    ///
    /// # Errors
    /// If the store does not take it; older snapshots are then left as they are.
    pub async fn save(
        &self,
        partition: Partition,
        filter: &FilterState,
        bytes: Vec<u8>,
    ) -> Result<(), SnapshotError> {
        let fault = |source| SnapshotError { partition, source };
        // The name sorts by read_offset; the epoch keeps two owners apart.
        let name = format!("{:020}-{:020}.snapshot", filter.read_offset, filter.epoch);
        let path = self.folder(partition).join(name);
        self.store.put(&path, PutPayload::from(bytes)).await.map_err(fault)?;
        let mut old = self.list(partition).await?;
        old.truncate(old.len().saturating_sub(KEPT));
        for path in old {
            match self.store.delete(&path).await {
                // A former owner may have been faster.
                Ok(()) | Err(object_store::Error::NotFound { .. }) => {}
                Err(error) => return Err(fault(error)),
            }
        }
        Ok(())
    }

    /// Paths of a partition's snapshots, oldest first.
    async fn list(&self, partition: Partition) -> Result<Vec<Path>, SnapshotError> {
        let listed = self.store.list(Some(&self.folder(partition)));
        let listed = listed.map_ok(|object| object.location).try_collect::<Vec<_>>().await;
        let mut paths = listed.map_err(|source| SnapshotError { partition, source })?;
        paths.retain(|path| path.extension() == Some("snapshot"));
        paths.sort_unstable();
        Ok(paths)
    }

    fn folder(&self, partition: Partition) -> Path {
        Path::from(format!("log-{}/partition-{partition}", self.log_id))
    }
}

fn log_id_of(prefix: &Path) -> Option<u8> {
    prefix.filename()?.strip_prefix("log-")?.parse().ok()
}

/// The bytes of a snapshot.
pub(crate) fn encode(filter: &FilterState, state: &State) -> Vec<u8> {
    let filter = serde_json::to_vec(filter).expect("a filter state is plain data");
    let state = state.encode();
    let mut bytes = Vec::with_capacity(MAGIC.len() + 8 + filter.len() + state.len() + HASH_BYTES);
    bytes.extend_from_slice(MAGIC);
    let length = u64::try_from(filter.len()).expect("usize fits u64");
    bytes.extend_from_slice(&length.to_be_bytes());
    bytes.extend_from_slice(&filter);
    bytes.extend_from_slice(&state);
    let hash = Sha256::digest(&bytes);
    bytes.extend_from_slice(&hash);
    bytes
}

fn decode(bytes: &[u8]) -> Result<Snapshot, &'static str> {
    let end = bytes.len().checked_sub(HASH_BYTES).ok_or("too short")?;
    let (body, hash) = bytes.split_at(end);
    if Sha256::digest(body)[..] != *hash {
        return Err("checksum does not fit");
    }
    let rest = body.strip_prefix(MAGIC).ok_or("unknown format")?;
    let (length, rest) = rest.split_first_chunk::<8>().ok_or("no length")?;
    let length = usize::try_from(u64::from_be_bytes(*length)).map_err(|_| "absurd length")?;
    let (filter, state) = rest.split_at_checked(length).ok_or("absurd length")?;
    Ok(Snapshot {
        filter: serde_json::from_slice(filter).map_err(|_| "filter state cannot be read")?,
        state: State::decode(state).map_err(|_| "state cannot be read")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use object_store::memory::InMemory;

    fn filter(read_offset: u64) -> FilterState {
        FilterState { log_id: Some(3), read_offset, epoch: 1, ..FilterState::default() }
    }

    async fn saved(read_offsets: &[u64]) -> Snapshots {
        let snapshots = Snapshots::new(Arc::new(InMemory::new()), 3);
        for &read_offset in read_offsets {
            let filter = filter(read_offset);
            let bytes = encode(&filter, &State::default());
            snapshots.save(0, &filter, bytes).await.unwrap();
        }
        snapshots
    }

    #[tokio::test]
    async fn the_newest_of_two_kept_snapshots_is_loaded() {
        let snapshots = saved(&[5, 900, 1_000]).await;
        assert_eq!(snapshots.list(0).await.unwrap().len(), 2);
        assert_eq!(snapshots.load(0).await.unwrap().unwrap().filter.read_offset, 1_000);
    }

    #[tokio::test]
    async fn a_corrupt_snapshot_is_skipped_for_the_one_before() {
        let snapshots = saved(&[5, 9]).await;
        let newest = snapshots.list(0).await.unwrap().pop().unwrap();
        let bytes = snapshots.store.get(&newest).await.unwrap().bytes().await.unwrap();
        for damage in 0..bytes.len() {
            let mut bytes = bytes.to_vec();
            bytes[damage] ^= 1;
            snapshots.store.put(&newest, PutPayload::from(bytes)).await.unwrap();
            assert_eq!(snapshots.load(0).await.unwrap().unwrap().filter.read_offset, 5);
        }
        for length in 0..bytes.len() {
            let cut = PutPayload::from(bytes[..length].to_vec());
            snapshots.store.put(&newest, cut).await.unwrap();
            assert_eq!(snapshots.load(0).await.unwrap().unwrap().filter.read_offset, 5);
        }
    }

    #[tokio::test]
    async fn snapshots_of_another_log_are_told_and_not_loaded() {
        let snapshots = saved(&[5]).await;
        let newer = Snapshots::new(Arc::clone(&snapshots.store), 4);
        assert!(newer.load(0).await.unwrap().is_none());
        assert_eq!(newer.other_log(0).await.unwrap(), Some(3));
        assert_eq!(newer.other_log(1).await.unwrap(), None);
        assert_eq!(snapshots.other_log(0).await.unwrap(), None);
    }
}
