//! Comparing what was decided with what should have been, and finding the promise that a difference
//! breaks. Counters are not compared here: the fold counts them itself.

use schemas::log::{Command, Event, PlacePurchase, RefusalCode};

use crate::finding::Findings;
use crate::judge::Input;
use crate::report::Invariant;

/// Compares the events of one decision.
pub(crate) fn compare(input: &Input, expected: &[Event], found: &[Event], findings: &mut Findings) {
    findings.check(Invariant::I4);
    if let Input::Command(Command::PlacePurchase(_)) = input {
        count_purchase(expected, findings);
    }
    let differs = |index: &usize| expected.get(*index).map(bare) != found.get(*index).map(bare);
    let Some(index) = (0..expected.len().max(found.len())).find(differs) else { return };
    let pair = (expected.get(index), found.get(index));
    let invariant = match pair {
        (Some(expected), Some(found)) => between(expected, found),
        (Some(event), None) | (None, Some(event)) => subject(event),
        (None, None) => return,
    };
    let (mut right, mut wrong) = (say(pair.0), say(pair.1));
    if right == wrong {
        // Only fields differ: then all of them are told.
        (right, wrong) = (format!("{:?}", pair.0), format!("{:?}", pair.1));
    }
    findings.violated(invariant, format!("expected {right}, found {wrong}"));
}

/// Which promises this purchase has put to the test.
fn count_purchase(expected: &[Event], findings: &mut Findings) {
    let Some(outcome) = expected.last() else { return };
    let (met_limit, met_stock) = match purchase(outcome) {
        Some(Outcome::Taken | Outcome::Refused(Reason::Stock)) => (true, true),
        Some(Outcome::Refused(Reason::Limit)) => (true, false),
        Some(Outcome::Refused(Reason::Key | Reason::Other)) | None => (false, false),
        Some(Outcome::Repeated) => {
            findings.check(Invariant::I5);
            (false, false)
        }
    };
    if met_limit {
        findings.check(Invariant::I8);
    }
    if met_stock {
        findings.check(Invariant::I7);
    }
}

/// Every purchase has one outcome, which says what the command said (I2).
pub(crate) fn check_facts(command: &PlacePurchase, events: &[Event], findings: &mut Findings) {
    let outcomes = events.iter().filter(|event| purchase(event).is_some());
    let count = outcomes.clone().count();
    if count != 1 {
        findings.violated(Invariant::I2, format!("a purchase with {count} outcomes"));
    }
    for outcome in outcomes {
        if let Some(field) = other_fact(command, outcome) {
            let told = format!("the order's {field} is not that of its command");
            findings.violated(Invariant::I2, told);
        }
    }
}

/// Only purchases have the outcomes of purchases.
pub(crate) fn check_no_outcome(events: &[Event], findings: &mut Findings) {
    if let Some(event) = events.iter().find(|event| purchase(event).is_some()) {
        let told = format!("{} although the command is no purchase", say(Some(event)));
        findings.violated(Invariant::I2, told);
    }
}

macro_rules! first_difference {
    ($command:expr, $event:expr, $($field:ident),*; $($other:ident = $same:ident),*) => {
        [
            $( (stringify!($field), $command.$field != $event.$field), )*
            $( (stringify!($same), $command.$other != $event.$same), )*
        ]
        .into_iter()
        .find(|(_, differs)| *differs)
        .map(|(field, _)| field)
    };
}

fn other_fact(command: &PlacePurchase, outcome: &Event) -> Option<&'static str> {
    if let Event::OrderHeld(event) = outcome {
        first_difference!(command, event, deal_id, customer, key, fingerprint, quantity,
            ticket_key, client_reference; received_at = purchased_at)
    } else if let Event::OrderConfirmed(event) = outcome {
        first_difference!(command, event, deal_id, customer, key, fingerprint, quantity,
            ticket_key, client_reference; received_at = purchased_at)
    } else if let Event::OrderRejected(event) = outcome {
        first_difference!(command, event, deal_id, customer, key, fingerprint, quantity,
            ticket_key, client_reference; received_at = purchased_at)
    } else if let Event::OrderRepeated(event) = outcome {
        first_difference!(command, event, deal_id, customer;)
    } else {
        None
    }
}

/// What became of a purchase.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Taken,
    Repeated,
    Refused(Reason),
}

/// Why a purchase was refused, by promise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reason {
    Key,
    Limit,
    Stock,
    Other,
}

