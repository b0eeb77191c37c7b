//! The promises, written again without the decider: orders in one list, everything else counted
//! from it anew each time.

use std::collections::{BTreeMap, BTreeSet};

use decider::{OrderStatus, State};
use schemas::log::{Command, Decision, Event, OrderRejected, RefusalCode};
use schemas::{CustomerId, DealId, Digest, Offset, Timestamp};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Status {
    Rejected,
    Held(Timestamp),
    Confirmed(Option<Digest>),
    Expired,
    Cancelled,
}

#[derive(Clone, Debug)]
struct Order {
    deal_id: DealId,
    customer: CustomerId,
    key: Digest,
    quantity: u32,
    status: Status,
}

#[derive(Clone, Debug)]
struct Deal {
    stock: i128,
    limit: u32,
    closes_at: Timestamp,
}

/// What the events so far add up to.
#[derive(Clone, Debug, Default)]
pub(crate) struct Auditor {
    deals: BTreeMap<DealId, Deal>,
    orders: BTreeMap<Offset, Order>,
    refunds: BTreeSet<Digest>,
    log_time: Timestamp,
}

impl Auditor {
    #[track_caller]
    pub(crate) fn audit(&mut self, command: &Command, decision: &Decision) {
        assert!(self.log_time <= decision.log_time, "log time fell");
        assert!(decision.events.len() <= schemas::limits::EVENTS_MAX);
        self.log_time = decision.log_time;
        for event in &decision.events {
            self.take(event, decision);
        }
        if let Command::RecordPayment(command) = command {
            self.assert_looked_at(command.order);
        }
        if let Command::PlacePurchase(command) = command {
            let outcomes = decision.events.iter().filter(|event| is_outcome(event)).count();
            assert_eq!(outcomes, 1, "I2: a purchase has one outcome");
            let units = decision.events.iter().map(units_taken).sum::<u32>();
            assert!(units == 0 || units == command.quantity, "all or nothing");
        }
    }

    #[track_caller]
    fn take(&mut self, event: &Event, decision: &Decision) {
        let offset = decision.offset;
        match event {
            Event::DealAnnounced(event) => {
                assert!(!self.orders.values().any(|order| order.deal_id == event.deal_id));
                let limit = event.terms.limit_per_customer;
                let (stock, closes_at) = (event.terms.stock.into(), event.terms.closes_at);
                self.deals.insert(event.deal_id, Deal { stock, limit, closes_at });
            }
            Event::StockAdjusted(event) => {
                self.deals.get_mut(&event.deal_id).unwrap().stock += i128::from(event.delta);
                self.assert_counts(event.deal_id, (event.stock_left, None));
            }
            Event::DealRescheduled(event) => {
                self.deals.get_mut(&event.deal_id).unwrap().closes_at = event.closes_at;
            }
            Event::DealRetired(event) => {
                assert_eq!(self.counted(event.deal_id).1, 0, "retired with holds");
                self.deals.remove(&event.deal_id);
                self.orders.retain(|_, order| order.deal_id != event.deal_id);
            }
            Event::OrderHeld(event) => {
                let (deal_id, customer) = (event.deal_id, event.customer);
                let (key, quantity) = (event.key, event.quantity);
                let status = Status::Held(event.expires_at);
                self.add(offset, Order { deal_id, customer, key, quantity, status });
                self.assert_counts(deal_id, (event.stock_left, Some(event.held)));
            }
            Event::OrderConfirmed(event) => {
                let (deal_id, customer) = (event.deal_id, event.customer);
                let (key, quantity) = (event.key, event.quantity);
                let status = Status::Confirmed(None);
                self.add(offset, Order { deal_id, customer, key, quantity, status });
                self.assert_counts(deal_id, (event.stock_left, Some(event.held)));
            }
            Event::OrderRejected(event) => self.reject(event, offset),
            Event::OrderRepeated(event) => {
                let first = self.orders.get(&event.first).expect("I5: the first order is known");
                assert_eq!((first.deal_id, first.customer), (event.deal_id, event.customer), "I5");
                self.assert_looked_at(event.first);
            }
            Event::OrderPaid(event) => {
                self.step(event.order, Status::Confirmed(Some(event.payment)));
                self.assert_counts(event.deal_id, (event.stock_left, Some(event.held)));
            }
            Event::OrderExpired(event) => {
                self.step(event.order, Status::Expired);
                self.assert_counts(event.deal_id, (event.stock_left, Some(event.held)));
            }
            Event::OrderCancelled(event) => {
                self.step(event.order, Status::Cancelled);
                self.assert_counts(event.deal_id, (event.stock_left, Some(event.held)));
            }
            Event::RefundDue(event) => {
                assert!(self.refunds.insert(event.payment), "a refund is due once a payment");
            }
            Event::DealPaused(_)
            | Event::DealResumed(_)
            | Event::DealClosed(_)
            | Event::PaymentFailed(_)
            | Event::PaymentMismatch(_)
            | Event::RefundSettled(_)
            | Event::CommandRefused(_)
            | Event::CommandRepeated(_)
            | Event::Unreadable(_) => {}
        }
    }

