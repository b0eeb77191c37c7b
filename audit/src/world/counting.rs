//! What adds up: the units of a deal by where they are (I1), and of a customer (I8).

use std::collections::BTreeMap;

use schemas::http::OrderStatus;
use schemas::{CustomerId, DealId};

use super::{Deal, World};
use crate::finding::Findings;
use crate::report::Invariant;

/// Where units are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pot {
    Left,
    Held,
    Confirmed,
}

/// Where the units of an order in this status are.
pub(super) fn pot(status: OrderStatus) -> Pot {
    match status {
        OrderStatus::Held => Pot::Held,
        OrderStatus::Confirmed => Pot::Confirmed,
        OrderStatus::Queued
        | OrderStatus::Rejected
        | OrderStatus::Expired
        | OrderStatus::Cancelled => Pot::Left,
    }
}

impl World {
    /// Moves units of a customer from one pot of the deal to another.
    pub(super) fn shift(
        &mut self,
        (deal_id, customer): (DealId, CustomerId),
        quantity: u32,
        from: Pot,
        to: Pot,
    ) {
        let (held, confirmed) = match self.deals.get_mut(&deal_id) {
            Some(Deal { held, confirmed, .. }) => (held, confirmed),
            None => return,
        };
        let units = i128::from(quantity);
        match from {
            Pot::Held => *held -= units,
            Pot::Confirmed => *confirmed -= units,
            Pot::Left => {}
        }
        match to {
            Pot::Held => *held += units,
            Pot::Confirmed => *confirmed += units,
            Pot::Left => {}
        }
        let owned = self.units.entry((deal_id, customer)).or_default();
        if from != Pot::Left {
            *owned = owned.saturating_sub(quantity.into());
        }
        if to != Pot::Left {
            *owned += u64::from(quantity);
        }
    }

    /// Compares the counters that an event tells with those counted here (I1), and keeps them.
    pub(super) fn count(
        &mut self,
        deal_id: DealId,
        (stock_left, held): (u64, Option<u64>),
        findings: &mut Findings,
    ) {
        let Some(deal) = self.deals.get_mut(&deal_id) else { return };
        deal.row.stock_left = stock_left;
        deal.row.held = held.unwrap_or(deal.row.held);
        let (left, all_held) = (deal.left(), deal.held);
        findings.expect(Invariant::I1, left >= 0, || {
            format!("deal {deal_id} is oversold by {} units", -left)
        });
        if left >= 0 && left != i128::from(stock_left) {
            let told = format!("deal {deal_id} has {left} units left, not {stock_left}");
            findings.violated(Invariant::I1, told);
        }
        if let Some(held) = held
            && i128::from(held) != all_held
        {
            let told = format!("deal {deal_id} has {all_held} units held, not {held}");
            findings.violated(Invariant::I1, told);
        }
    }

    /// Whether the customer keeps within the limit (I8).
    pub(super) fn limit(&self, deal_id: DealId, customer: CustomerId, findings: &mut Findings) {
        let Some(deal) = self.deals.get(&deal_id) else { return };
        let (units, limit) = (self.units_of(deal_id, customer), deal.row.terms.limit_per_customer);
        findings.expect(Invariant::I8, units <= limit.into(), || {
            format!("customer {customer} has {units} units of {deal_id}, the limit is {limit}")
        });
    }

    /// At the end, everything once more from the orders alone.
    pub(crate) fn recount(&self, findings: &mut Findings) {
        let mut deals: BTreeMap<DealId, (i128, i128)> = BTreeMap::new();
        let mut customers: BTreeMap<(DealId, CustomerId), u64> = BTreeMap::new();
        for order in self.orders.values() {
            let (held, confirmed) = deals.entry(order.deal_id).or_default();
            match pot(order.status) {
                Pot::Left => continue,
                Pot::Held => *held += i128::from(order.quantity),
                Pot::Confirmed => *confirmed += i128::from(order.quantity),
            }
            *customers.entry((order.deal_id, order.customer)).or_default() +=
                u64::from(order.quantity);
        }
        for (deal_id, deal) in &self.deals {
            let (held, confirmed) = deals.get(deal_id).copied().unwrap_or_default();
            let (told_left, told_held) = (deal.row.stock_left, deal.row.held);
            let sum = i128::from(told_left) + held + confirmed;
            let holds = sum == deal.stock() && i128::from(told_held) == held;
            findings.expect(Invariant::I1, holds, || {
                let stock = deal.stock();
                format!(
                    "deal {deal_id} ends with {told_left} left and {told_held} held, but its \
                     orders hold {held} and own {confirmed} of {stock}"
                )
            });
        }
        for ((deal_id, customer), units) in customers {
            let deal = self.deals.get(&deal_id);
            let limit = deal.map_or(0, |deal| deal.row.terms.limit_per_customer);
            findings.expect(Invariant::I8, units <= limit.into(), || {
                format!("customer {customer} ends with {units} units of {deal_id}, not {limit}")
            });
        }
    }
}
