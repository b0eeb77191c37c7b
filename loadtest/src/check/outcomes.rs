//! I2 Every 202 has an outcome in the end, and the same one whenever and wherever it is asked for;
//! and whether every answer was one that its call documents.

use super::forward::reaches;
use super::{Findings, count};
use crate::history::{Attempt, Decided, Ending, FaultKind, History, Reread};
use schemas::http::OrderStatus;

pub(super) fn check(history: &History, findings: &mut Findings) {
    for (buyer, attempt) in history.attempts() {
        let Some(ticket) = attempt.ticket else { continue };
        findings.looked_at += 1;
        if let Some(fault) = fault_of(attempt) {
            findings.add(buyer.number, format!("order {}: {fault}", ticket.id));
        }
        let is_silent = matches!(attempt.reread, Reread::Unanswered);
        if is_silent || matches!(attempt.ending, Ending::Unknown) {
            findings.left_out = Some("some orders could not be asked for until patience was over");
        }
    }
    for buyer in &history.buyers {
        let of_outcomes = [FaultKind::LosesOrder, FaultKind::Changes];
        for fault in buyer.faults.iter().filter(|fault| of_outcomes.contains(&fault.kind)) {
            findings.add(buyer.number, fault.what.clone());
        }
    }
}

fn fault_of(attempt: &Attempt) -> Option<String> {
    let now = match &attempt.reread {
        Reread::NotAsked | Reread::Unanswered => return None,
        Reread::Order(now) => now,
    };
    match &attempt.ending {
        Ending::Decided(then) => difference(then, now),
        Ending::Refused(_) | Ending::TurnedAway(_) | Ending::Unknown | Ending::Broken => {
            (now.status == OrderStatus::Queued).then(|| "still queued at the very end".to_owned())
        }
    }
}

fn difference(then: &Decided, now: &Decided) -> Option<String> {
    let is_same = then.order_id == now.order_id
        && then.rejection == now.rejection
        && reaches(then.status, now.status);
    (!is_same).then(|| {
        let describe = |order: &Decided| {
            let reason = order.rejection.map_or(String::new(), |code| format!(" ({code})"));
            format!("{}{reason} as {}", order.status.as_str(), order.order_id)
        };
        format!("was {}, and at the end {}", describe(then), describe(now))
    })
}

/// Not a promise with a number: the form of all answers.
pub(super) fn check_answers(history: &History, findings: &mut Findings) {
    for buyer in &history.buyers {
        findings.looked_at += count(buyer.attempts.len());
        for fault in buyer.faults.iter().filter(|fault| fault.kind == FaultKind::Form) {
            findings.add(buyer.number, fault.what.clone());
        }
    }
}
