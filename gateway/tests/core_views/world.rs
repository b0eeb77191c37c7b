//! A small shop that decides: the histories that views are tested with. Not the decider, only as
//! much of its rules as makes histories that it could have made.

use std::collections::BTreeMap;
use std::time::Duration;

use schemas::http::OrderStatus;
use schemas::id::ClientReference;
use schemas::log::{
    CommandRefused, CommandRepeated, DealAnnounced, DealClosed, DealPaused, DealRescheduled,
    DealRetired, DealTerms, Decision, Event, OrderCancelled, OrderConfirmed, OrderExpired,
    OrderHeld, OrderPaid, OrderRejected, OrderRepeated, Product, RefundDue, RefundSettled,
    RefusalCode, StockAdjusted,
};
use schemas::{CustomerId, DealId, DealKey, Digest, Fingerprint, Money, ProductId, Timestamp};
use uuid::Uuid;

/// Long before and long after every log time of a test.
pub(crate) const OPENS_AT: Timestamp = Timestamp::from_millis(0);
pub(crate) const CLOSES_AT: Timestamp = Timestamp::from_millis(1 << 40);

/// A command, by small numbers; orders are counted from the newest. What does not exist is refused.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Wish {
    Announce { deal: u8, stock: u64, hold_seconds: u32 },
    Buy { deal: u8, customer: u8, key: u8, quantity: u32 },
    Pay { order: usize },
    Cancel { order: usize },
    Expire { order: usize },
    RefundDue { order: usize },
    RefundSettled { order: usize },
    Adjust { deal: u8 },
    Pause { deal: u8 },
    Reschedule { deal: u8 },
    Close { deal: u8 },
    Retire { deal: u8 },
    Repeat,
    Nothing,
}

struct Deal {
    stock_left: u64,
    held: u64,
    hold_seconds: u32,
    keys: BTreeMap<u8, (u64, u32)>,
}

struct Order {
    offset: u64,
    deal: u8,
    quantity: u32,
    status: OrderStatus,
}

/// One partition's truth.
pub(crate) struct World {
    next: u64,
    deals: BTreeMap<u8, Deal>,
    retired: Vec<u8>,
    orders: Vec<Order>,
}

pub(crate) fn product_id(deal: u8) -> ProductId {
    format!("sku-{deal}").parse().unwrap()
}

pub(crate) fn deal_key() -> DealKey {
    "first".parse().unwrap()
}

pub(crate) fn deal_id(deal: u8) -> DealId {
    DealId::of(&product_id(deal), &deal_key())
}

pub(crate) fn customer(number: u8) -> CustomerId {
    CustomerId(Uuid::from_u128(u128::from(number) + 1))
}

/// A key belongs to a customer and a deal; keys here are different for each.
pub(crate) fn key(deal: u8, key: u8) -> Digest {
    Digest::of("test", &[&[deal, key]])
}

pub(crate) fn price() -> Money {
    money(250)
}

fn money(amount: i64) -> Money {
    Money { amount, currency: "EUR".parse().unwrap() }
}

impl World {
    pub(crate) fn new() -> Self {
        Self { next: 1, deals: BTreeMap::new(), retired: Vec::new(), orders: Vec::new() }
    }

    /// Decides the next command.
    pub(crate) fn decide(&mut self, wish: Wish) -> Decision {
        let offset = self.next;
        let log_time = Timestamp::from_millis(i64::try_from(offset * 1_000).unwrap());
        let refused =
            || vec![Event::CommandRefused(CommandRefused { code: RefusalCode::DealNotFound })];
        let events = self.events(wish, offset, log_time).unwrap_or_else(refused);
        self.next += 1;
        Decision { offset, after: offset, log_time, events }
    }

    fn order(&self, from_newest: usize) -> Option<&Order> {
        self.orders.iter().rev().nth(from_newest)
    }

