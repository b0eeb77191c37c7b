//! Deals and orders of one partition, counted from the events of the decisions that count: nothing
//! packed, nothing forgotten, every counter added up again.

mod deal;
mod order;

use std::collections::BTreeMap;

use schemas::http::OrderStatus;
use schemas::limits::EVENTS_MAX;
use schemas::log::{Command, DealTerms, Decision, Event, PlacePurchase, RefusalCode};
use schemas::{CustomerId, DealId, Digest, Offset, Partition, Timestamp};

pub(crate) use deal::{Deal, Face};
pub(crate) use order::{Order, Outcome, is_step};

use super::{Check, expect};
use crate::universe::Universe;

/// One partition's deals and orders.
#[derive(Clone, Debug)]
pub(crate) struct Ledger {
    partition: Partition,
    pub(crate) deals: BTreeMap<DealId, Deal>,
    pub(crate) orders: BTreeMap<Offset, Order>,
    /// First orders by the keys that they bind.
    keys: BTreeMap<(DealId, Digest), Offset>,
    /// Purchases that repeat one before them, and which.
    repeats: BTreeMap<Offset, Offset>,
    /// What became of all other commands, and of purchases that repeat.
    pub(crate) outcomes: BTreeMap<Offset, Outcome>,
    /// `decided_next` by the virtual time from which on it was so.
    reached: Vec<(u64, Offset)>,
}

impl Ledger {
    pub(crate) fn new(partition: Partition) -> Self {
        let (deals, orders) = (BTreeMap::new(), BTreeMap::new());
        let (keys, repeats, outcomes) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        Self { partition, deals, orders, keys, repeats, outcomes, reached: vec![(0, 1)] }
    }

    /// Takes note of when a decision came to stand in the log.
    pub(crate) fn mark(&mut self, now_ms: u64, decided_next: Offset) {
        self.reached.push((now_ms, decided_next));
    }

    /// `decided_next` at a virtual time.
    pub(crate) fn decided_next_at(&self, ms: u64) -> Offset {
        let until = self.reached.partition_point(|(at_ms, _)| *at_ms <= ms);
        self.reached[until.saturating_sub(1)].1
    }

    /// Units that every deal has sold.
    pub(crate) fn sold(&self) -> impl Iterator<Item = (DealId, u64)> {
        let sold = |deal: &Deal| u64::try_from(deal.face.confirmed).unwrap_or(0);
        self.deals.iter().map(move |(deal_id, deal)| (*deal_id, sold(deal)))
    }

    /// The order that a key is bound to.
    pub(crate) fn first_under(&self, deal_id: DealId, key: Digest) -> Option<Offset> {
        self.keys.get(&(deal_id, key)).copied()
    }

    /// The order that a purchase became: its own, or the one that it repeats.
    pub(crate) fn order_of(&self, offset: Offset) -> Option<(Offset, &Order)> {
        let offset = self.repeats.get(&offset).copied().unwrap_or(offset);
        self.orders.get(&offset).map(|order| (offset, order))
    }

    /// What became of a command; of a repeat, what became of the first.
    pub(crate) fn outcome_of(&self, offset: Offset) -> Option<Outcome> {
        let outcome = *self.outcomes.get(&offset)?;
        match outcome.first {
            Some(first) => self.outcomes.get(&first).copied(),
            None => Some(outcome),
        }
    }

    /// Orders that are held, and should not be any more at this time.
    pub(crate) fn overdue(&self, time: Timestamp) -> usize {
        let is_due = |order: &&Order| order.expires_at.is_some_and(|at| at <= time);
        let held = self.orders.values().filter(|order| order.status == OrderStatus::Held);
        held.filter(is_due).count()
    }

    /// Applies a decision that counts.
    pub(crate) fn fold(
        &mut self,
        decision: &Decision,
        command: Option<&Command>,
        universe: &Universe,
    ) -> Check {
        let purchase = match command {
            Some(Command::PlacePurchase(purchase)) => Some(&**purchase),
            Some(_) | None => None,
        };
        if let Some(Command::AnnounceDeal(announcement)) = command {
            let deal_id = DealId::of(&announcement.product_id, &announcement.deal_key);
            deal::check_announcement(self.deals.get(&deal_id), announcement, decision, universe)?;
        }
        let (mut outcomes, mut outcome) = (0, Outcome::default());
        for event in &decision.events {
            universe.count(event.kind());
            outcomes += u32::from(self.event(decision, event, purchase)?);
            outcome.note(event);
        }
        expect("I2", outcomes == u32::from(purchase.is_some()), || {
            format!("{outcomes} outcomes: {decision:?} answers {command:?}")
        })?;
        if !self.orders.contains_key(&decision.offset) {
            self.outcomes.insert(decision.offset, outcome);
        }
        if let Some(Command::ExpireHolds(_)) = command {
            self.check_expired(decision)?;
        }
        for deal in self.deals.values_mut() {
            deal.mark(decision.offset + 1);
        }
        Ok(())
    }

