//! I9 A status only moves forward, for a buyer who sends back what was seen, whichever gateways
//! are asked; and no gateway shows less than that.

use schemas::http::OrderStatus;

use super::{Findings, count};
use crate::history::{BuyerHistory, FaultKind, History};

pub(super) fn check(history: &History, findings: &mut Findings) {
    for buyer in &history.buyers {
        findings.looked_at += count(buyer.sightings.len());
        check_buyer(buyer, findings);
        for fault in buyer.faults.iter().filter(|fault| fault.kind == FaultKind::ShowsLess) {
            findings.add(buyer.number, fault.what.clone());
        }
    }
}

fn check_buyer(buyer: &BuyerHistory, findings: &mut Findings) {
    for before in &buyer.sightings {
        for after in buyer.sightings.iter().filter(|after| after.id == before.id) {
            // Only what the request said was seen can bind its answer.
            let is_later = before.first_known < after.last_asked;
            if is_later && !reaches(before.status, after.status) {
                let (from, to) = (before.status.as_str(), after.status.as_str());
                let what = format!("order {} went from {from} to {to}", before.id);
                findings.add(buyer.number, what);
            }
        }
    }
}

/// Whether an order may be seen with `later` after it was seen with `earlier`; steps may be missed.
pub(super) fn reaches(earlier: OrderStatus, later: OrderStatus) -> bool {
    earlier == later
        || OrderStatus::ALL.into_iter().any(|next| earlier.may_become(next) && reaches(next, later))
}
