//! I8 The limit per customer holds across a buyer's keys; and nobody is refused below it.

use std::collections::BTreeMap;

use schemas::http::ProblemCode;
use schemas::log::RefusalCode;

use super::Findings;
use crate::history::{Attempt, BuyerHistory, Ending, History};

pub(super) fn check(history: &History, findings: &mut Findings) {
    let limit = history.terms.limit_per_customer;
    for buyer in &history.buyers {
        findings.looked_at += 1;
        let owned = owned(buyer);
        if owned > limit {
            let what = format!("has {owned} units, the limit is {limit}");
            findings.add(buyer.number, what);
        }
        // A hold that ran out gives its allowance back, and an unknown order may have taken it.
        if history.may_return_units() || !is_settled(buyer) {
            continue;
        }
        for attempt in buyer.attempts.iter().filter(|attempt| is_over_limit(attempt)) {
            let quantity = attempt.purchase.quantity;
            if owned + quantity <= limit {
                findings.add(
                    buyer.number,
                    format!("{quantity} more refused as `limit-exceeded`, has {owned} of {limit}"),
                );
            }
        }
    }
}

fn owned(buyer: &BuyerHistory) -> u32 {
    let orders = buyer.attempts.iter().filter_map(|attempt| {
        let order = attempt.latest().filter(|order| order.has_units())?;
        Some((order.order_id, attempt.purchase.quantity))
    });
    orders.collect::<BTreeMap<_, _>>().into_values().sum()
}

fn is_settled(buyer: &BuyerHistory) -> bool {
    buyer
        .attempts
        .iter()
        .all(|attempt| matches!(attempt.ending, Ending::Decided(_) | Ending::Refused(_)))
}

fn is_over_limit(attempt: &Attempt) -> bool {
    match &attempt.ending {
        Ending::Decided(order) => order.rejection == Some(RefusalCode::LimitExceeded),
        Ending::Refused(refused) => refused.code == ProblemCode::LimitExceeded,
        Ending::Unknown | Ending::Broken => false,
    }
}
