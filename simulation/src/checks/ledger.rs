//! Deals and orders of one partition, counted from the events of the decisions that count: nothing
//! packed, nothing forgotten, every counter added up again.

use std::collections::BTreeMap;

use schemas::http::OrderStatus;
use schemas::log::{Command, DealTerms, Decision, Event, PlacePurchase, RefusalCode};
use schemas::{CustomerId, DealId, Digest, Offset, Partition, Timestamp};

use super::{Check, expect};
use crate::universe::Universe;

/// A deal, as the events tell it.
#[derive(Clone, Debug)]
pub(crate) struct Deal {
    pub(crate) terms: DealTerms,
    pub(crate) adjusted: i64,
    pub(crate) held: i64,
    pub(crate) confirmed: i64,
    pub(crate) paused: bool,
    pub(crate) closed: bool,
    pub(crate) retired: bool,
    /// `decided_next` from which on so much was left, and whether it was paused.
    pub(crate) past: Vec<(Offset, i64, bool)>,
}

/// An order.
#[derive(Clone, Debug)]
pub(crate) struct Order {
    pub(crate) deal_id: DealId,
    pub(crate) customer: CustomerId,
    pub(crate) quantity: u32,
    pub(crate) status: OrderStatus,
    pub(crate) expires_at: Option<Timestamp>,
    /// `decided_next` from which on it had this status.
    pub(crate) past: Vec<(Offset, OrderStatus)>,
}

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
    /// `decided_next` by the virtual time from which on it was so.
    reached: Vec<(u64, Offset)>,
}

impl Deal {
    pub(crate) fn left(&self) -> i64 {
        let stock = i64::try_from(self.terms.stock).expect("stock has a maximum");
        stock + self.adjusted - self.held - self.confirmed
    }
}

impl Ledger {
    pub(crate) fn new(partition: Partition) -> Self {
        let (deals, orders) = (BTreeMap::new(), BTreeMap::new());
        let (keys, repeats) = (BTreeMap::new(), BTreeMap::new());
        Self { partition, deals, orders, keys, repeats, reached: vec![(0, 1)] }
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
        let sold = |deal: &Deal| u64::try_from(deal.confirmed).unwrap_or(0);
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
        let mut outcomes = 0;
        for event in &decision.events {
            universe.count(event.kind());
            outcomes += u32::from(self.event(decision, event, purchase)?);
        }
        expect("I2", outcomes == u32::from(purchase.is_some()), || {
            format!("{outcomes} outcomes: {decision:?} answers {command:?}")
        })?;
        for deal in self.deals.values_mut() {
            let (left, paused) = (deal.left(), deal.paused);
            if deal.past.last().is_none_or(|last| (last.1, last.2) != (left, paused)) {
                deal.past.push((decision.offset + 1, left, paused));
            }
        }
        Ok(())
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
                self.deal(it.deal_id)?.adjusted += it.delta;
                self.compare(it.deal_id, it.stock_left, None)?;
            }
            Event::DealPaused(it) => self.deal(it.deal_id)?.paused = true,
            Event::DealResumed(it) => self.deal(it.deal_id)?.paused = false,
            Event::DealClosed(it) => self.deal(it.deal_id)?.closed = true,
            Event::DealRetired(it) => self.deal(it.deal_id)?.retired = true,
            Event::DealRescheduled(it) => {
                let terms = &mut self.deal(it.deal_id)?.terms;
                (terms.opens_at, terms.closes_at) = (it.opens_at, it.closes_at);
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

    fn announce(&mut self, deal_id: DealId, terms: &DealTerms) -> Check {
        let before = self.deals.get(&deal_id);
        let is_free = before.is_none_or(|deal| deal.held + deal.confirmed == 0);
        expect("I1", is_free, || format!("{deal_id} begins anew after it has sold"))?;
        let past = before.map(|deal| deal.past.clone()).unwrap_or_default();
        let deal = Deal {
            terms: terms.clone(),
            adjusted: 0,
            held: 0,
            confirmed: 0,
            paused: false,
            closed: before.is_some_and(|deal| deal.closed),
            retired: false,
            past,
        };
        self.deals.insert(deal_id, deal);
        Ok(())
    }

    /// I1: what an event says is what adds up, and nothing is sold that is not there.
    fn compare(&mut self, deal_id: DealId, stock_left: u64, held: Option<u64>) -> Check {
        let partition = self.partition;
        let deal = self.deal(deal_id)?;
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
        if binds_key(code) {
            let key = (purchase.deal_id, purchase.key);
            let first = *self.keys.entry(key).or_insert(offset);
            expect("I5", first == offset, || {
                format!("{offset} is {code}, but its key is that of {first}")
            })?;
        }
        let left = self.deals.get(&purchase.deal_id).map_or(0, Deal::left);
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
        let deal = self.deal(deal_id)?;
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
        let limit = self.deals.get(&deal_id).map_or(0, |deal| deal.terms.limit_per_customer);
        expect("I8", units <= limit, || format!("{customer} has {units} of {limit} of {deal_id}"))
    }
}

/// Whether a purchase that is refused so has bound its key: not if the deal is not there, not yet
/// open or gone, nor if the key was bound before.
fn binds_key(code: RefusalCode) -> bool {
    !matches!(
        code,
        RefusalCode::DealNotFound
            | RefusalCode::DealNotOpen
            | RefusalCode::DealRetired
            | RefusalCode::IdempotencyKeyReused
    )
}

/// The steps that a status may take.
pub(crate) fn is_step(before: OrderStatus, next: OrderStatus) -> bool {
    use OrderStatus::{Cancelled, Confirmed, Expired, Held, Queued, Rejected};
    matches!(
        (before, next),
        (Queued, Rejected | Held | Confirmed)
            | (Held, Confirmed | Expired | Cancelled)
            | (Confirmed, Cancelled)
            | (Expired, Confirmed)
    )
}
