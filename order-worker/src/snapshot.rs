//! Snapshots: the fold of decisions read back through the filter, with the filter's state, in an
//! object store. Never the owner's own speculation, never what is merely acknowledged.
//! Whatever does not fit is skipped: a snapshot saves time, it is never the truth.
//!
//! Snapshots of large partitions have a hundred megabytes: to make or to read one may be work for
//! another thread. Must not know what that is.

mod format;
mod patience;

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use decider::State;
use futures_util::stream::FuturesUnordered;
use futures_util::{StreamExt, TryStreamExt};
use object_store::path::Path;
use object_store::{MultipartUpload, ObjectStore, ObjectStoreExt, PutPayload};
use schemas::Partition;
use schemas::log::FilterState;
use tokio::sync::oneshot;

use format::{decode, encode};
pub(crate) use patience::Patience;
use patience::{ANSWER_WITHIN, BODY_WITHIN, Silent};

/// How many snapshots of a partition are kept.
const KEPT: usize = 2;
/// Larger ones are uploaded in parts of this size: one that fails is sent again, not all of it.
const PART_BYTES: usize = 8 << 20;
/// So many parts are on their way at a time.
const PARTS_MAX: usize = 4;

/// The fold of a partition up to `filter.read_offset`.
#[derive(Debug)]
pub struct Snapshot {
    /// State of the filter.
    pub filter: FilterState,
    /// State of the decider.
    pub state: State,
}

/// Why a snapshot was not written, or none was found.
#[derive(Debug, thiserror::Error)]
#[error("snapshots of partition {partition}: {source}")]
pub struct SnapshotError {
    partition: Partition,
    source: Fault,
}

#[derive(Debug, thiserror::Error)]
enum Fault {
    #[error(transparent)]
    Store(#[from] object_store::Error),
    #[error(transparent)]
    Silent(#[from] Silent),
    #[error("whoever was to make it gave up")]
    NotMade,
}

/// Something that takes long and awaits nothing.
pub type Work = Box<dyn FnOnce() + Send>;

/// The snapshots of one log in an object store.
#[derive(Clone)]
pub struct Snapshots {
    store: Arc<dyn ObjectStore>,
    log_id: u8,
    offload: Arc<dyn Fn(Work) + Send + Sync>,
}

impl fmt::Debug for Snapshots {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { store, log_id, offload: _ } = self;
        formatter.debug_tuple("Snapshots").field(store).field(log_id).finish()
    }
}

impl Snapshots {
    /// Snapshots of this log in `store`, beside those of other logs. They are made and read where
    /// they are asked for.
    #[must_use]
    pub fn new(store: Arc<dyn ObjectStore>, log_id: u8) -> Self {
        Self { store, log_id, offload: Arc::new(|work: Work| work()) }
    }

    /// The same, made and read by `offload`, which must not wait for the work to be done.
    #[must_use]
    pub fn offloaded_to(self, offload: impl Fn(Work) + Send + Sync + 'static) -> Self {
        Self { offload: Arc::new(offload), ..self }
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
        let fault =
            |source: object_store::Error| SnapshotError { partition, source: source.into() };
        let listed = self.store.list_with_delimiter(None).await.map_err(fault)?;
        for prefix in listed.common_prefixes {
            let Some(log_id) = log_id_of(&prefix) else { continue };
            let other = Self { log_id, ..self.clone() };
            if !other.list(partition).await?.is_empty() {
                return Ok(Some(log_id));
            }
        }
        Ok(None)
    }

    /// The same, from a store that may be silent.
    pub(crate) async fn other_log_within(
        &self,
        partition: Partition,
        patience: Patience<'_>,
    ) -> Result<Option<u8>, SnapshotError> {
        let silent = |silent: Silent| SnapshotError { partition, source: silent.into() };
        patience.wait(ANSWER_WITHIN, self.other_log(partition)).await.map_err(silent)?
    }

    /// The newest snapshot that is whole; missing and corrupt ones are skipped with a warning.
    ///
    /// # Errors
    /// If the store cannot be listed.
    pub async fn load(&self, partition: Partition) -> Result<Option<Snapshot>, SnapshotError> {
        self.load_within(partition, Patience::Endless).await
    }

    /// The same, from a store that may be silent.
    pub(crate) async fn load_within(
        &self,
        partition: Partition,
        patience: Patience<'_>,
    ) -> Result<Option<Snapshot>, SnapshotError> {
        let silent = |silent: Silent| SnapshotError { partition, source: silent.into() };
        let listed = patience.wait(ANSWER_WITHIN, self.list(partition)).await.map_err(silent)?;
        for path in listed?.into_iter().rev() {
            match self.read(&path, patience).await.map_err(silent)? {
                Ok(snapshot) if snapshot.filter.log_id == Some(self.log_id) => {
                    return Ok(Some(snapshot));
                }
                Ok(_) => tracing::warn!(partition, %path, "snapshot of another log skipped"),
                Err(reason) => tracing::warn!(partition, %path, reason, "snapshot skipped"),
            }
        }
        Ok(None)
    }