    fn events(&mut self, wish: Wish, offset: u64, log_time: Timestamp) -> Option<Vec<Event>> {
        match wish {
            Wish::Announce { deal, stock, hold_seconds } => {
                self.announce(deal, stock, hold_seconds).map(|event| vec![event])
            }
            Wish::Buy { deal, customer, key, quantity } => {
                let purchase = Purchase { deal, customer, key, quantity, offset, log_time };
                Some(vec![self.buy(&purchase)])
            }
            Wish::Pay { order } => self.pay(order),
            Wish::Cancel { order } => self.give_back(order, OrderStatus::Cancelled),
            Wish::Expire { order } => self.give_back(order, OrderStatus::Expired),
            Wish::RefundDue { order } => {
                let order = self.order(order)?.offset;
                let payment = Digest(u128::from(offset));
                Some(vec![Event::RefundDue(RefundDue { order, payment, money: money(30) })])
            }
            Wish::RefundSettled { order } => {
                let order = self.order(order)?.offset;
                let payment = Digest(u128::from(offset));
                Some(vec![Event::RefundSettled(RefundSettled { order, payment, money: money(10) })])
            }
            Wish::Repeat => Some(vec![Event::CommandRepeated(CommandRepeated { first: 1 })]),
            Wish::Nothing => Some(Vec::new()),
            Wish::Adjust { deal }
            | Wish::Pause { deal }
            | Wish::Reschedule { deal }
            | Wish::Close { deal }
            | Wish::Retire { deal } => self.manage(wish, deal),
        }
    }

    fn announce(&mut self, deal: u8, stock: u64, hold_seconds: u32) -> Option<Event> {
        if self.deals.contains_key(&deal) || self.retired.contains(&deal) {
            return None;
        }
        let keys = BTreeMap::new();
        self.deals.insert(deal, Deal { stock_left: stock, held: 0, hold_seconds, keys });
        let terms = DealTerms {
            product: Product { name: "name".into(), description: "".into(), image_url: None },
            title: "title".into(),
            price: price(),
            stock,
            limit_per_customer: 100,
            opens_at: OPENS_AT,
            closes_at: CLOSES_AT,
            hold_seconds,
        };
        let (product_id, deal_key) = (product_id(deal), deal_key());
        let terms = Box::new(terms);
        Some(Event::DealAnnounced(DealAnnounced {
            deal_id: deal_id(deal),
            product_id,
            deal_key,
            terms,
        }))
    }

    fn manage(&mut self, wish: Wish, number: u8) -> Option<Vec<Event>> {
        let deal_id = deal_id(number);
        let deal = self.deals.get_mut(&number)?;
        let event = match wish {
            Wish::Adjust { .. } => {
                deal.stock_left += 3;
                Event::StockAdjusted(StockAdjusted {
                    deal_id,
                    key: Digest(1),
                    fingerprint: Fingerprint(1),
                    delta: 3,
                    reason_code: "found".parse().unwrap(),
                    stock_left: deal.stock_left,
                })
            }
            Wish::Pause { .. } => Event::DealPaused(DealPaused { deal_id }),
            Wish::Reschedule { .. } => {
                let closes_at = Timestamp::from_millis(CLOSES_AT.as_millis() + 1);
                let opens_at = OPENS_AT;
                Event::DealRescheduled(DealRescheduled { deal_id, opens_at, closes_at })
            }
            Wish::Close { .. } => Event::DealClosed(DealClosed { deal_id }),
            Wish::Retire { .. } if deal.held == 0 => {
                self.deals.remove(&number);
                self.retired.push(number);
                Event::DealRetired(DealRetired { deal_id })
            }
            Wish::Retire { .. }
            | Wish::Announce { .. }
            | Wish::Buy { .. }
            | Wish::Pay { .. }
            | Wish::Cancel { .. }
            | Wish::Expire { .. }
            | Wish::RefundDue { .. }
            | Wish::RefundSettled { .. }
            | Wish::Repeat
            | Wish::Nothing => return None,
        };
        Some(vec![event])
    }

    fn buy(&mut self, purchase: &Purchase) -> Event {
        let Purchase { deal: number, key, quantity, offset, .. } = *purchase;
        let units = u64::from(quantity);
        let mut status = OrderStatus::Rejected;
        let event = match self.deals.get_mut(&number) {
            None => purchase.rejected(RefusalCode::DealNotFound, None),
            Some(deal) => match deal.keys.get(&key) {
                Some(&(first, quantity_then)) if quantity_then == quantity => {
                    return purchase.repeated(first);
                }
                Some(_) => purchase.rejected(RefusalCode::IdempotencyKeyReused, Some(price())),
                None if deal.stock_left < units => {
                    purchase.rejected(RefusalCode::SoldOut, Some(price()))
                }
                None => {
                    deal.stock_left -= units;
                    deal.keys.insert(key, (offset, quantity));
                    if deal.hold_seconds > 0 {
                        deal.held += units;
                        status = OrderStatus::Held;
                        purchase.held(deal)
                    } else {
                        status = OrderStatus::Confirmed;
                        purchase.confirmed(deal)
                    }
                }
            },
        };
        self.orders.push(Order { offset, deal: number, quantity, status });
        event
    }

