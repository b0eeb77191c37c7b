//! The three roles, each as tasks of a process: what they are made of and how they start. Whether
//! one process has one of them or all is somebody else's affair.

pub(crate) mod gateway;
pub(crate) mod order_worker;
pub(crate) mod projector;

use std::sync::Arc;

use anyhow::Context;
use platform::clock::Clock;
use read_model::Store;

use crate::logs::Logs;

/// What every role stands on.
#[derive(Clone)]
pub(crate) struct Base {
    pub(crate) logs: Logs,
    pub(crate) log_id: u8,
    pub(crate) clock: Arc<dyn Clock>,
}

/// What the roles that know the read model stand on besides.
#[derive(Clone)]
pub(crate) struct StoreBase {
    pub(crate) base: Base,
    pub(crate) store: Arc<dyn Store>,
}

/// Name of a process that was given none: its host's.
pub(crate) fn name_of_process(given: Option<&str>) -> anyhow::Result<Arc<str>> {
    if let Some(name) = given {
        return Ok(name.into());
    }
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname");
    let name = name.context("the host has no name: give one by --worker-name")?;
    Ok(name.trim().into())
}
