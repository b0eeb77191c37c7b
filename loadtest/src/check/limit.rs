//! I8 The limit per customer holds across a buyer's keys; and nobody is refused below it.

use std::collections::BTreeMap;

use schemas::http::ProblemCode;
use schemas::log::RefusalCode;

use super::Findings;
use crate::history::{Attempt, BuyerHistory, Ending, History, Seen, place_of};

pub(super) fn check(history: &History, findings: &mut Findings) {
    let limit = history.terms.limit_per_customer;
    for buyer in &history.buyers {
        findings.looked_at += 1;
        let has = owned(buyer, None);
        if has > limit {
            let what = format!("has {has} units, the limit is {limit}");
            findings.add(buyer.number, what);
        }
        // A hold that ran out gives its allowance back, and an unknown order may have taken it.
        if history.may_return_units() || !is_settled(buyer) {
            continue;
        }
        for attempt in buyer.attempts.iter().filter(|attempt| is_over_limit(attempt)) {
            let quantity = attempt.purchase.quantity;
            let had = owned(buyer, place_of_refusal(attempt));
            if had + quantity <= limit {
                let what =
                    format!("{quantity} more refused as `limit-exceeded`, had {had} of {limit}");
                findings.add(buyer.number, what);
            }
        }
    }
}

/// Units of a buyer: of the orders before a place in the log, or in the end.
fn owned(buyer: &BuyerHistory, before: Option<Seen>) -> u32 {
    let orders = buyer.attempts.iter().filter_map(|attempt| {
        let order = attempt.owned()?;
        let is_later = place_of(order.order_id).zip(before).is_some_and(|(place, before)| {
            place.is_of(&before) && place.decided_next > before.decided_next
        });
        (!is_later).then_some((order.order_id, attempt.purchase.quantity))
    });
    orders.collect::<BTreeMap<_, _>>().into_values().sum()
}

/// Where a refusal was decided; none: at the door.
fn place_of_refusal(attempt: &Attempt) -> Option<Seen> {
    match &attempt.ending {
        Ending::Decided(order) => place_of(order.order_id),
        Ending::Refused(_) | Ending::TurnedAway(_) | Ending::Unknown | Ending::Broken => None,
    }
}

fn is_settled(buyer: &BuyerHistory) -> bool {
    let is_settled = |attempt: &Attempt| match attempt.ending {
        Ending::Decided(_) | Ending::Refused(_) | Ending::TurnedAway(_) => true,
        Ending::Unknown | Ending::Broken => false,
    };
    buyer.attempts.iter().all(is_settled)
}

fn is_over_limit(attempt: &Attempt) -> bool {
    match &attempt.ending {
        Ending::Decided(order) => order.rejection == Some(RefusalCode::LimitExceeded),
        Ending::Refused(refused) => refused.code == ProblemCode::LimitExceeded,
        Ending::TurnedAway(_) | Ending::Unknown | Ending::Broken => false,
    }
}
