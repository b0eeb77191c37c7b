//! From one state to the next. Nothing is judged here: an event is a fact, and where it contradicts
//! the state, the state is not to be trusted any more.
//!
//! The same for all rule sets.

use sabotage::Bug;
use schemas::log::{
    Decision, Event, OrderCancelled, OrderConfirmed, OrderExpired, OrderHeld, OrderPaid,
    OrderRejected, PaymentFailed, RefundDue, RefundSettled, RefusalCode, StockAdjusted,
};
use schemas::{DealId, Offset};

use super::agenda::Dates;
use super::deal::{Adjustment, Deal, announcement_digest};
use super::order::{Binding, Standing};
use super::payment::{Notice, PaymentStatus};
use super::{Slot, State};

impl State {
    /// Takes one effective decision in: advances log time, also if there are no events, then takes
    /// the events in one after another.
    ///
    /// # Panics
    /// If the decision cannot have been made in this state.
    pub fn fold(&mut self, decision: &Decision) {
        assert!(self.log_time <= decision.log_time, "log time never falls within a partition");
        self.log_time = decision.log_time;
        for event in &decision.events {
            self.evolve(event, decision.offset);
        }
    }

    fn evolve(&mut self, event: &Event, offset: Offset) {
        match event {
            Event::DealAnnounced(event) => {
                let digest = announcement_digest(&event.product_id, &event.deal_key, &event.terms);
                self.announce(event.deal_id, |replaced| {
                    Deal::announced(&event.terms, digest, replaced)
                });
            }
            Event::StockAdjusted(event) => self.adjust_stock(event, offset),
            Event::DealPaused(event) => self.change(event.deal_id, |deal| deal.paused = true),
            Event::DealResumed(event) => self.change(event.deal_id, |deal| deal.paused = false),
            Event::DealRescheduled(event) => self.change(event.deal_id, |deal| {
                deal.terms.opens_at = event.opens_at;
                deal.terms.closes_at = event.closes_at;
            }),
            Event::DealClosed(event) => self.change(event.deal_id, |deal| deal.closed = true),
            Event::DealRetired(event) => self.retire(event.deal_id),
            Event::OrderHeld(event) => self.take_held(event, offset),
            Event::OrderConfirmed(event) => self.take_confirmed(event, offset),
            Event::OrderRejected(event) => self.take_rejected(event, offset),
            Event::OrderPaid(event) => self.pay(event),
            Event::OrderExpired(event) => {
                let OrderExpired { deal_id, order, stock_left, held } = *event;
                self.stand((deal_id, order), Standing::Expired, (stock_left, held));
            }
            Event::OrderCancelled(event) => {
                let OrderCancelled { deal_id, order, stock_left, held } = *event;
                self.stand((deal_id, order), Standing::Cancelled, (stock_left, held));
            }
            Event::PaymentFailed(event) => {
                let PaymentFailed { order, payment, money } = *event;
                self.payments.record(Notice { order, payment, money }, PaymentStatus::Failed);
            }
            Event::RefundDue(event) => {
                let RefundDue { order, payment, money } = *event;
                self.payments.record(Notice { order, payment, money }, PaymentStatus::RefundDue);
            }
            Event::RefundSettled(event) => {
                let RefundSettled { order, payment, money } = *event;
                self.payments.record(Notice { order, payment, money }, PaymentStatus::Refunded);
            }
            // They say why; what follows from it, if anything, is an event of its own.
            Event::OrderRepeated(_)
            | Event::PaymentMismatch(_)
            | Event::CommandRefused(_)
            | Event::CommandRepeated(_)
            | Event::Unreadable(_) => {}
        }
    }

    fn announce(&mut self, deal_id: DealId, announced: impl FnOnce(Option<Deal>) -> Deal) {
        let Some(at) = self.deals.position(deal_id.0.as_u128()) else {
            let deal = announced(None);
            let after = Dates::of(&deal);
            let slot = Slot { id: deal_id, deal: Some(Box::new(deal)) };
            let at = self.deals.push(slot).expect("the deal was just not there");
            self.agenda.change((at, deal_id), Dates::default(), after);
            return;
        };
        let slot = self.deals.at_mut(at);
        let replaced = slot.deal.take().expect("a retired deal is never announced again");
        let before = Dates::of(&replaced);
        let deal = announced(Some(*replaced));
        let after = Dates::of(&deal);
        slot.deal = Some(Box::new(deal));
        self.agenda.change((at, deal_id), before, after);
    }

    /// Changes a deal, and its dates on the agenda.
    fn change<R>(&mut self, deal_id: DealId, change: impl FnOnce(&mut Deal) -> R) -> R {
        self.change_at(self.index_of(deal_id), change)
    }

