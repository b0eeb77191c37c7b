//! Orders: how they come to be and how they go on (I5, I9).

use read_model::{OrderRow, PaymentRow};
use schemas::http::OrderStatus;
use schemas::id::ClientReference;
use schemas::log::{
    OrderCancelled, OrderConfirmed, OrderExpired, OrderHeld, OrderPaid, OrderRejected, RefusalCode,
};
use schemas::{CustomerId, DealId, Digest, Fingerprint, Money, Offset, Position, Timestamp};

use super::counting::{Pot, pot};
use super::{PaymentState, World, binds_key};
use crate::finding::Findings;
use crate::report::Invariant;

/// What the events that begin an order have in common.
pub(super) struct Taken<'a> {
    deal_id: DealId,
    customer: CustomerId,
    key: Digest,
    fingerprint: Fingerprint,
    quantity: u32,
    unit_price: Option<Money>,
    ticket_key: u16,
    purchased_at: Timestamp,
    client_reference: &'a Option<ClientReference>,
    expires_at: Option<Timestamp>,
    rejection: Option<(RefusalCode, bool)>,
    /// Left and held, as told.
    counters: Option<(u64, u64)>,
}

impl<'a> Taken<'a> {
    pub(super) fn held(event: &'a OrderHeld) -> Self {
        Self {
            deal_id: event.deal_id,
            customer: event.customer,
            key: event.key,
            fingerprint: event.fingerprint,
            quantity: event.quantity,
            unit_price: Some(event.unit_price),
            ticket_key: event.ticket_key,
            purchased_at: event.purchased_at,
            client_reference: &event.client_reference,
            expires_at: Some(event.expires_at),
            rejection: None,
            counters: Some((event.stock_left, event.held)),
        }
    }

    pub(super) fn confirmed(event: &'a OrderConfirmed) -> Self {
        Self {
            deal_id: event.deal_id,
            customer: event.customer,
            key: event.key,
            fingerprint: event.fingerprint,
            quantity: event.quantity,
            unit_price: Some(event.unit_price),
            ticket_key: event.ticket_key,
            purchased_at: event.purchased_at,
            client_reference: &event.client_reference,
            expires_at: None,
            rejection: None,
            counters: Some((event.stock_left, event.held)),
        }
    }

    fn rejected(event: &'a OrderRejected) -> Self {
        Self {
            deal_id: event.deal_id,
            customer: event.customer,
            key: event.key,
            fingerprint: event.fingerprint,
            quantity: event.quantity,
            unit_price: event.unit_price,
            ticket_key: event.ticket_key,
            purchased_at: event.purchased_at,
            client_reference: &event.client_reference,
            expires_at: None,
            rejection: Some((event.code, event.retryable)),
            counters: None,
        }
    }

    fn status(&self) -> OrderStatus {
        match (self.rejection, self.expires_at) {
            (Some(_), _) => OrderStatus::Rejected,
            (None, Some(_)) => OrderStatus::Held,
            (None, None) => OrderStatus::Confirmed,
        }
    }
}

impl World {
    /// An order that takes units.
    pub(super) fn take_units(&mut self, taken: Taken<'_>, offset: Offset, findings: &mut Findings) {
        let Taken { deal_id, customer, quantity, key, counters, .. } = taken;
        let status = taken.status();
        if !self.deals.contains_key(&deal_id) {
            findings.violated(Invariant::I1, format!("units of {deal_id}, which is unknown"));
        }
        let first = self.keys.get(&(deal_id, key)).copied();
        findings.expect(Invariant::I5, first.is_none(), || {
            let first = first.unwrap_or_default();
            format!("two orders under one key: the first is {first}")
        });
        self.keys.entry((deal_id, key)).or_insert(offset);
        if let Some(expires_at) = taken.expires_at {
            self.holds.insert((expires_at, offset));
        }
        self.begin(taken, offset, findings);
        self.shift((deal_id, customer), quantity, Pot::Left, pot(status));
        if let Some((left, held)) = counters {
            self.count(deal_id, (left, Some(held)), findings);
        }
        self.limit(deal_id, customer, findings);
    }

    pub(super) fn reject(
        &mut self,
        event: &OrderRejected,
        offset: Offset,
        findings: &mut Findings,
    ) {
        if binds_key(event.code) {
            self.keys.entry((event.deal_id, event.key)).or_insert(offset);
        }
        self.begin(Taken::rejected(event), offset, findings);
    }

