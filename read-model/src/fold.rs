//! How decisions change rows. Pure, and the only place that says so: the projector writes these
//! changes into a database, the gateway lays them over rows that it read.

use schemas::http::OrderStatus;
use schemas::log::{
    DealAnnounced, Decision, Event, OrderConfirmed, OrderHeld, OrderRejected, StockAdjusted,
};
use schemas::{DealId, Offset, Partition, Position, Timestamp};

use crate::row::{CommandRow, DealRow, OrderRow, PaymentRow, ProductRow};

/// What happened to an order after its purchase was decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrderChange {
    /// Paid, and so confirmed.
    Paid(PaymentRow),
    /// Its hold ran out.
    Expired,
    /// Given up.
    Cancelled,
    /// So much has to go back, in minor units of the payment's currency.
    RefundDue(schemas::Money),
    /// So much went back.
    RefundSettled(schemas::Money),
}

/// What one decision changes, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Changes {
    /// A new deal, or one replaced before it opened; its product with it.
    Deal(Box<DealRow>, Box<ProductRow>),
    /// A purchase became an order.
    Order(Box<OrderRow>),
    /// An order changed; `offset` is that of its purchase.
    OrderChanged(Offset, OrderChange),
    /// A deal's counters after an event.
    Counters {
        /// Which deal.
        deal_id: DealId,
        /// Units left for sale.
        stock_left: u64,
        /// Units held; none: unchanged.
        held: Option<u64>,
        /// Added to the sum of adjustments.
        adjusted: i64,
    },
    /// A deal was paused or resumed.
    Paused(DealId, bool),
    /// A deal was rescheduled.
    Rescheduled(DealId, Timestamp, Timestamp),
    /// A deal was closed by command.
    Closed(DealId),
    /// A deal was retired.
    Retired(DealId),
    /// The outcome of a command that is not an order.
    Command(CommandRow),
}

impl OrderRow {
    /// Lays a later change over the row.
    ///
    /// # Panics
    /// If the order cannot go that way (promise I9): the decider never says so.
    pub fn change(&mut self, change: OrderChange) {
        match change {
            OrderChange::Paid(payment) => {
                self.advance(OrderStatus::Confirmed);
                self.payment = Some(payment);
            }
            OrderChange::Expired => self.advance(OrderStatus::Expired),
            OrderChange::Cancelled => self.advance(OrderStatus::Cancelled),
            OrderChange::RefundDue(money) => self.refund_due += self.own_amount(money),
            OrderChange::RefundSettled(money) => self.refund_settled += self.own_amount(money),
        }
    }

    fn advance(&mut self, next: OrderStatus) {
        assert!(self.status.may_become(next), "I9: {:?} to {next:?}", self.status);
        self.status = next;
    }

    /// Only money of the order's own currency can be added up.
    fn own_amount(&self, money: schemas::Money) -> i64 {
        let own = self.unit_price.is_some_and(|price| price.currency == money.currency);
        if own { money.amount } else { 0 }
    }
}

/// Changes of one effective decision of `partition` of the log, in order.
///
/// Every command leaves exactly one row: an order if it was a purchase that is not a repeat, else
/// a command. (A genesis record that came again is a command that was accepted.)
#[must_use]
pub fn fold(log_id: u8, partition: Partition, decision: &Decision) -> Vec<Changes> {
    let position = Position { partition, offset: decision.offset };
    let fold = Fold { log_id, position, decided_at: decision.log_time };
    let mut changes = Vec::with_capacity(decision.events.len() * 2 + 1);
    for event in &decision.events {
        fold.event(event, &mut changes);
    }
    let answered = |change: &Changes| matches!(change, Changes::Order(_) | Changes::Command(_));
    if !changes.iter().any(answered) {
        changes.push(fold.command(None, None));
    }
    changes
}

/// Where and when a decision stands.
#[derive(Clone, Copy)]
struct Fold {
    log_id: u8,
    position: Position,
    decided_at: Timestamp,
}

/// The row of an order: what all three outcomes of a purchase say under the same names, and what
/// differs between them.
macro_rules! order_row {
    ($fold:expr, $event:expr, { $($differs:tt)* }) => {
        OrderRow {
            log_id: $fold.log_id,
            position: $fold.position,
            decided_at: $fold.decided_at,
            deal_id: $event.deal_id,
            customer: $event.customer,
            key: $event.key,
            fingerprint: $event.fingerprint,
            quantity: $event.quantity,
            ticket_key: $event.ticket_key,
            purchased_at: $event.purchased_at,
            client_reference: $event.client_reference.clone(),
            payment: None,
            refund_due: 0,
            refund_settled: 0,
            $($differs)*
        }
    };
}

