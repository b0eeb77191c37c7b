//! I5 One key, one order: all purchases under a key come to the same order, whoever lost the first
//! answer; another payload under it is refused.
//!
//! The exceptions are the promise's own: `deal-not-open` does not bind a key, and a retry whose
//! first order is undecided or rejected may be refused at the door.

use schemas::http::ProblemCode;
use schemas::log::RefusalCode;

use super::Findings;
use crate::history::{Attempt, BuyerHistory, Decided, Ending, History, Key};

pub(super) fn check(history: &History, findings: &mut Findings) {
    for buyer in &history.buyers {
        for key in Key::ALL {
            let under: Vec<&Attempt> =
                buyer.attempts.iter().filter(|attempt| attempt.purchase.key == key).collect();
            if !under.is_empty() {
                findings.looked_at += 1;
                check_orders(buyer, &under, findings);
                check_reuse(buyer, &under, findings);
                check_known(buyer, &under, findings);
            }
        }
    }
}

/// All orders that a key was bound to are one.
fn check_orders(buyer: &BuyerHistory, under: &[&Attempt], findings: &mut Findings) {
    let bound: Vec<(&Attempt, Decided)> = under
        .iter()
        .filter_map(|attempt| attempt.latest().map(|order| (*attempt, order)))
        .filter(|(_, order)| binds(order))
        .collect();
    for pair in bound.windows(2) {
        let [(first, one), (second, two)] = pair else { continue };
        if one.order_id != two.order_id {
            let (one, two) = (one.order_id, two.order_id);
            findings.add(buyer.number, format!("one key became the orders {one} and {two}"));
        } else if !first.purchase.repeats(&second.purchase) {
            let what = format!("order {} answers two payloads under one key", one.order_id);
            findings.add(buyer.number, what);
        }
    }
}

fn binds(order: &Decided) -> bool {
    !matches!(order.rejection, Some(RefusalCode::DealNotOpen | RefusalCode::IdempotencyKeyReused))
}

/// `idempotency-key-reused` is only for who sent another payload.
fn check_reuse(buyer: &BuyerHistory, under: &[&Attempt], findings: &mut Findings) {
    for attempt in under.iter().filter(|attempt| is_refused_as_reused(attempt)) {
        if under.iter().all(|other| attempt.purchase.repeats(&other.purchase)) {
            let what = format!("{} was refused as a reused key", attempt.purchase);
            findings.add(buyer.number, what);
        }
    }
}

fn is_refused_as_reused(attempt: &Attempt) -> bool {
    match &attempt.ending {
        Ending::Decided(order) => order.rejection == Some(RefusalCode::IdempotencyKeyReused),
        Ending::Refused(refused) => refused.code == ProblemCode::IdempotencyKeyReused,
        Ending::TurnedAway(_) | Ending::Unknown | Ending::Broken => false,
    }
}

/// Who knew that the key has its units, and asked again, hears of the same order: from any
/// gateway, because the request said how far its sender had seen.
fn check_known(buyer: &BuyerHistory, under: &[&Attempt], findings: &mut Findings) {
    for known in under {
        let Ending::Decided(order) = &known.ending else { continue };
        if !order.took_units() {
            continue;
        }
        for later in under.iter().filter(|later| later.asked > order.at) {
            if !is_answered_well(known, order, later) {
                let what = format!(
                    "{} after order {} had its units: {}",
                    later.purchase,
                    order.order_id,
                    describe(later)
                );
                findings.add(buyer.number, what);
            }
        }
    }
}

fn is_answered_well(known: &Attempt, order: &Decided, later: &Attempt) -> bool {
    let is_repeat = known.purchase.repeats(&later.purchase);
    match &later.ending {
        Ending::TurnedAway(_) | Ending::Unknown | Ending::Broken => true,
        Ending::Decided(found) if is_repeat => found.order_id == order.order_id,
        Ending::Decided(_) => is_refused_as_reused(later),
        Ending::Refused(_) => !is_repeat && is_refused_as_reused(later),
    }
}

fn describe(attempt: &Attempt) -> String {
    match &attempt.ending {
        Ending::Decided(order) => match order.rejection {
            Some(code) => format!("order {} rejected, {code}", order.order_id),
            None => format!("order {} {}", order.order_id, order.status.as_str()),
        },
        Ending::Refused(refused) => format!("refused at the door, {}", refused.code.as_str()),
        Ending::TurnedAway(turned) => format!("turned away, {}", turned.code.as_str()),
        Ending::Unknown => "unknown".to_owned(),
        Ending::Broken => "an unexpected answer".to_owned(),
    }
}