    fn pay(&mut self, from_newest: usize) -> Option<Vec<Event>> {
        let index = self.orders.len().checked_sub(from_newest + 1)?;
        let order = self.orders.get_mut(index)?;
        let deal = self.deals.get_mut(&order.deal)?;
        let units = u64::from(order.quantity);
        match order.status {
            OrderStatus::Held => deal.held -= units,
            OrderStatus::Expired if deal.stock_left >= units => deal.stock_left -= units,
            OrderStatus::Queued
            | OrderStatus::Rejected
            | OrderStatus::Confirmed
            | OrderStatus::Expired
            | OrderStatus::Cancelled => return None,
        }
        order.status = OrderStatus::Confirmed;
        Some(vec![Event::OrderPaid(OrderPaid {
            deal_id: deal_id(order.deal),
            order: order.offset,
            payment: Digest(u128::from(order.offset) << 70 | 5),
            money: price().times(order.quantity),
            stock_left: deal.stock_left,
            held: deal.held,
        })])
    }

    fn give_back(&mut self, from_newest: usize, status: OrderStatus) -> Option<Vec<Event>> {
        let index = self.orders.len().checked_sub(from_newest + 1)?;
        let order = self.orders.get_mut(index)?;
        let deal = self.deals.get_mut(&order.deal)?;
        if !order.status.may_become(status) || order.status == OrderStatus::Queued {
            return None;
        }
        let units = u64::from(order.quantity);
        if order.status == OrderStatus::Held {
            deal.held -= units;
        }
        deal.stock_left += units;
        order.status = status;
        let (deal_id, order, stock_left, held) =
            (deal_id(order.deal), order.offset, deal.stock_left, deal.held);
        Some(vec![if status == OrderStatus::Expired {
            Event::OrderExpired(OrderExpired { deal_id, order, stock_left, held })
        } else {
            Event::OrderCancelled(OrderCancelled { deal_id, order, stock_left, held })
        }])
    }
}

/// A purchase that is being decided.
struct Purchase {
    deal: u8,
    customer: u8,
    key: u8,
    quantity: u32,
    offset: u64,
    log_time: Timestamp,
}

impl Purchase {
    fn fingerprint(&self) -> Fingerprint {
        Fingerprint(u64::from(self.quantity))
    }

    /// Some have one and some have none.
    fn client_reference(&self) -> Option<ClientReference> {
        (self.quantity == 1).then(|| format!("ref-{}", self.offset).parse().unwrap())
    }

    fn repeated(&self, first: u64) -> Event {
        let (deal_id, customer) = (deal_id(self.deal), customer(self.customer));
        Event::OrderRepeated(OrderRepeated { deal_id, customer, first })
    }

    fn rejected(&self, code: RefusalCode, unit_price: Option<Money>) -> Event {
        Event::OrderRejected(OrderRejected {
            deal_id: deal_id(self.deal),
            customer: customer(self.customer),
            key: key(self.deal, self.key),
            fingerprint: self.fingerprint(),
            quantity: self.quantity,
            unit_price,
            ticket_key: 1,
            purchased_at: self.log_time,
            client_reference: self.client_reference(),
            code,
            retryable: false,
        })
    }

    fn held(&self, deal: &Deal) -> Event {
        Event::OrderHeld(OrderHeld {
            deal_id: deal_id(self.deal),
            customer: customer(self.customer),
            key: key(self.deal, self.key),
            fingerprint: self.fingerprint(),
            quantity: self.quantity,
            unit_price: price(),
            ticket_key: 1,
            purchased_at: self.log_time,
            client_reference: self.client_reference(),
            expires_at: self.log_time.plus(Duration::from_secs(60)),
            stock_left: deal.stock_left,
            held: deal.held,
        })
    }

    fn confirmed(&self, deal: &Deal) -> Event {
        Event::OrderConfirmed(OrderConfirmed {
            deal_id: deal_id(self.deal),
            customer: customer(self.customer),
            key: key(self.deal, self.key),
            fingerprint: self.fingerprint(),
            quantity: self.quantity,
            unit_price: price(),
            ticket_key: 1,
            purchased_at: self.log_time,
            client_reference: self.client_reference(),
            stock_left: deal.stock_left,
            held: deal.held,
        })
    }
}