    /// Whoever reminds of the time finds no hold that has run out, but if there were too many.
    fn check_expired(&self, decision: &Decision) -> Check {
        let overdue = self.overdue(decision.log_time);
        expect("holds", overdue == 0 || decision.events.len() == EVENTS_MAX, || {
            format!("{overdue} holds have run out by {}, after {decision:?}", decision.log_time)
        })
    }

    /// Applies an event; tells whether it is the outcome of a purchase.
    fn event(
        &mut self,
        decision: &Decision,
        event: &Event,
        purchase: Option<&PlacePurchase>,
    ) -> Result<bool, super::Breach> {
        let offset = decision.offset;
        match event {
            Event::DealAnnounced(it) => self.announce(it.deal_id, &it.terms)?,
            Event::StockAdjusted(it) => {
                self.face(it.deal_id)?.adjusted += it.delta;
                self.compare(it.deal_id, it.stock_left, None)?;
            }
            Event::DealPaused(it) => self.face(it.deal_id)?.paused = true,
            Event::DealResumed(it) => self.face(it.deal_id)?.paused = false,
            Event::DealClosed(it) => self.face(it.deal_id)?.closed = true,
            Event::DealRetired(it) => self.face(it.deal_id)?.retired = true,
            Event::DealRescheduled(it) => {
                self.deal(it.deal_id)?.reschedule(it.opens_at, it.closes_at);
            }
            Event::OrderHeld(it) => {
                let expires_at = Some(it.expires_at);
                self.take(decision, purchase, (OrderStatus::Held, expires_at))?;
                self.compare(it.deal_id, it.stock_left, Some(it.held))?;
                return Ok(true);
            }
            Event::OrderConfirmed(it) => {
                self.take(decision, purchase, (OrderStatus::Confirmed, None))?;
                self.compare(it.deal_id, it.stock_left, Some(it.held))?;
                return Ok(true);
            }
            Event::OrderRejected(it) => {
                self.reject(offset, purchase, it.code)?;
                return Ok(true);
            }
            Event::OrderRepeated(it) => {
                let first = self.orders.get(&it.first);
                let is_theirs = first.zip(purchase).is_some_and(|(first, purchase)| {
                    (first.customer, first.deal_id) == (purchase.customer, purchase.deal_id)
                        && self.first_under(purchase.deal_id, purchase.key) == Some(it.first)
                });
                expect("I5", is_theirs, || format!("{offset} repeats {}", it.first))?;
                self.repeats.insert(offset, it.first);
                return Ok(true);
            }
            Event::OrderPaid(it) => {
                self.advance(it.order, OrderStatus::Confirmed, offset)?;
                self.compare(it.deal_id, it.stock_left, Some(it.held))?;
            }
            Event::OrderExpired(it) => {
                let due = self.orders.get(&it.order).and_then(|order| order.expires_at);
                expect("I9", due.is_some_and(|due| due <= decision.log_time), || {
                    format!("{} expires before its time", it.order)
                })?;
                self.advance(it.order, OrderStatus::Expired, offset)?;
                self.compare(it.deal_id, it.stock_left, Some(it.held))?;
            }
            Event::OrderCancelled(it) => {
                self.advance(it.order, OrderStatus::Cancelled, offset)?;
                self.compare(it.deal_id, it.stock_left, Some(it.held))?;
            }
            Event::PaymentFailed(_)
            | Event::PaymentMismatch(_)
            | Event::RefundDue(_)
            | Event::RefundSettled(_)
            | Event::CommandRefused(_)
            | Event::CommandRepeated(_)
            | Event::Unreadable(_) => {}
        }
        Ok(false)
    }

    fn deal(&mut self, deal_id: DealId) -> Result<&mut Deal, super::Breach> {
        let words = format!("deal {deal_id} was never announced");
        self.deals.get_mut(&deal_id).ok_or(super::Breach { promise: "I1", words })
    }

    fn face(&mut self, deal_id: DealId) -> Result<&mut Face, super::Breach> {
        self.deal(deal_id).map(|deal| &mut deal.face)
    }

    fn announce(&mut self, deal_id: DealId, terms: &DealTerms) -> Check {
        let before = self.deals.get(&deal_id);
        let is_free = before.is_none_or(|deal| deal.face.held + deal.face.confirmed == 0);
        expect("I1", is_free, || format!("{deal_id} begins anew after it has sold"))?;
        self.deals.insert(deal_id, Deal::announced(terms, before));
        Ok(())
    }

