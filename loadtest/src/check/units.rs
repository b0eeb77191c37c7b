//! I1 No oversell: the units that buyers have are at most the stock, and exactly what the public
//! deal says has gone.

use std::collections::HashMap;

use uuid::Uuid;

use super::{Findings, count};
use crate::history::{History, Look};

pub(super) fn check(history: &History, findings: &mut Findings) {
    let mut owners: HashMap<Uuid, u32> = HashMap::new();
    for (buyer, attempt) in history.attempts() {
        let Some(order) = attempt.bought() else { continue };
        let owner = *owners.entry(order.order_id).or_insert(buyer.number);
        if owner != buyer.number {
            let what = format!("order {} is also that of buyer {owner}", order.order_id);
            findings.add(buyer.number, what);
        }
    }
    findings.looked_at = count(owners.len());
    let owned = history.units_owned();
    let stock = history.terms.stock;
    if owned > stock {
        findings.add_to_all(format!("buyers have {owned} units of a stock of {stock}"));
    }
    match history.last_look {
        Some(look) => check_look(history, look, owned, findings),
        None => findings.left_out = Some("the deal could not be read at the end"),
    }
}

fn check_look(history: &History, look: Look, owned: u64, findings: &mut Findings) {
    let Look { stock, stock_left, held, confirmed } = look;
    let told = held + confirmed;
    if stock != history.terms.stock || stock_left + told != stock {
        let announced = history.terms.stock;
        findings.add_to_all(format!(
            "the deal says {stock_left} left + {held} held + {confirmed} confirmed of {stock}, \
             announced {announced}"
        ));
    }
    if !history.is_settled() {
        findings.left_out = Some("unknown outcomes: units were not compared with the deal's");
    } else if history.may_return_units() {
        findings.left_out = Some("holds run out: units were not compared with the deal's");
    } else if owned != told {
        findings.add_to_all(format!("buyers have {owned} units, the deal says {told} have gone"));
    }
}
