//! What operators see of a worker: its row on the board, its gauges, its alarms. Must not know how
//! they are looked at.

use std::time::Duration;

use decision_log::Park;

use super::{PartitionWorker, State};
use crate::board::{PartitionStatus, Phase};
use crate::setback::Setback;

impl PartitionWorker {
    /// Whoever has the partition says how far behind it is, and whether it is parked.
    pub(super) fn measure_setback(&self, setback: &Setback) {
        let is_ours = self.resting_since_ms.is_none() && !self.draining;
        let is_parked = is_ours && matches!(setback, Setback::Parked(_));
        self.metrics.parked.set(if is_parked { 1.0 } else { 0.0 });
        if !is_ours || matches!(setback, Setback::Fenced { .. }) {
            self.metrics.set_lag(0, Duration::ZERO);
        }
    }

    pub(super) fn show_setback(&self, setback: &Setback, park: Option<&Park>) {
        if self.resting_since_ms.is_some() {
            return;
        }
        let text = park.map(ToString::to_string);
        let mut known = false;
        self.show(|status| {
            known = status.park == text;
            status.phase = if text.is_some() { Phase::Parked } else { Phase::TakingOver };
            status.park.clone_from(&text);
        });
        if text.is_some() && !known {
            let partition = self.parts.partition;
            tracing::error!(partition, %setback, "partition parked, the others go on");
        }
    }

    pub(super) fn show_progress(&self) {
        let State::Owning(owner) = &self.state else { return };
        if self.resting_since_ms.is_some() {
            return;
        }
        self.metrics.parked.set(0.0);
        self.show(|status| {
            status.phase = Phase::Owning;
            status.park = None;
            status.epoch = owner.epoch();
            status.decided_next = owner.decided_next();
            status.read_offset = owner.read_offset();
            status.commands_end = owner.commands_end();
        });
    }

    pub(super) fn show(&self, change: impl FnOnce(&mut PartitionStatus)) {
        self.parts.board.update(self.parts.partition, change);
    }
}
