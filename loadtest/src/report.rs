//! What a rush came to: rates, latencies, outcomes, and the checks. Pure; must not know how the
//! crowd was sent.

mod seconds;
mod text;

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::time::Duration;

use hdrhistogram::Histogram;
use schemas::DealId;
use serde::Serialize;

use crate::announcement::Offer;
use crate::arrivals::Arrivals;
use crate::check::{Check, Violation, check_history};
use crate::gateways::GatewayReport;
use crate::history::{Attempt, Ending, History, Moment, Reread};
use crate::plan::RushPlan;
use crate::world::World;

pub use self::seconds::Second;

/// The exit code of a rush after which something stayed unknown.
const EXIT_UNKNOWN: u8 = 2;
/// The longest latency that is told apart, in microseconds: an hour.
const LATENCY_US_MAX: u64 = 3_600_000_000;

/// The report of a rush. Rates are per second.
#[derive(Clone, Debug, Serialize)]
pub struct RushReport {
    /// The deal that was made for it.
    pub deal_id: DealId,
    /// How many wanted to buy.
    pub buyers: u32,
    /// Units of the deal.
    pub stock: u32,
    /// The deal's limit.
    pub limit_per_customer: u32,
    /// When they came.
    pub arrivals: Arrivals,
    /// Seed of the plan.
    pub seed: u64,
    /// Connections that they shared.
    pub connections: usize,
    /// First purchases that were answered for good.
    pub answered: Flow,
    /// First purchases that were answered 202.
    pub admitted: Flow,
    /// First purchases that were told to come back by somebody who did not.
    pub turned_away: Flow,
    /// First purchases whose decision was learnt.
    pub decided: Flow,
    /// Requests that were sent, of every kind.
    pub requests: u64,
    /// Requests that had to be sent again.
    pub retries: u64,
    /// First purchases: from planned arrival to 202 or refusal.
    pub to_answer: Latency,
    /// First purchases: from planned arrival until the outcome was known.
    pub to_outcome: Latency,
    /// First purchases that were answered 202, from planned arrival on.
    pub to_admission: Latency,
    /// First purchases that were refused at the door or turned away.
    pub to_refusal: Latency,
    /// First purchases by the second in which they were planned to arrive.
    pub seconds: Vec<Second>,
    /// Units that buyers have.
    pub units: u64,
    /// Units that the deal has left, if it could be asked.
    pub stock_left: Option<u64>,
    /// First purchases by outcome.
    pub outcomes: BTreeMap<String, u64>,
    /// Second purchases by outcome.
    pub second_outcomes: BTreeMap<String, u64>,
    /// One per gateway.
    pub gateways: Vec<GatewayReport>,
    /// Purchases of which nobody knows what became, or whose order did not answer at the very end.
    pub unknown: u64,
    /// One per promise.
    pub checks: Vec<Check>,
    /// Every violation, in the order of the promises.
    pub violations: Vec<Violation>,
}

/// How many, from the opening to the last one, and how many of them a second.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Flow {
    /// How many.
    pub count: u64,
    /// From the opening to the last one, in milliseconds.
    pub window_ms: u64,
    /// How many a second in that window.
    pub per_second: f64,
}

/// Percentiles in microseconds; all 0 if nothing was measured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Latency {
    /// How many were measured.
    pub count: u64,
    /// Half were at most this.
    pub p50_us: u64,
    /// 90 %.
    pub p90_us: u64,
    /// 99 %.
    pub p99_us: u64,
    /// 99.9 %.
    pub p999_us: u64,
    /// All.
    pub max_us: u64,
}

impl RushReport {
    /// 0: every promise was kept. 1: one was broken. 2: none was seen broken, but not everything
    /// became known before patience was over.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        if !self.violations.is_empty() {
            1
        } else if self.unknown > 0 || self.stock_left.is_none() {
            EXIT_UNKNOWN
        } else {
            0
        }
    }

    /// The report of a rush that has not begun.
    pub(crate) fn start(plan: &RushPlan, offer: &Offer) -> Self {
        Self {
            deal_id: offer.address.deal_id(),
            buyers: plan.buyers,
            stock: plan.stock,
            limit_per_customer: offer.limit_per_customer,
            arrivals: plan.arrivals,
            seed: plan.seed,
            connections: plan.connections,
            answered: Flow::default(),
            admitted: Flow::default(),
            turned_away: Flow::default(),
            decided: Flow::default(),
            requests: 0,
            retries: 0,
            to_answer: Latency::default(),
            to_outcome: Latency::default(),
            to_admission: Latency::default(),
            to_refusal: Latency::default(),
            seconds: Vec::new(),
            units: 0,
            stock_left: None,
            outcomes: BTreeMap::new(),
            second_outcomes: BTreeMap::new(),
            gateways: Vec::new(),
            unknown: 0,
            checks: Vec::new(),
            violations: Vec::new(),
        }
    }

    /// The report of a rush that is over.
    pub(crate) fn finish(self, history: &History, world: &World) -> Self {
        let (checks, violations) = check_history(history);
        let gateways = world.gateways.reports();
        let firsts = || history.buyers.iter().filter_map(|buyer| buyer.attempts.first());
        let seconds = || history.buyers.iter().filter_map(|buyer| buyer.attempts.get(1));
        // Late ones come when all is over and would stretch every window; firsts tell the rates.
        let flow = |moment: fn(&Attempt) -> Option<Moment>| {
            Flow::from_opening(history.opened, firsts().filter_map(moment))
        };
        let latency = |moment: fn(&Attempt) -> Option<Moment>| {
            let waits = firsts().filter_map(|a| Some(moment(a)?.since(a.due)));
            Latency::of(waits)
        };
        Self {
            answered: flow(answered_at),
            admitted: flow(admitted_at),
            turned_away: flow(turned_away_at),
            decided: flow(decided_at),
            requests: gateways.iter().map(|gateway| gateway.requests).sum(),
            retries: world.retries.load(Ordering::Relaxed),
            to_answer: latency(answered_at),
            to_outcome: latency(outcome_at),
            to_admission: latency(admitted_at),
            to_refusal: latency(refused_at),
            seconds: seconds::of(history.opened, firsts()),
            units: history.units_owned(),
            stock_left: history.last_look.map(|look| look.stock_left),
            outcomes: count_outcomes(firsts()),
            second_outcomes: count_outcomes(seconds()),
            gateways,
            unknown: count_unknown(history),
            checks,
            violations,
            ..self
        }
    }
}