impl Fold {
    fn event(self, event: &Event, changes: &mut Vec<Changes>) {
        match event {
            Event::DealAnnounced(event) => changes.push(self.deal(event)),
            Event::StockAdjusted(event) => changes.push(adjusted(event)),
            Event::DealPaused(event) => changes.push(Changes::Paused(event.deal_id, true)),
            Event::DealResumed(event) => changes.push(Changes::Paused(event.deal_id, false)),
            Event::DealRescheduled(event) => {
                let (deal_id, opens_at) = (event.deal_id, event.opens_at);
                changes.push(Changes::Rescheduled(deal_id, opens_at, event.closes_at));
            }
            Event::DealClosed(event) => changes.push(Changes::Closed(event.deal_id)),
            Event::DealRetired(event) => changes.push(Changes::Retired(event.deal_id)),
            Event::OrderHeld(event) => {
                changes.push(Changes::Order(Box::new(self.held(event))));
                changes.push(counters(event.deal_id, event.stock_left, event.held));
            }
            Event::OrderConfirmed(event) => {
                changes.push(Changes::Order(Box::new(self.confirmed(event))));
                changes.push(counters(event.deal_id, event.stock_left, event.held));
            }
            Event::OrderRejected(event) => {
                changes.push(Changes::Order(Box::new(self.rejected(event))));
            }
            Event::OrderRepeated(event) => changes.push(self.command(None, Some(event.first))),
            Event::OrderPaid(event) => {
                let payment = PaymentRow { payment: event.payment, money: event.money };
                changes.push(Changes::OrderChanged(event.order, OrderChange::Paid(payment)));
                changes.push(counters(event.deal_id, event.stock_left, event.held));
            }
            Event::OrderExpired(event) => {
                changes.push(Changes::OrderChanged(event.order, OrderChange::Expired));
                changes.push(counters(event.deal_id, event.stock_left, event.held));
            }
            Event::OrderCancelled(event) => {
                changes.push(Changes::OrderChanged(event.order, OrderChange::Cancelled));
                changes.push(counters(event.deal_id, event.stock_left, event.held));
            }
            Event::RefundDue(event) => {
                let change = OrderChange::RefundDue(event.money);
                changes.push(Changes::OrderChanged(event.order, change));
            }
            Event::RefundSettled(event) => {
                let change = OrderChange::RefundSettled(event.money);
                changes.push(Changes::OrderChanged(event.order, change));
            }
            Event::CommandRefused(event) => changes.push(self.command(Some(event.code), None)),
            Event::CommandRepeated(event) => changes.push(self.command(None, Some(event.first))),
            Event::Unreadable(_) => {
                changes.push(self.command(Some(schemas::log::RefusalCode::Unreadable), None));
            }
            // A failed payment leaves the order as it is; a mismatch shows as the refund it causes.
            Event::PaymentFailed(_) | Event::PaymentMismatch(_) => {}
        }
    }

    fn command(self, refusal: Option<schemas::log::RefusalCode>, first: Option<Offset>) -> Changes {
        let Self { log_id, position, decided_at } = self;
        Changes::Command(CommandRow { log_id, position, decided_at, refusal, first })
    }

    fn deal(self, event: &DealAnnounced) -> Changes {
        let deal = DealRow {
            log_id: self.log_id,
            partition: self.position.partition,
            deal_id: event.deal_id,
            product_id: event.product_id.clone(),
            deal_key: event.deal_key.clone(),
            terms: (*event.terms).clone(),
            adjusted: 0,
            stock_left: event.terms.stock,
            held: 0,
            paused: false,
            closed: false,
            retired: false,
        };
        let product = ProductRow {
            product_id: event.product_id.clone(),
            product: event.terms.product.clone(),
        };
        Changes::Deal(Box::new(deal), Box::new(product))
    }

    fn held(self, event: &OrderHeld) -> OrderRow {
        order_row!(self, event, {
            status: OrderStatus::Held,
            unit_price: Some(event.unit_price),
            expires_at: Some(event.expires_at),
            rejection: None,
        })
    }

    fn confirmed(self, event: &OrderConfirmed) -> OrderRow {
        order_row!(self, event, {
            status: OrderStatus::Confirmed,
            unit_price: Some(event.unit_price),
            expires_at: None,
            rejection: None,
        })
    }

    fn rejected(self, event: &OrderRejected) -> OrderRow {
        order_row!(self, event, {
            status: OrderStatus::Rejected,
            unit_price: event.unit_price,
            expires_at: None,
            rejection: Some((event.code, event.retryable)),
        })
    }
}

fn adjusted(event: &StockAdjusted) -> Changes {
    Changes::Counters {
        deal_id: event.deal_id,
        stock_left: event.stock_left,
        held: None,
        adjusted: event.delta,
    }
}

fn counters(deal_id: DealId, stock_left: u64, held: u64) -> Changes {
    Changes::Counters { deal_id, stock_left, held: Some(held), adjusted: 0 }
}
