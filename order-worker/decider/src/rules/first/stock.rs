//! Stock adjusted by hand.

use schemas::Timestamp;
use schemas::limits::STOCK_MAX;
use schemas::log::{AdjustStock, CommandRepeated, Event, RefusalCode, StockAdjusted};

use super::{Outcome, deal_of};
use crate::State;
use crate::state::Deal;

/// Decides about an adjustment. A bound key comes first: it answers also after the deal has closed.
pub(super) fn adjust(state: &State, command: &AdjustStock, log_time: Timestamp) -> Outcome {
    let deal = deal_of(state, command.deal_id)?;
    if let Some(known) = deal.adjustment(command.key) {
        if known.fingerprint() != command.fingerprint {
            return Err(RefusalCode::IdempotencyKeyReused);
        }
        return Ok(Some(Event::CommandRepeated(CommandRepeated { first: known.first })));
    }
    if deal.is_closed_by(log_time) {
        return Err(RefusalCode::DealClosed);
    }
    let AdjustStock { deal_id, key, fingerprint, delta, .. } = *command;
    if delta == 0 || is_above_maximum(deal, delta) {
        return Err(RefusalCode::OutOfRange);
    }
    let left = deal.counters().stock_left.checked_add_signed(delta);
    let stock_left = left.ok_or(RefusalCode::StockBelowCommitted)?;
    let reason_code = command.reason_code.clone();
    let adjusted = StockAdjusted { deal_id, key, fingerprint, delta, reason_code, stock_left };
    Ok(Some(Event::StockAdjusted(adjusted)))
}

fn is_above_maximum(deal: &Deal, delta: i64) -> bool {
    let (announced, adjusted) = deal.stock();
    i128::from(announced) + i128::from(adjusted) + i128::from(delta) > i128::from(STOCK_MAX)
}