fn purchase(event: &Event) -> Option<Outcome> {
    match event {
        Event::OrderHeld(_) | Event::OrderConfirmed(_) => Some(Outcome::Taken),
        Event::OrderRepeated(_) => Some(Outcome::Repeated),
        Event::OrderRejected(event) => Some(Outcome::Refused(reason(event.code))),
        Event::DealAnnounced(_)
        | Event::StockAdjusted(_)
        | Event::DealPaused(_)
        | Event::DealResumed(_)
        | Event::DealRescheduled(_)
        | Event::DealClosed(_)
        | Event::DealRetired(_)
        | Event::OrderPaid(_)
        | Event::OrderExpired(_)
        | Event::OrderCancelled(_)
        | Event::PaymentFailed(_)
        | Event::PaymentMismatch(_)
        | Event::RefundDue(_)
        | Event::RefundSettled(_)
        | Event::CommandRefused(_)
        | Event::CommandRepeated(_)
        | Event::Unreadable(_) => None,
    }
}

fn reason(code: RefusalCode) -> Reason {
    if code == RefusalCode::IdempotencyKeyReused {
        Reason::Key
    } else if code == RefusalCode::LimitExceeded {
        Reason::Limit
    } else if matches!(code, RefusalCode::SoldOut | RefusalCode::InsufficientStock) {
        Reason::Stock
    } else {
        Reason::Other
    }
}

/// The promise that is broken where one event was expected and another was found.
fn between(expected: &Event, found: &Event) -> Invariant {
    let (Some(right), Some(wrong)) = (purchase(expected), purchase(found)) else {
        return subject(if purchase(found).is_some() { expected } else { found });
    };
    match (right, wrong) {
        (Outcome::Repeated, _) | (_, Outcome::Repeated) => Invariant::I5,
        (Outcome::Refused(Reason::Key), _) | (_, Outcome::Refused(Reason::Key)) => Invariant::I5,
        (Outcome::Taken, Outcome::Refused(Reason::Stock)) => Invariant::I7,
        (Outcome::Refused(Reason::Stock), Outcome::Taken) => Invariant::I1,
        (Outcome::Taken, Outcome::Refused(Reason::Limit))
        | (Outcome::Refused(Reason::Limit), Outcome::Taken) => Invariant::I8,
        (Outcome::Taken, Outcome::Taken | Outcome::Refused(Reason::Other))
        | (Outcome::Refused(_), Outcome::Taken | Outcome::Refused(_)) => Invariant::I4,
    }
}

/// The promise that an event which is missing, or should not be there, is about.
fn subject(event: &Event) -> Invariant {
    match event {
        Event::StockAdjusted(_) => Invariant::I1,
        Event::OrderHeld(_) | Event::OrderConfirmed(_) | Event::OrderRejected(_) => Invariant::I2,
        Event::OrderRepeated(_) | Event::CommandRepeated(_) => Invariant::I5,
        Event::OrderPaid(_)
        | Event::OrderExpired(_)
        | Event::OrderCancelled(_)
        | Event::PaymentFailed(_)
        | Event::PaymentMismatch(_)
        | Event::RefundDue(_)
        | Event::RefundSettled(_) => Invariant::I9,
        Event::DealAnnounced(_)
        | Event::DealPaused(_)
        | Event::DealResumed(_)
        | Event::DealRescheduled(_)
        | Event::DealClosed(_)
        | Event::DealRetired(_)
        | Event::CommandRefused(_)
        | Event::Unreadable(_) => Invariant::I4,
    }
}

/// The event without the counters that it tells.
fn bare(event: &Event) -> Event {
    let mut bare = event.clone();
    let (stock_left, held) = match &mut bare {
        Event::StockAdjusted(event) => (&mut event.stock_left, None),
        Event::OrderHeld(event) => (&mut event.stock_left, Some(&mut event.held)),
        Event::OrderConfirmed(event) => (&mut event.stock_left, Some(&mut event.held)),
        Event::OrderPaid(event) => (&mut event.stock_left, Some(&mut event.held)),
        Event::OrderExpired(event) => (&mut event.stock_left, Some(&mut event.held)),
        Event::OrderCancelled(event) => (&mut event.stock_left, Some(&mut event.held)),
        Event::DealAnnounced(_)
        | Event::DealPaused(_)
        | Event::DealResumed(_)
        | Event::DealRescheduled(_)
        | Event::DealClosed(_)
        | Event::DealRetired(_)
        | Event::OrderRejected(_)
        | Event::OrderRepeated(_)
        | Event::PaymentFailed(_)
        | Event::PaymentMismatch(_)
        | Event::RefundDue(_)
        | Event::RefundSettled(_)
        | Event::CommandRefused(_)
        | Event::CommandRepeated(_)
        | Event::Unreadable(_) => return bare,
    };
    *stock_left = 0;
    if let Some(held) = held {
        *held = 0;
    }
    bare
}

fn say(event: Option<&Event>) -> String {
    match event {
        None => "nothing".to_owned(),
        Some(Event::OrderRejected(event)) => format!("order_rejected ({})", event.code),
        Some(Event::CommandRefused(event)) => format!("command_refused ({})", event.code),
        Some(Event::OrderRepeated(event)) => format!("order_repeated (first {})", event.first),
        Some(event) => event.kind().to_owned(),
    }
}