    /// I1: what an event says is what adds up, and nothing is sold that is not there.
    fn compare(&mut self, deal_id: DealId, stock_left: u64, held: Option<u64>) -> Check {
        let partition = self.partition;
        let deal = self.face(deal_id)?;
        let told = i64::try_from(stock_left).unwrap_or(i64::MAX);
        let held = held.map_or(deal.held, |held| i64::try_from(held).unwrap_or(i64::MAX));
        expect("I1", deal.left() == told && deal.held == held && told >= 0, || {
            format!("partition {partition}: {stock_left} left and {held} held, but {deal:?}")
        })
    }

    /// A purchase takes units.
    fn take(
        &mut self,
        decision: &Decision,
        purchase: Option<&PlacePurchase>,
        (status, expires_at): (OrderStatus, Option<Timestamp>),
    ) -> Check {
        let offset = decision.offset;
        let Some(purchase) = purchase else {
            return expect("I2", false, || format!("{offset} is an order, and no purchase"));
        };
        let (deal_id, key) = (purchase.deal_id, purchase.key);
        let first = *self.keys.entry((deal_id, key)).or_insert(offset);
        expect("I5", first == offset, || format!("{first} and {offset} have one key"))?;
        self.insert(offset, purchase, (status, expires_at));
        self.count(deal_id, purchase.quantity, status, 1)?;
        self.check_limit(deal_id, purchase.customer)
    }

    fn reject(
        &mut self,
        offset: Offset,
        purchase: Option<&PlacePurchase>,
        code: RefusalCode,
    ) -> Check {
        let Some(purchase) = purchase else {
            return expect("I2", false, || format!("{offset} is rejected, and no purchase"));
        };
        self.insert(offset, purchase, (OrderStatus::Rejected, None));
        if order::binds_key(code) {
            let key = (purchase.deal_id, purchase.key);
            let first = *self.keys.entry(key).or_insert(offset);
            expect("I5", first == offset, || {
                format!("{offset} is {code}, but its key is that of {first}")
            })?;
        }
        let left = self.deals.get(&purchase.deal_id).map_or(0, |deal| deal.face.left());
        let is_enough = left >= i64::from(purchase.quantity);
        let is_for_stock = matches!(code, RefusalCode::SoldOut | RefusalCode::InsufficientStock);
        let is_wrong_word = code == RefusalCode::SoldOut && left > 0;
        let is_wrong = is_for_stock && is_enough || is_wrong_word;
        expect("I7", !is_wrong, || {
            format!("{offset} asks for {}, and is {code} with {left} left", purchase.quantity)
        })
    }

    fn insert(
        &mut self,
        offset: Offset,
        purchase: &PlacePurchase,
        (status, expires_at): (OrderStatus, Option<Timestamp>),
    ) {
        let order = Order {
            deal_id: purchase.deal_id,
            customer: purchase.customer,
            quantity: purchase.quantity,
            status,
            expires_at,
            past: vec![(offset + 1, status)],
        };
        self.orders.insert(offset, order);
    }

    /// I9: a status moves forward only.
    fn advance(&mut self, order: Offset, next: OrderStatus, by: Offset) -> Check {
        let Some(found) = self.orders.get_mut(&order) else {
            return expect("I9", false, || format!("{by} changes {order}, which is no order"));
        };
        let before = found.status;
        expect("I9", is_step(before, next), || {
            format!("{by} makes {order} {next:?}, which was {before:?}")
        })?;
        found.status = next;
        found.past.push((by + 1, next));
        let (deal_id, customer, quantity) = (found.deal_id, found.customer, found.quantity);
        self.count(deal_id, quantity, before, -1)?;
        self.count(deal_id, quantity, next, 1)?;
        self.check_limit(deal_id, customer)
    }

    fn count(&mut self, deal_id: DealId, quantity: u32, status: OrderStatus, sign: i64) -> Check {
        let deal = self.face(deal_id)?;
        match status {
            OrderStatus::Held => deal.held += sign * i64::from(quantity),
            OrderStatus::Confirmed => deal.confirmed += sign * i64::from(quantity),
            OrderStatus::Queued
            | OrderStatus::Rejected
            | OrderStatus::Expired
            | OrderStatus::Cancelled => {}
        }
        Ok(())
    }

    /// I8: what a customer holds and owns, added up over all orders.
    fn check_limit(&self, deal_id: DealId, customer: CustomerId) -> Check {
        let own = self.orders.values().filter(|order| {
            (order.deal_id, order.customer) == (deal_id, customer)
                && matches!(order.status, OrderStatus::Held | OrderStatus::Confirmed)
        });
        let units: u32 = own.map(|order| order.quantity).sum();
        let limit = self.deals.get(&deal_id).map_or(0, |deal| deal.face.terms.limit_per_customer);
        expect("I8", units <= limit, || format!("{customer} has {units} of {limit} of {deal_id}"))
    }
}