    fn change_at<R>(&mut self, at: u32, change: impl FnOnce(&mut Deal) -> R) -> R {
        let Slot { id, deal } = self.deals.at_mut(at);
        let deal = deal.as_deref_mut().expect("nothing happens to a retired deal");
        let before = Dates::of(deal);
        let changed = change(deal);
        let after = Dates::of(deal);
        if before != after {
            self.agenda.change((at, *id), before, after);
        }
        changed
    }

    fn index_of(&self, deal_id: DealId) -> u32 {
        self.deals.position(deal_id.0.as_u128()).expect("nothing happens to an unknown deal")
    }

    fn retire(&mut self, deal_id: DealId) {
        let at = self.index_of(deal_id);
        let deal = self.deals.at_mut(at).deal.take().expect("a deal retires once");
        assert_eq!(deal.counters().held, 0, "a deal with holds does not retire");
        self.agenda.change((at, deal_id), Dates::of(&deal), Dates::default());
        if let Some(span) = deal.orders.span() {
            self.directory.forget(at, span);
        }
    }

    fn adjust_stock(&mut self, event: &StockAdjusted, offset: Offset) {
        self.change(event.deal_id, |deal| {
            deal.adjust(event.delta, Adjustment::new(event.key, event.fingerprint, offset));
            deal.assert_counted((event.stock_left, None));
        });
    }

    fn take_held(&mut self, event: &OrderHeld, offset: Offset) {
        let OrderHeld { deal_id, key, fingerprint, quantity, .. } = *event;
        let binding = Binding { key, fingerprint, offset, quantity: packed(quantity) };
        let at = self.index_of(deal_id);
        self.directory.push(offset, at);
        self.change_at(at, |deal| {
            deal.take(event.customer, binding, Standing::Held { expires_at: event.expires_at });
            deal.assert_counted((event.stock_left, Some(event.held)));
        });
    }

    fn take_confirmed(&mut self, event: &OrderConfirmed, offset: Offset) {
        let OrderConfirmed { deal_id, key, fingerprint, quantity, .. } = *event;
        let binding = Binding { key, fingerprint, offset, quantity: packed(quantity) };
        let at = self.index_of(deal_id);
        self.directory.push(offset, at);
        self.change_at(at, |deal| {
            deal.take(event.customer, binding, Standing::Confirmed);
            deal.assert_counted((event.stock_left, Some(event.held)));
        });
    }

    fn take_rejected(&mut self, event: &OrderRejected, offset: Offset) {
        let OrderRejected { deal_id, key, fingerprint, .. } = *event;
        if !binds_key(event.code) {
            return;
        }
        let binding = Binding { key, fingerprint, offset, quantity: 0 };
        let at = self.index_of(deal_id);
        self.directory.push(offset, at);
        self.change_at(at, |deal| deal.take(event.customer, binding, Standing::Rejected));
    }

    fn pay(&mut self, event: &OrderPaid) {
        let OrderPaid { deal_id, order, payment, money, stock_left, held } = *event;
        let payment = self.payments.record(Notice { order, payment, money }, PaymentStatus::Paid);
        self.stand((deal_id, order), Standing::Paid { payment }, (stock_left, held));
    }

    /// Moves the status of an order.
    fn stand(&mut self, order: (DealId, Offset), next: Standing, told: (u64, u64)) {
        self.change(order.0, |deal| {
            let at = deal.orders.position(order.1).expect("nothing happens to an unknown order");
            deal.stand(at, next);
            deal.assert_counted((told.0, Some(told.1)));
        });
    }
}

/// Units of an order in the form in which they are kept.
fn packed(quantity: u32) -> u16 {
    u16::try_from(quantity).expect("no order is for more than the highest limit per customer")
}

/// Whether a purchase refused so binds its key. The first three are about the deal as a whole,
/// which knows no keys or takes none yet; the fourth is about a key that another order has.
fn binds_key(code: RefusalCode) -> bool {
    match code {
        RefusalCode::DealNotOpen
        | RefusalCode::DealNotFound
        | RefusalCode::DealRetired
        | RefusalCode::IdempotencyKeyReused => false,
        RefusalCode::SoldOut => !sabotage::is_planted(Bug::KeyForgotten),
        RefusalCode::DealPaused
        | RefusalCode::DealClosed
        | RefusalCode::OutOfRange
        | RefusalCode::LimitExceeded
        | RefusalCode::InsufficientStock
        | RefusalCode::OrderNotFound
        | RefusalCode::OrderNotCancellable
        | RefusalCode::DealAlreadyOpen
        | RefusalCode::StockBelowCommitted
        | RefusalCode::PaymentIdReused
        | RefusalCode::Unreadable => true,
    }
}
