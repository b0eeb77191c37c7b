//! Whether a gateway may be sent customers. Must not know who asks.

use std::sync::atomic::Ordering;
use std::time::Duration;

use super::partition::Tracked;
use super::{Shared, StatusView, is_younger};

/// How far a gateway is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Readiness {
    /// Has not reached the ends that the decisions log had at the start: the door answers 503 for
    /// the partitions where that is so.
    Starting,
    /// Follows.
    Ready,
    /// Has not heard of any partition for long that it is at the end: a load balancer should look
    /// elsewhere. One that lags alone is the same for every gateway, and no reason to send all
    /// customers away.
    Stale,
}

impl StatusView {
    /// Whether it may serve.
    #[must_use]
    pub fn ready(&self) -> Readiness {
        let shared = &*self.shared;
        let now_ms = shared.clock.elapsed_millis();
        let stale = shared.limits.stale_after;
        if !shared.has_started() {
            // What cannot be reached is waited for, but not for ever.
            let is_patient = Duration::from_millis(now_ms - shared.began_ms) <= stale;
            let is_awaited = |tracked: &Tracked| {
                !tracked.has_started() && (is_patient || !tracked.is_out_of_reach())
            };
            if shared.partitions.iter().any(is_awaited) {
                return Readiness::Starting;
            }
        }
        let is_fresh = |tracked: &Tracked| is_younger(&tracked.read(), now_ms, stale);
        match shared.partitions.iter().any(is_fresh) {
            true => Readiness::Ready,
            false => Readiness::Stale,
        }
    }
}

impl Shared {
    /// Whether every partition has started; none ever unstarts, so what was counted stays.
    pub(super) fn has_started(&self) -> bool {
        let started = self.started.load(Ordering::Acquire);
        let rest = self.partitions.get(started..).unwrap_or_default();
        let more = rest.iter().take_while(|tracked| tracked.has_started()).count();
        if more > 0 {
            self.started.fetch_max(started + more, Ordering::AcqRel);
        }
        more == rest.len()
    }
}
