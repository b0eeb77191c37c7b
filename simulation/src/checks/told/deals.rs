//! Deals as they are shown: pages that were asked for, and news for those who listen, against how
//! the deal looks at that place of the log.

use std::collections::BTreeMap;

use schemas::http::{Deal, ProblemCode};
use schemas::{DealId, Offset};

use super::super::ledger::Face;
use super::super::rows::is_deal;
use super::super::{Check, Checked, expect};
use super::streams::decided_next;
use super::{Known, at};
use crate::history::{News, Said, Told};

pub(super) fn check(told: &Told, deal_id: DealId, known: &Known<'_>) -> Check {
    match &told.said {
        Said::Deal(deal) => check_shown(told, deal, known),
        Said::Problem(problem) if problem.code == ProblemCode::DealNotFound => {
            let is_seen = known.partitions.iter().any(|checked| {
                let seen = told.had_seen.get(&checked.partition);
                let deal = checked.ledger.deals.get(&deal_id);
                deal.zip(seen).is_some_and(|(deal, seen)| at(&deal.past, *seen).is_some())
            });
            expect("I9", !is_seen, || format!("a deal that was seen is not found: {told:?}"))
        }
        Said::Problem(_)
        | Said::Order(_)
        | Said::Stream(_)
        | Said::Orders(_)
        | Said::Command(_)
        | Said::Other => Ok(()),
    }
}

/// A deal that is shown says of when it is.
pub(super) fn check_shown(told: &Told, deal: &Deal, known: &Known<'_>) -> Check {
    known.universe.count("deals shown");
    let holder = known.partitions.iter().find(|it| it.ledger.deals.contains_key(&deal.deal_id));
    let Some(checked) = holder else {
        return expect("I6", false, || format!("a deal that is not in the log: {told:?}"));
    };
    let shown = told.shows.get(&checked.partition).copied();
    let seen = told.had_seen.get(&checked.partition).copied();
    expect("I9", shown.is_some() && shown >= seen, || {
        format!("a client that has seen {seen:?} is shown a deal at {shown:?}: {told:?}")
    })?;
    let face = face_at(checked, deal.deal_id, shown.unwrap_or_default());
    expect("I6", face.is_some_and(|face| is_it(deal, face)), || {
        format!("at {shown:?} {deal:?} should be {face:?}")
    })
}

fn face_at(checked: &Checked, deal_id: DealId, decided_next: Offset) -> Option<&Face> {
    at(&checked.ledger.deals.get(&deal_id)?.past, decided_next)
}

fn is_it(deal: &Deal, face: &Face) -> bool {
    let terms = &face.terms;
    let counters = [face.stock(), face.left(), face.held, face.confirmed];
    let told = [deal.stock, deal.stock_left, deal.held, deal.confirmed];
    let told = told.map(|units| i64::try_from(units).unwrap_or(i64::MIN));
    told == counters
        && (&deal.product, &deal.title, deal.price) == (&terms.product, &terms.title, terms.price)
        && (deal.opens_at, deal.closes_at) == (terms.opens_at, terms.closes_at)
        && (deal.limit_per_customer, deal.hold_seconds)
            == (terms.limit_per_customer, terms.hold_seconds)
        && deal.status == face.status_at(deal.server_time)
}

/// What those who listen to deals were told so far.
#[derive(Debug, Default)]
pub(in super::super) struct Listeners {
    heard: BTreeMap<u64, Offset>,
}

impl Listeners {
    pub(in super::super) fn check(&mut self, news: &News, known: &Known<'_>) -> Check {
        known.universe.count("news of deals");
        let News { watcher, row, read_offset } = news;
        let before = self.heard.insert(*watcher, *read_offset);
        expect("I9", before.is_none_or(|before| before <= *read_offset), || {
            format!("news go back from {before:?}: {news:?}")
        })?;
        let checked = known.partitions.get(usize::from(row.partition));
        let decided_next = checked.and_then(|checked| decided_next(checked, *read_offset));
        let face = checked.zip(decided_next).and_then(|(it, at)| face_at(it, row.deal_id, at));
        expect("I6", face.is_some_and(|face| is_deal(row, face)), || {
            format!("at {read_offset}, {decided_next:?} {row:?} should be {face:?}")
        })
    }
}
