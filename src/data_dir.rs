//! The data directory of one machine: log, read model, keys and snapshots, and which is where.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use object_store::ObjectStore;
use platform::secrets::DataDirKeys;

use crate::snapshots;

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

    /// Where snapshots go.
    pub(crate) fn snapshots(&self) -> anyhow::Result<Arc<dyn ObjectStore>> {
        snapshots::in_directory(&self.0.join("snapshots"))
    }
}
