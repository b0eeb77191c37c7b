//! Whose a partition is, and what its worker does when that changes. Must not know who says so.

use std::time::Duration;

use sabotage::Bug;
use tokio::sync::watch;

use super::{PartitionWorker, State};
use crate::board::{Phase, Resume};
use crate::share::Seat;
use crate::takeover::OpenClaim;

/// What is known of a partition is kept for so many session timeouts after it went.
const RESTS_FOR_SESSIONS: u32 = 2;

/// Whose a partition is, as its worker is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// This worker's: take it over, decide.
    Own,
    /// Nobody's or another's: append nothing. What is known of it is kept for a while, because
    /// partitions often come straight back.
    Rest,
}

impl PartitionWorker {
    /// Takes an order; the same again is nothing.
    pub fn follow(&mut self, order: Order) {
        match (order, self.resting_since_ms) {
            (Order::Own, Some(_)) => {
                self.resting_since_ms = None;
                self.seat = Some(Seat::take(&self.share));
                self.metrics.assigned.set(1.0);
                match &mut self.state {
                    State::Owning(owner) => owner.wake(),
                    State::Standby(pause) => {
                        *pause = Duration::ZERO;
                        self.show(|status| status.phase = Phase::TakingOver);
                    }
                    State::Drained => {}
                }
            }
            (Order::Rest, None) if sabotage::is_planted(Bug::LossUnheard) => {}
            (Order::Rest, None) => {
                self.resting_since_ms = Some(self.parts.clock.elapsed_millis());
                self.seat = None;
                self.metrics.assigned.set(0.0);
                self.metrics.parked.set(0.0);
                self.metrics.set_lag(0, Duration::ZERO);
                // What an operator has accepted was said of a partition of ours.
                self.accepted = Resume::default();
                let _unheard: Option<Resume> = self.parts.board.take_wish(self.parts.partition);
                if let State::Owning(owner) = &mut self.state {
                    owner.rest();
                }
                self.show(|status| {
                    (status.phase, status.park) = (Phase::Unassigned, None);
                });
            }
            (Order::Own, None) => self.metrics.assigned.set(1.0),
            (Order::Rest, Some(_)) => {}
        }
    }

    /// Whether nothing of this worker is on its way into a partition that is not its own.
    #[must_use]
    pub fn is_at_rest(&self) -> bool {
        self.resting_since_ms.is_some()
            && match &self.state {
                State::Owning(owner) => owner.is_settled(),
                // A claim that lands after the next owner has read up would fence it.
                State::Standby(_) => self.open.as_ref().is_none_or(OpenClaim::is_answered),
                State::Drained => true,
            }
    }

    /// Says whether it is at rest, if that has changed.
    pub(super) fn tell(&self, rested: &watch::Sender<bool>) {
        let now = self.is_at_rest();
        rested.send_if_modified(|rested| std::mem::replace(rested, now) != now);
    }

    /// Whether a partition has not come back for so long that what is known of it is let go.
    pub(super) fn has_rested_long(&self) -> bool {
        let now_ms = self.parts.clock.elapsed_millis();
        let rested = self.resting_since_ms.map(|since| Duration::from_millis(now_ms - since));
        rested.is_some_and(|rested| rested > self.options.session_timeout * RESTS_FOR_SESSIONS)
    }
}
