//! Folding events as facts, with the checks that need no command and no rules: whatever was
//! decided, these must hold.

use read_model::{CommandRow, DealRow};
use schemas::DealId;
use schemas::Position;
use schemas::log::{
    DealAnnounced, Decision, Event, OrderRepeated, RefusalCode, StockAdjusted, Unreadable,
};
use schemas::{Offset, Timestamp};

use super::order::Taken;
use super::{Deal, PaymentState, World};
use crate::finding::Findings;
use crate::report::Invariant;

impl World {
    /// Takes an effective decision in.
    pub(crate) fn fold(&mut self, decision: &Decision, findings: &mut Findings) {
        self.log_time = decision.log_time;
        let offset = decision.offset;
        for event in &decision.events {
            self.take(event, offset, findings);
        }
        // Whatever does not become an order leaves an outcome.
        if !self.orders.contains_key(&offset) && !self.commands.contains_key(&offset) {
            self.answer(offset, None, None);
        }
    }

    fn take(&mut self, event: &Event, offset: Offset, findings: &mut Findings) {
        match event {
            Event::DealAnnounced(event) => self.announce(event, findings),
            Event::StockAdjusted(event) => self.adjust(event, offset, findings),
            Event::DealPaused(event) => {
                self.change(event.deal_id, findings, |deal| deal.row.paused = true);
            }
            Event::DealResumed(event) => {
                self.change(event.deal_id, findings, |deal| deal.row.paused = false);
            }
            Event::DealRescheduled(event) => self.change(event.deal_id, findings, |deal| {
                deal.row.terms.opens_at = event.opens_at;
                deal.row.terms.closes_at = event.closes_at;
            }),
            Event::DealClosed(event) => {
                self.change(event.deal_id, findings, |deal| deal.row.closed = true);
            }
            Event::DealRetired(event) => self.retire(event.deal_id, findings),
            Event::OrderHeld(event) => {
                self.take_units(Taken::held(event), offset, findings);
            }
            Event::OrderConfirmed(event) => {
                self.take_units(Taken::confirmed(event), offset, findings);
            }
            Event::OrderRejected(event) => self.reject(event, offset, findings),
            Event::OrderRepeated(event) => self.repeat(event, offset, findings),
            Event::OrderPaid(event) => self.pay(event, findings),
            Event::OrderExpired(event) => self.expire(event, findings),
            Event::OrderCancelled(event) => self.cancel(event, findings),
            Event::PaymentFailed(event) => {
                let paid = (event.order, event.payment, event.money);
                self.settle(paid, PaymentState::Failed, findings);
            }
            Event::RefundDue(event) => {
                let paid = (event.order, event.payment, event.money);
                self.settle(paid, PaymentState::RefundDue, findings);
            }
            Event::RefundSettled(event) => {
                let paid = (event.order, event.payment, event.money);
                self.settle(paid, PaymentState::Refunded, findings);
            }
            // It says why; the refund that follows is an event of its own.
            Event::PaymentMismatch(_) => {}
            Event::CommandRefused(event) => self.answer(offset, Some(event.code), None),
            Event::CommandRepeated(event) => self.answer(offset, None, Some(event.first)),
            Event::Unreadable(Unreadable {}) => {
                self.answer(offset, Some(RefusalCode::Unreadable), None);
            }
        }
    }

    /// The outcome of a command that is not an order.
    fn answer(&mut self, offset: Offset, refusal: Option<RefusalCode>, first: Option<Offset>) {
        if self.keeps_commands {
            let position = Position { partition: self.partition, offset };
            let (log_id, decided_at) = (self.log_id, self.log_time);
            let row = CommandRow { log_id, position, decided_at, refusal, first };
            self.commands.insert(offset, row);
        }
    }

    /// A deal that replaces one which has not opened starts anew.
    fn announce(&mut self, event: &DealAnnounced, findings: &mut Findings) {
        let DealAnnounced { deal_id, product_id, deal_key, terms } = event;
        let is_its_id = DealId::of(product_id, deal_key) == *deal_id;
        findings.expect(Invariant::I2, is_its_id, || {
            format!("deal {deal_id} does not have the id of {product_id}/{deal_key}")
        });
        let is_free = self.deals.get(deal_id).is_none_or(|old| (old.held, old.confirmed) == (0, 0));
        findings.expect(Invariant::I1, is_free, || {
            format!("deal {deal_id} starts anew although units of it are taken")
        });
        let row = DealRow {
            log_id: self.log_id,
            partition: self.partition,
            deal_id: *deal_id,
            product_id: product_id.clone(),
            deal_key: deal_key.clone(),
            terms: (**terms).clone(),
            adjusted: 0,
            stock_left: terms.stock,
            held: 0,
            paused: false,
            closed: false,
            retired: false,
        };
        let deal = Deal { row, announced: (**terms).clone(), held: 0, confirmed: 0 };
        self.deals.insert(*deal_id, deal);
    }

    fn adjust(&mut self, event: &StockAdjusted, offset: Offset, findings: &mut Findings) {
        let StockAdjusted { deal_id, key, fingerprint, delta, stock_left, .. } = *event;
        let known = self.adjustments.insert((deal_id, key), (fingerprint, offset));
        findings.expect(Invariant::I5, known.is_none(), || {
            format!("two adjustments of deal {deal_id} under key {key}")
        });
        self.change(deal_id, findings, |deal| {
            deal.row.adjusted = deal.row.adjusted.saturating_add(delta);
        });
        self.count(deal_id, (stock_left, None), findings);
    }

    fn retire(&mut self, deal_id: DealId, findings: &mut Findings) {
        self.change(deal_id, findings, |deal| deal.row.retired = true);
        let held = self.deals.get(&deal_id).map_or(0, |deal| deal.held);
        findings.expect(Invariant::I9, held == 0, || {
            format!("deal {deal_id} retired while {held} units are held")
        });
    }

    fn repeat(&mut self, event: &OrderRepeated, offset: Offset, findings: &mut Findings) {
        let OrderRepeated { deal_id, customer, first } = *event;
        let order = self.orders.get(&first);
        let fits = order.is_some_and(|order| {
            (order.deal_id, order.customer) == (deal_id, customer) && first < offset
        });
        findings.expect(Invariant::I5, fits, || {
            format!("a repeat points at {first}, which is no order of {customer} for {deal_id}")
        });
        let is_due = |at: &Timestamp| *at <= self.log_time;
        let runs_out = order.and_then(|order| order.expires_at);
        if self.holds.contains(&(runs_out.unwrap_or_default(), first))
            && runs_out.as_ref().is_some_and(is_due)
        {
            findings.violated(Invariant::I9, format!("order {first} should have expired first"));
        }
        self.answer(offset, None, Some(first));
    }

    /// Changes a deal that is there and not retired.
    fn change(&mut self, deal_id: DealId, findings: &mut Findings, change: impl FnOnce(&mut Deal)) {
        let fault = match self.deals.get_mut(&deal_id) {
            None => "is unknown",
            Some(deal) => {
                let is_retired = deal.row.retired;
                change(deal);
                if !is_retired {
                    return;
                }
                "has retired"
            }
        };
        findings.violated(Invariant::I9, format!("something happens to {deal_id}, which {fault}"));
    }
}