impl Flow {
    fn from_opening(opened: Moment, moments: impl Iterator<Item = Moment>) -> Self {
        let (count, last) =
            moments.fold((0_u64, opened), |(count, last), at| (count + 1, last.max(at)));
        let window = last.since(opened);
        #[allow(clippy::cast_precision_loss, reason = "a rate for people")]
        let per_second = count as f64 / window.as_secs_f64().max(0.001);
        let window_ms = u64::try_from(window.as_millis()).unwrap_or(u64::MAX);
        Self { count, window_ms, per_second }
    }
}

impl Latency {
    fn of(waits: impl Iterator<Item = Duration>) -> Self {
        let mut histogram = Histogram::<u64>::new_with_bounds(1, LATENCY_US_MAX, 3)
            .expect("the bounds are literals and were tested");
        for wait in waits {
            let wait = u64::try_from(wait.as_micros()).unwrap_or(u64::MAX);
            histogram.saturating_record(wait.max(1));
        }
        if histogram.is_empty() {
            return Self::default();
        }
        Self {
            count: histogram.len(),
            p50_us: histogram.value_at_quantile(0.5),
            p90_us: histogram.value_at_quantile(0.9),
            p99_us: histogram.value_at_quantile(0.99),
            p999_us: histogram.value_at_quantile(0.999),
            max_us: histogram.max(),
        }
    }
}

/// When a 202, a 200 or a refusal came.
fn answered_at(attempt: &Attempt) -> Option<Moment> {
    match &attempt.ending {
        Ending::Refused(refused) => Some(refused.at),
        Ending::TurnedAway(turned) => Some(turned.at),
        Ending::Decided(_) | Ending::Unknown | Ending::Broken => {
            attempt.ticket.map(|ticket| ticket.at)
        }
    }
}

fn admitted_at(attempt: &Attempt) -> Option<Moment> {
    attempt.ticket.filter(|ticket| ticket.is_admission).map(|ticket| ticket.at)
}

fn turned_away_at(attempt: &Attempt) -> Option<Moment> {
    match &attempt.ending {
        Ending::TurnedAway(turned) => Some(turned.at),
        Ending::Decided(_) | Ending::Refused(_) | Ending::Unknown | Ending::Broken => None,
    }
}

/// When the door said no, for good or for now.
fn refused_at(attempt: &Attempt) -> Option<Moment> {
    match &attempt.ending {
        Ending::Refused(refused) => Some(refused.at),
        Ending::TurnedAway(turned) => Some(turned.at),
        Ending::Decided(_) | Ending::Unknown | Ending::Broken => None,
    }
}

fn decided_at(attempt: &Attempt) -> Option<Moment> {
    match &attempt.ending {
        Ending::Decided(order) => Some(order.at),
        Ending::Refused(_) | Ending::TurnedAway(_) | Ending::Unknown | Ending::Broken => None,
    }
}

fn outcome_at(attempt: &Attempt) -> Option<Moment> {
    match &attempt.ending {
        Ending::Decided(order) => Some(order.at),
        Ending::Refused(refused) => Some(refused.at),
        Ending::TurnedAway(_) | Ending::Unknown | Ending::Broken => None,
    }
}

fn count_outcomes<'a>(attempts: impl Iterator<Item = &'a Attempt>) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    for attempt in attempts {
        let outcome = match &attempt.ending {
            Ending::Decided(order) => match order.rejection {
                Some(code) => format!("{code}, decided"),
                None => order.status.as_str().to_owned(),
            },
            Ending::Refused(refused) => format!("{}, at the door", refused.code.as_str()),
            Ending::TurnedAway(turned) => format!("{}, turned away", turned.code.as_str()),
            Ending::Unknown => "unknown".to_owned(),
            Ending::Broken => "unexpected answer".to_owned(),
        };
        *counts.entry(outcome).or_default() += 1;
    }
    counts
}

fn count_unknown(history: &History) -> u64 {
    let is_unknown = |attempt: &Attempt| match attempt.ending {
        Ending::Unknown => true,
        Ending::Decided(_) => matches!(attempt.reread, Reread::Unanswered),
        Ending::Refused(_) | Ending::TurnedAway(_) | Ending::Broken => false,
    };
    let unknown = history.attempts().filter(|(_, attempt)| is_unknown(attempt)).count();
    u64::try_from(unknown).expect("usize fits u64")
}

#[cfg(test)]
mod tests;