    #[track_caller]
    fn add(&mut self, offset: Offset, order: Order) {
        let same = self.orders.values().any(|other| {
            (other.deal_id, other.customer, other.key) == (order.deal_id, order.customer, order.key)
        });
        assert!(!same, "I5: a key has one order");
        let (deal_id, customer) = (order.deal_id, order.customer);
        assert!(self.orders.insert(offset, order).is_none());
        self.assert_limit(deal_id, customer);
    }

    #[track_caller]
    fn reject(&mut self, event: &OrderRejected, offset: Offset) {
        let OrderRejected { deal_id, customer, key, quantity, code, retryable, .. } = *event;
        let bound = match code {
            RefusalCode::SoldOut | RefusalCode::InsufficientStock => {
                let (stock_left, held) = self.counted(deal_id);
                assert!(stock_left < quantity.into(), "I7: refused with {stock_left} left");
                assert_eq!(stock_left == 0, code == RefusalCode::SoldOut);
                assert_eq!(retryable, stock_left > 0 || held > 0);
                true
            }
            RefusalCode::LimitExceeded => {
                let limit = self.deals[&deal_id].limit;
                assert!(self.units_of(deal_id, customer) + quantity > limit, "I8 stops too early");
                true
            }
            RefusalCode::DealPaused | RefusalCode::DealClosed | RefusalCode::OutOfRange => true,
            RefusalCode::DealNotOpen
            | RefusalCode::DealNotFound
            | RefusalCode::DealRetired
            | RefusalCode::IdempotencyKeyReused => false,
            RefusalCode::OrderNotFound
            | RefusalCode::OrderNotCancellable
            | RefusalCode::DealAlreadyOpen
            | RefusalCode::StockBelowCommitted
            | RefusalCode::PaymentIdReused
            | RefusalCode::Unreadable => panic!("{code} is no refusal of a purchase"),
        };
        if bound {
            let status = Status::Rejected;
            self.add(offset, Order { deal_id, customer, key, quantity: 0, status });
        }
    }

    #[track_caller]
    fn step(&mut self, order: Offset, next: Status) {
        let found = self.orders.get_mut(&order).expect("a status of an order that is known");
        let fits = match (found.status, next) {
            (Status::Held(_), Status::Confirmed(Some(_)) | Status::Cancelled)
            | (Status::Confirmed(_), Status::Cancelled)
            | (Status::Expired, Status::Confirmed(Some(_))) => true,
            (Status::Held(expires_at), Status::Expired) => expires_at <= self.log_time,
            (_, _) => false,
        };
        assert!(fits, "I9: {:?} became {next:?}", found.status);
        found.status = next;
        let (deal_id, customer) = (found.deal_id, found.customer);
        self.assert_limit(deal_id, customer);
    }

