//! The processes of the service, each put together of the parts that production has. Must not know
//! when a process starts or ends.

pub(crate) mod gateways;
pub(crate) mod projectors;
pub(crate) mod workers;

use std::sync::Arc;

use crate::clock::MachineClock;
use crate::faults::Site;
use crate::ground::Ground;

/// One life of a process.
#[derive(Clone)]
pub(crate) struct Life {
    pub(crate) ground: Ground,
    pub(crate) site: Site,
    pub(crate) clock: MachineClock,
    /// What is appended in this life goes over this connection.
    pub(crate) connection: u64,
    /// Differs between any two lives.
    pub(crate) seed: u64,
}

impl Life {
    fn clock(&self) -> Arc<dyn platform::clock::Clock> {
        Arc::new(self.clock.clone())
    }
}
