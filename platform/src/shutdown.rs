//! The ordered stop of a process: one switch that everybody can wait for, signals that throw it,
//! and a watch over tasks.
//!
//! A binary stops in one function: not ready → stop intake → drain with a deadline → flush → exit.
//! Stages that stop one after the other get a [`ShutdownToken`] each; the process's own token only
//! starts that function. Must not know what the stages are.

mod signals;
mod task_group;

use std::sync::Arc;
use tokio::sync::watch;

pub use signals::{StopSignal, listen_for_signals};
pub use task_group::{JoinReport, TaskFault, TaskFaultKind, TaskGroup};

/// A switch that is thrown once and stays so; clones share it. Needs no particular runtime.
#[derive(Debug, Clone)]
pub struct ShutdownToken {
    thrown: Arc<watch::Sender<bool>>,
}

impl ShutdownToken {
    /// A switch that is not thrown.
    pub fn new() -> Self {
        Self { thrown: Arc::new(watch::Sender::new(false)) }
    }

    /// Throws the switch; `true` for the one call that did it.
    pub fn trigger(&self) -> bool {
        !self.thrown.send_replace(true)
    }

    /// Whether the switch is thrown.
    pub fn is_cancelled(&self) -> bool {
        *self.thrown.borrow()
    }

    /// Ends once the switch is thrown; at once if it is already. Safe to drop and call again, as
    /// in a `select!` in a loop.
    pub async fn cancelled(&self) {
        let mut receiver = self.thrown.subscribe();
        let waited = receiver.wait_for(|thrown| *thrown).await;
        drop(waited.expect("the sender lives as long as self"));
    }
}

impl Default for ShutdownToken {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::ShutdownToken;
    use futures_util::FutureExt;
    use std::pin::pin;

    #[test]
    fn all_clones_hear_of_it_once_it_is_thrown() {
        let token = ShutdownToken::new();
        let twin = token.clone();
        let mut waiting = pin!(twin.cancelled());
        assert!(waiting.as_mut().now_or_never().is_none());
        assert!(!twin.is_cancelled());
        assert!(token.trigger());
        assert!(!token.trigger());
        assert!(twin.is_cancelled());
        assert!(waiting.as_mut().now_or_never().is_some());
        assert!(token.cancelled().now_or_never().is_some());
    }
}
