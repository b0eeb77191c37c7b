//! Whether a process may be sent work: for what it waits while it starts, and what its role says
//! once it has started. Written by the start, read by the operators' server.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use gateway::Ready;
use platform::shutdown::ShutdownToken;

/// Asked by the operators' server at any time.
pub(crate) type Readiness = Arc<dyn Fn() -> Ready + Send + Sync>;

/// How a process stands. Clones share it.
#[derive(Clone)]
pub(crate) struct Standing(Arc<Inner>);

struct Inner {
    stop: ShutdownToken,
    waits_for: Mutex<Box<str>>,
    started: OnceLock<Readiness>,
}

impl Standing {
    /// Of a process that begins to start, and that is not ready any more once `stop` is thrown.
    pub(crate) fn new(stop: ShutdownToken) -> Self {
        let waits_for = Mutex::new("its start".into());
        Self(Arc::new(Inner { stop, waits_for, started: OnceLock::new() }))
    }

    /// The process cannot go on before this has come; tells whether that is news.
    pub(crate) fn wait_for(&self, what: &str) -> bool {
        let mut waits_for = self.0.waits_for.lock().unwrap_or_else(PoisonError::into_inner);
        let is_news = **waits_for != *what;
        if is_news {
            *waits_for = what.into();
        }
        is_news
    }

    /// The role has started, and says itself from now on whether it is ready.
    pub(crate) fn started(&self, readiness: Readiness) {
        let first = self.0.started.set(readiness).is_ok();
        assert!(first, "a process starts once");
    }

    /// What it waits for, or last waited for.
    pub(crate) fn waits_for(&self) -> String {
        self.0.waits_for.lock().unwrap_or_else(PoisonError::into_inner).to_string()
    }

    /// Whether it may be sent work.
    pub(crate) fn readiness(&self) -> Ready {
        if self.0.stop.is_cancelled() {
            return Ready::No("stopping".into());
        }
        match self.0.started.get() {
            Some(readiness) => readiness(),
            None => Ready::No(format!("waiting for {}", self.waits_for()).into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_says_for_what_it_waits_until_its_role_says_more() {
        let stop = ShutdownToken::new();
        let standing = Standing::new(stop.clone());
        assert_eq!(standing.readiness(), Ready::No("waiting for its start".into()));
        assert!(standing.wait_for("Kafka"));
        assert!(!standing.wait_for("Kafka"));
        assert_eq!(standing.readiness(), Ready::No("waiting for Kafka".into()));
        standing.started(Arc::new(|| Ready::Yes));
        assert_eq!(standing.readiness(), Ready::Yes);
        stop.trigger();
        assert_eq!(standing.readiness(), Ready::No("stopping".into()));
    }
}
