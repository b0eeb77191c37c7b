//! Purchases at the gateway's door.

use std::hint::black_box;

use gateway::admission::{DealFacts, Door, DoorLimits, Facts, Question, judge};
use read_model::DealRow;
use schemas::http::ProblemCode;
use schemas::{Digest, Fingerprint};

use crate::sale::{FIRST, NOW, announcement, deal_id};
use crate::{TIMES, Work};

/// There are units: the purchase may be appended.
pub(crate) fn admit() -> Work {
    judge_each(1_000, |door| matches!(door, Door::Admit(_)))
}

/// There are none, and the view is fresh enough to say so.
pub(crate) fn sold_out() -> Work {
    judge_each(0, |door| matches!(door, Door::Refuse(no) if no.code == ProblemCode::SoldOut))
}

fn judge_each(stock_left: u64, is_meant: fn(&Door) -> bool) -> Work {
    let row = row(stock_left);
    let limits = DoorLimits::default();
    Box::new(move || {
        let mut count = 0;
        for number in 0..TIMES as u64 {
            let question = Question {
                deal_id: row.deal_id,
                key: Digest(u128::from(number)),
                fingerprint: Fingerprint(number),
                quantity: 1,
                now: NOW,
            };
            let door = judge(black_box(&question), &facts(&row), &limits, "gateway-1");
            count += usize::from(is_meant(&door));
        }
        count
    })
}

fn facts(row: &DealRow) -> Facts<'_> {
    let deal = DealFacts { row, decided_next: FIRST, log_time: NOW, backlog: 3, wait: None };
    Facts { has_started: true, is_fresh: true, as_of: NOW, deal: Some(deal), is_full: false }
}

fn row(stock_left: u64) -> DealRow {
    let announcement = announcement(1_000);
    DealRow {
        log_id: 1,
        partition: 0,
        deal_id: deal_id(),
        product_id: announcement.product_id,
        deal_key: announcement.deal_key,
        terms: *announcement.terms,
        adjusted: 0,
        stock_left,
        held: 1_000 - stock_left,
        paused: false,
        closed: false,
        retired: false,
    }
}
