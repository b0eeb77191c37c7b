//! I7 No undersell: nobody hears `sold-out` or `insufficient-stock` while there is enough.
//!
//! In a rush without holds no unit ever comes back: what was sold from the place of such an answer
//! on, and what is left in the end, was there at that place. A refusal at the door names the place
//! that its own gateway's view had reached, and that is held against what other gateways had shown
//! by then.

use std::collections::BTreeMap;
use std::time::Duration;

use schemas::http::ProblemCode;
use schemas::{Offset, Partition};

use super::Findings;
use crate::history::{Attempt, Ending, History, Moment, Refused, Seen, place_of};

/// The door may refuse for what it knew at most so long ago.
const AS_OF_AGE_MAX: Duration = Duration::from_secs(1);
/// Clocks are compared by way of answers, which are cut to milliseconds.
const CLOCK_TOLERANCE: Duration = Duration::from_millis(100);

pub(super) fn check(history: &History, findings: &mut Findings) {
    let sold = Sold::of(history);
    let of_deal = place_of_deal(history);
    let end = history.last_look.filter(|_| history.is_settled());
    if history.may_return_units() {
        findings.left_out = Some("holds run out: only the form of refusals was looked at");
    } else if end.is_none() {
        findings.left_out = Some("not all is settled: refusals were not compared with the end");
    }
    for (buyer, attempt) in history.attempts() {
        let Some(lack) = lack_of(attempt) else { continue };
        findings.looked_at += 1;
        if let Ending::Refused(refused) = &attempt.ending {
            let faults = door_faults(history, attempt, refused).into_iter();
            for fault in faults.chain(view_fault(history, of_deal, attempt, refused)) {
                findings.add(buyer.number, fault);
            }
        }
        if history.may_return_units() {
            continue;
        }
        let (place, sold_since) = sold.since(&lack.places);
        let left = sold_since + end.map_or(0, |look| look.stock_left);
        if left >= u64::from(lack.needs) {
            let (code, purchase) = (lack.code, &attempt.purchase);
            let at = place.map_or(String::new(), |Seen { partition, decided_next, .. }| {
                format!(" at offset {decided_next} of partition {partition}")
            });
            findings.add(
                buyer.number,
                format!("{purchase} was told `{code}`{at}, but {left} were left"),
            );
        }
    }
}

/// What an answer says about the stock.
struct Lack {
    code: &'static str,
    /// Fewer than so many units were left.
    needs: u32,
    /// From here on; of each partition.
    places: Vec<Seen>,
}

fn lack_of(attempt: &Attempt) -> Option<Lack> {
    let (code, places) = match &attempt.ending {
        Ending::Decided(order) => {
            (order.rejection?.as_str(), place_of(order.order_id).into_iter().collect())
        }
        Ending::Refused(refused) => (refused.code.as_str(), refused.seen.clone()),
        Ending::TurnedAway(_) | Ending::Unknown | Ending::Broken => return None,
    };
    let needs = if code == ProblemCode::SoldOut.as_str() {
        1
    } else if code == ProblemCode::InsufficientStock.as_str() {
        attempt.purchase.quantity
    } else {
        return None;
    };
    Some(Lack { code, needs, places })
}

/// Units that were sold, by partition and place.
struct Sold(BTreeMap<(u8, Partition), BTreeMap<Offset, u64>>);

impl Sold {
    fn of(history: &History) -> Self {
        let mut sold = BTreeMap::<_, BTreeMap<Offset, u64>>::new();
        for (_, attempt) in history.attempts() {
            if let Some(place) = attempt.bought().and_then(|order| place_of(order.order_id)) {
                let of_partition = sold.entry((place.log_id, place.partition)).or_default();
                of_partition.insert(place.decided_next, u64::from(attempt.purchase.quantity));
            }
        }
        for of_partition in sold.values_mut() {
            // From here on, each place has what was sold there and at all later ones.
            let mut since = 0;
            for units in of_partition.values_mut().rev() {
                since += *units;
                *units = since;
            }
        }
        Self(sold)
    }

    /// How much was sold from one of these places on, and from which.
    fn since(&self, places: &[Seen]) -> (Option<Seen>, u64) {
        let sold = places.iter().filter_map(|place| {
            let of_partition = self.0.get(&(place.log_id, place.partition))?;
            let (_, units) = of_partition.range(place.decided_next..).next()?;
            Some((Some(*place), *units))
        });
        sold.max_by_key(|(_, units)| *units).unwrap_or((places.first().copied(), 0))
    }
}

/// A refusal at the door says what it rests on, and that is fresh.
fn door_faults(history: &History, attempt: &Attempt, refused: &Refused) -> Vec<String> {
    let mut faults = Vec::new();
    let code = refused.code.as_str();
    if refused.seen.is_empty() {
        faults.push(format!("`{code}` at the door without Timedeal-Seen"));
    }
    match refused.as_of {
        None => faults.push(format!("`{code}` at the door without as_of")),
        Some(as_of) => {
            let sent = history.clocks[refused.gateway].plus(attempt.sent.since(Moment::default()));
            let age = sent.since(as_of);
            if age > AS_OF_AGE_MAX + CLOCK_TOLERANCE {
                faults.push(format!("`{code}` at the door as of {age:?} before it was asked"));
            }
        }
    }
    faults
}

/// Some place in the deal's partition; none if nobody was let in.
fn place_of_deal(history: &History) -> Option<Seen> {
    history.attempts().find_map(|(_, attempt)| place_of(attempt.ticket?.id))
}

/// A refusal rests on the view of the deal's partition, and that had everything that any gateway
/// has shown more than a second before: it was in the log by then.
fn view_fault(
    history: &History,
    of_deal: Option<Seen>,
    attempt: &Attempt,
    refused: &Refused,
) -> Option<String> {
    let of_deal = of_deal.filter(|_| !refused.seen.is_empty())?;
    let (code, partition) = (refused.code.as_str(), of_deal.partition);
    let Some(view) = refused.seen.iter().find(|seen| seen.is_of(&of_deal)) else {
        return Some(format!("`{code}` at the door without the deal's partition {partition}"));
    };
    let long_before = attempt.sent.minus(AS_OF_AGE_MAX + CLOCK_TOLERANCE);
    let shown = history.frontier.known_by(of_deal, long_before)?;
    (view.decided_next < shown).then(|| {
        let (reached, gateway) = (view.decided_next, refused.gateway + 1);
        format!(
            "`{code}` at the door of gateway {gateway} at offset {reached} of partition \
             {partition}, more than {AS_OF_AGE_MAX:?} after {shown} was shown"
        )
    })
}