    /// A snapshot, or why it is none; or that the store is silent.
    async fn read(
        &self,
        path: &Path,
        patience: Patience<'_>,
    ) -> Result<Result<Snapshot, String>, Silent> {
        let answer = match patience.wait(ANSWER_WITHIN, self.store.get(path)).await? {
            Ok(answer) => answer,
            Err(fault) => return Ok(Err(fault.to_string())),
        };
        let bytes = match patience.wait(BODY_WITHIN, answer.bytes()).await? {
            Ok(bytes) => bytes,
            Err(fault) => return Ok(Err(fault.to_string())),
        };
        let decoded = self.done(move || decode(&bytes)).await;
        Ok(decoded.unwrap_or(Err("whoever was to read it gave up")).map_err(str::to_owned))
    }

    /// Has `work` done; none if whoever was to do it gave up.
    async fn done<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Option<T> {
        let (done, outcome) = oneshot::channel();
        // Who has lost interest in the outcome does not wait for it.
        (self.offload)(Box::new(move || drop(done.send(work()))));
        outcome.await.ok()
    }

    /// The bytes of a snapshot. The state is let go before they are there.
    pub(crate) async fn make(
        &self,
        partition: Partition,
        filter: FilterState,
        state: Arc<State>,
    ) -> Result<Vec<u8>, SnapshotError> {
        let made = self.done(move || encode(&filter, &state)).await;
        made.ok_or(SnapshotError { partition, source: Fault::NotMade })
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
        let fault =
            |source: object_store::Error| SnapshotError { partition, source: source.into() };
        // The name sorts by read_offset; the epoch keeps two owners apart.
        let name = format!("{:020}-{:020}.snapshot", filter.read_offset, filter.epoch);
        let path = self.folder(partition).join(name);
        self.put(&path, bytes.into()).await.map_err(fault)?;
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

    async fn put(&self, path: &Path, bytes: Bytes) -> object_store::Result<()> {
        if bytes.len() <= PART_BYTES {
            return self.store.put(path, bytes.into()).await.map(drop);
        }
        let mut upload = self.store.put_multipart(path).await?;
        let outcome = put_in_parts(&mut *upload, &bytes).await;
        if outcome.is_err()
            && let Err(fault) = upload.abort().await
        {
            tracing::warn!(%path, %fault, "parts of an upload that failed are left behind");
        }
        outcome
    }

    /// Paths of a partition's snapshots, oldest first.
    async fn list(&self, partition: Partition) -> Result<Vec<Path>, SnapshotError> {
        let listed = self.store.list(Some(&self.folder(partition)));
        let listed = listed.map_ok(|object| object.location).try_collect::<Vec<_>>().await;
        let fault =
            |source: object_store::Error| SnapshotError { partition, source: source.into() };
        let mut paths = listed.map_err(fault)?;
        paths.retain(|path| path.extension() == Some("snapshot"));
        paths.sort_unstable();
        Ok(paths)
    }

    fn folder(&self, partition: Partition) -> Path {
        Path::from(format!("log-{}/partition-{partition}", self.log_id))
    }
}

/// Nothing is there before all parts are. When a part fails, those on their way are waited for: one
/// that comes after the upload is given up would take room that nobody gives back.
async fn put_in_parts(upload: &mut dyn MultipartUpload, bytes: &Bytes) -> object_store::Result<()> {
    let mut sent = FuturesUnordered::new();
    let mut outcome = Ok(());
    for part in bytes.chunks(PART_BYTES) {
        if sent.len() == PARTS_MAX {
            outcome = sent.next().await.unwrap_or(Ok(()));
        }
        if outcome.is_err() {
            break;
        }
        sent.push(upload.put_part(PutPayload::from(bytes.slice_ref(part))));
    }
    while let Some(ended) = sent.next().await {
        outcome = outcome.and(ended);
    }
    outcome?;
    upload.complete().await.map(drop)
}

fn log_id_of(prefix: &Path) -> Option<u8> {
    prefix.filename()?.strip_prefix("log-")?.parse().ok()
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use object_store::memory::InMemory;
    use object_store::{PutResult, UploadPart};

    use super::*;

    fn filter(read_offset: u64) -> FilterState {
        FilterState { log_id: Some(3), read_offset, epoch: 1, ..FilterState::default() }
    }

    /// Fails the first part at once, and takes a while for the others.
    #[derive(Debug, Default)]
    struct Failing {
        parts: usize,
        written: Arc<AtomicUsize>,
    }

    #[async_trait::async_trait]
    impl MultipartUpload for Failing {
        fn put_part(&mut self, _: PutPayload) -> UploadPart {
            self.parts += 1;
            if self.parts == 1 {
                return Box::pin(async {
                    Err(object_store::Error::Generic { store: "Failing", source: "no room".into() })
                });
            }
            let written = self.written.clone();
            Box::pin(async move {
                tokio::task::yield_now().await;
                written.fetch_add(1, Ordering::Relaxed);
                Ok(())
            })
        }

        async fn complete(&mut self) -> object_store::Result<PutResult> {
            unreachable!("a part failed")
        }

        async fn abort(&mut self) -> object_store::Result<()> {
            Ok(())
        }
    }

    #[tokio::test]
    async fn an_upload_is_given_up_once_none_of_its_parts_is_on_its_way() {
        let mut upload = Failing::default();
        let bytes = Bytes::from(vec![0; 3 * PART_BYTES]);
        put_in_parts(&mut upload, &bytes).await.unwrap_err();
        assert_eq!(upload.written.load(Ordering::Relaxed), 2);
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