    /// Offset, customer, key and units of every order.
    pub(crate) fn orders(&self) -> impl Iterator<Item = (Offset, CustomerId, Digest, u32)> {
        let told = |(offset, order): (&Offset, &Order)| {
            (*offset, order.customer, order.key, order.quantity)
        };
        self.orders.iter().map(told)
    }

    /// Units left and held, counted from the orders.
    fn counted(&self, deal_id: DealId) -> (i128, u64) {
        let (mut left, mut held) = (self.deals[&deal_id].stock, 0);
        for order in self.orders.values().filter(|order| order.deal_id == deal_id) {
            match order.status {
                Status::Held(_) => held += u64::from(order.quantity),
                Status::Confirmed(_) => {}
                Status::Rejected | Status::Expired | Status::Cancelled => continue,
            }
            left -= i128::from(order.quantity);
        }
        (left, held)
    }

    fn units_of(&self, deal_id: DealId, customer: CustomerId) -> u32 {
        let theirs = |order: &&Order| order.deal_id == deal_id && order.customer == customer;
        let taken = |order: &&Order| matches!(order.status, Status::Held(_) | Status::Confirmed(_));
        self.orders.values().filter(theirs).filter(taken).map(|order| order.quantity).sum()
    }

    #[track_caller]
    fn assert_limit(&self, deal_id: DealId, customer: CustomerId) {
        assert!(self.units_of(deal_id, customer) <= self.deals[&deal_id].limit, "I8");
    }

    #[track_caller]
    fn assert_counts(&self, deal_id: DealId, told: (u64, Option<u64>)) {
        let (left, held) = self.counted(deal_id);
        assert!(left >= 0, "I1: oversold by {}", -left);
        assert_eq!((i128::from(told.0), told.1.unwrap_or(held)), (left, held), "I1");
    }

    /// A decision about an order leaves no hold whose time has come.
    #[track_caller]
    fn assert_looked_at(&self, order: Offset) {
        if let Some(Status::Held(expires_at)) = self.orders.get(&order).map(|order| order.status) {
            assert!(expires_at > self.log_time, "decided about a hold that has run out");
        }
    }

    /// The state says of every deal and order what is counted here.
    #[track_caller]
    pub(crate) fn compare(&self, state: &State) {
        assert_eq!(state.log_time(), self.log_time);
        for deal_id in self.deals.keys() {
            let deal = state.deal(deal_id).expect("a deal that is known");
            let (left, held) = self.counted(*deal_id);
            assert_eq!((i128::from(deal.stock_left), deal.held), (left, held));
        }
        for (offset, order) in &self.orders {
            let found = state.order(*offset).expect("an order that is known");
            let status = match found.status {
                OrderStatus::Rejected => Status::Rejected,
                OrderStatus::Held { expires_at } => Status::Held(expires_at),
                OrderStatus::Confirmed { payment } => Status::Confirmed(payment),
                OrderStatus::Expired => Status::Expired,
                OrderStatus::Cancelled => Status::Cancelled,
            };
            assert_eq!((found.quantity, status), (order.quantity, order.status));
            assert_eq!((found.deal_id, found.customer), (order.deal_id, order.customer));
        }
        assert_eq!(state.counts().orders, self.orders.len() as u64);
        let holds = self.orders.iter().filter_map(|(offset, order)| match order.status {
            Status::Held(expires_at) => Some((expires_at, *offset)),
            Status::Rejected | Status::Confirmed(_) | Status::Expired | Status::Cancelled => None,
        });
        assert_eq!(state.next_expiry(), holds.min());
        let closings = self.deals.iter().map(|(deal_id, deal)| (deal.closes_at, *deal_id));
        assert_eq!(state.next_retirement(), closings.min());
    }
}

fn is_outcome(event: &Event) -> bool {
    ["order_held", "order_confirmed", "order_rejected", "order_repeated"].contains(&event.kind())
}

fn units_taken(event: &Event) -> u32 {
    if let Event::OrderHeld(held) = event {
        held.quantity
    } else if let Event::OrderConfirmed(confirmed) = event {
        confirmed.quantity
    } else {
        0
    }
}
