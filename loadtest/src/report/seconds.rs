//! A rush by seconds of planned arrival: how many came, what they were told, and how long that
//! took. Must not know what is promised.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{Latency, admitted_at, refused_at};
use crate::history::{Attempt, Moment};

/// What became of those who were planned to arrive in one second.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Second {
    /// From 0, since the opening.
    pub second: u64,
    /// How many were planned.
    pub arrivals: u64,
    /// From planned arrival to 202.
    pub to_admission: Latency,
    /// From planned arrival to a refusal, or to the word to come back.
    pub to_refusal: Latency,
}

pub(super) fn of<'a>(opened: Moment, attempts: impl Iterator<Item = &'a Attempt>) -> Vec<Second> {
    let mut seconds = BTreeMap::<u64, Vec<&Attempt>>::new();
    for attempt in attempts {
        seconds.entry(attempt.due.since(opened).as_secs()).or_default().push(attempt);
    }
    let second = |(second, attempts): (u64, Vec<&Attempt>)| {
        let latency = |moment: fn(&Attempt) -> Option<Moment>| {
            Latency::of(attempts.iter().filter_map(|it| Some(moment(it)?.since(it.due))))
        };
        Second {
            second,
            arrivals: u64::try_from(attempts.len()).expect("usize fits u64"),
            to_admission: latency(admitted_at),
            to_refusal: latency(refused_at),
        }
    };
    seconds.into_iter().map(second).collect()
}
