//! The data directory of one machine: log, read model, keys and snapshots, and which is where.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use event_log::{EmbeddedLogs, Log};
use object_store::ObjectStore;
use object_store::local::LocalFileSystem;
use platform::secrets::DataDirKeys;
use schemas::Timestamp;

/// A data directory.
#[derive(Clone, Debug)]
pub(crate) struct DataDir(PathBuf);

impl DataDir {
    pub(crate) fn new(path: &Path) -> Self {
        Self(path.to_owned())
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    pub(crate) fn read_model(&self) -> PathBuf {
        self.0.join("read-model.sqlite")
    }

    /// The keys, made at the first start only: with new ones every order id of the log would die.
    pub(crate) fn keys(&self, had_log: bool) -> anyhow::Result<DataDirKeys> {
        let keys = if had_log {
            DataDirKeys::load(&self.0).context("restore them from a backup: the log needs its own")
        } else {
            DataDirKeys::load_or_create(&self.0).context("make keys")
        };
        keys.with_context(|| format!("keys of {}", self.0.display()))
    }

    /// Where snapshots go: written to the disk for good, or a crash could leave torn ones behind.
    pub(crate) fn snapshots(&self) -> anyhow::Result<Arc<dyn ObjectStore>> {
        let folder = self.0.join("snapshots");
        std::fs::create_dir_all(&folder).with_context(|| format!("create {}", folder.display()))?;
        let store = LocalFileSystem::new_with_prefix(&folder)
            .with_context(|| format!("open {}", folder.display()))?;
        Ok(Arc::new(store.with_fsync(true)))
    }
}

/// The two logs that matter most and the one for what nobody can read.
#[derive(Clone, Debug)]
pub(crate) struct Logs {
    pub(crate) commands: Arc<dyn Log>,
    pub(crate) decisions: Arc<dyn Log>,
    pub(crate) dead_letters: Arc<dyn Log>,
}

impl Logs {
    pub(crate) fn of(embedded: &EmbeddedLogs) -> Self {
        Self {
            commands: embedded.commands(),
            decisions: embedded.decisions(),
            dead_letters: embedded.dead_letters(),
        }
    }
}

/// The machine's wall clock, as the embedded log takes it.
pub(crate) fn wall_clock() -> event_log::Clock {
    let clock = platform::clock::SystemClock::new();
    Arc::new(move || Timestamp::from_millis(platform::clock::Clock::now_millis(&clock)))
}