    fn begin(&mut self, taken: Taken<'_>, offset: Offset, findings: &mut Findings) {
        let row = OrderRow {
            log_id: self.log_id,
            position: Position { partition: self.partition, offset },
            deal_id: taken.deal_id,
            customer: taken.customer,
            key: taken.key,
            fingerprint: taken.fingerprint,
            quantity: taken.quantity,
            unit_price: taken.unit_price,
            ticket_key: taken.ticket_key,
            purchased_at: taken.purchased_at,
            decided_at: self.log_time,
            client_reference: taken.client_reference.clone(),
            expires_at: taken.expires_at,
            rejection: taken.rejection,
            status: taken.status(),
            payment: None,
            refund_due: 0,
            refund_settled: 0,
        };
        let known = self.orders.insert(offset, row);
        findings
            .expect(Invariant::I9, known.is_none(), || "an order has two beginnings".to_owned());
    }

    pub(super) fn expire(&mut self, event: &OrderExpired, findings: &mut Findings) {
        let OrderExpired { deal_id, order, stock_left, held } = *event;
        let runs_out = self.orders.get(&order).and_then(|order| order.expires_at);
        let log_time = self.log_time;
        if let Some(expires_at) = runs_out.filter(|at| *at > log_time) {
            let told = format!("order {order} expired at {log_time}, held until {expires_at}");
            findings.violated(Invariant::I9, told);
        }
        self.go_on((deal_id, order), OrderStatus::Expired, findings);
        self.count(deal_id, (stock_left, Some(held)), findings);
    }

    pub(super) fn cancel(&mut self, event: &OrderCancelled, findings: &mut Findings) {
        let OrderCancelled { deal_id, order, stock_left, held } = *event;
        self.refuse_late(order, "cancelled", findings);
        self.go_on((deal_id, order), OrderStatus::Cancelled, findings);
        self.count(deal_id, (stock_left, Some(held)), findings);
    }

    pub(super) fn pay(&mut self, event: &OrderPaid, findings: &mut Findings) {
        let OrderPaid { deal_id, order, payment, money, stock_left, held } = *event;
        self.refuse_late(order, "paid", findings);
        let due = self.orders.get(&order).and_then(Self::total);
        findings.expect(Invariant::I9, due == Some(money), || {
            format!("order {order} was confirmed by {money:?}, its price is {due:?}")
        });
        self.settle((order, payment, money), PaymentState::Paid, findings);
        self.go_on((deal_id, order), OrderStatus::Confirmed, findings);
        if let Some(row) = self.orders.get_mut(&order) {
            row.payment = Some(PaymentRow { payment, money });
        }
        self.count(deal_id, (stock_left, Some(held)), findings);
    }

    /// A hold whose time has come expires before anything else becomes of its order.
    fn refuse_late(&self, order: Offset, step: &str, findings: &mut Findings) {
        let Some(row) = self.orders.get(&order) else { return };
        let runs_out = row.expires_at.filter(|_| row.status == OrderStatus::Held);
        if let Some(expires_at) = runs_out.filter(|at| *at <= self.log_time) {
            let told = format!("order {order} was {step} after its hold ran out at {expires_at}");
            findings.violated(Invariant::I9, told);
        }
    }

    /// Moves the status of an order, and its units with it.
    fn go_on(
        &mut self,
        (deal_id, offset): (DealId, Offset),
        next: OrderStatus,
        findings: &mut Findings,
    ) {
        let Some(order) = self.orders.get_mut(&offset) else {
            findings.violated(Invariant::I9, format!("order {offset} is unknown"));
            return;
        };
        let (before, customer, quantity) = (order.status, order.customer, order.quantity);
        let is_its_deal = order.deal_id == deal_id;
        findings.expect(Invariant::I9, is_its_deal && may_become(before, next), || {
            let (before, next) = (before.as_str(), next.as_str());
            format!("order {offset} of {deal_id} went from {before} to {next}")
        });
        order.status = next;
        let deal_id = order.deal_id;
        if let Some(expires_at) = order.expires_at {
            self.holds.remove(&(expires_at, offset));
        }
        self.shift((deal_id, customer), quantity, pot(before), pot(next));
        self.limit(deal_id, customer, findings);
    }
}

/// I9, word by word. Nothing comes back to `held`.
fn may_become(before: OrderStatus, next: OrderStatus) -> bool {
    use OrderStatus::{Cancelled, Confirmed, Expired, Held};
    matches!(
        (before, next),
        (Held, Confirmed | Expired | Cancelled) | (Confirmed, Cancelled) | (Expired, Confirmed)
    )
}
