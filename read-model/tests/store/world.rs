//! A small world that says what a decider could say: wishes in, decisions out whose events fit
//! together. It knows no store.

use schemas::http::OrderStatus;
use schemas::log::{
    CommandRefused, CommandRepeated, DealAnnounced, DealClosed, DealPaused, DealRescheduled,
    DealResumed, DealRetired, DealTerms, Decision, Event, OrderCancelled, OrderConfirmed,
    OrderExpired, OrderHeld, OrderPaid, OrderRejected, OrderRepeated, Product, RefundDue,
    RefundSettled, RefusalCode, StockAdjusted, Unreadable,
};
use schemas::{CustomerId, DealId, Digest, Fingerprint, Money, Offset, Timestamp};
use uuid::Uuid;

pub(crate) const STOCK: u64 = 1_000;

/// A kind of command and two numbers to choose by.
pub(crate) type Wish = (u8, u16, u16);

struct Deal {
    id: DealId,
    number: u16,
    stock_left: u64,
    held: u64,
    retired: bool,
}

struct Order {
    offset: Offset,
    deal: usize,
    quantity: u32,
    status: OrderStatus,
}

/// One partition, decision by decision.
pub(crate) struct World {
    next: Offset,
    deals: Vec<Deal>,
    orders: Vec<Order>,
}

pub(crate) fn money(amount: i64) -> Money {
    Money { amount, currency: "EUR".parse().unwrap() }
}

pub(crate) fn customer(number: u16) -> CustomerId {
    CustomerId(Uuid::from_u128(0xc0 << 64 | u128::from(number)))
}

pub(crate) fn deal_id(number: u16) -> DealId {
    let Event::DealAnnounced(event) = announced(number, 0) else { unreachable!() };
    event.deal_id
}

/// The announcement of a deal; another `edition` says something else.
pub(crate) fn announced(number: u16, edition: u16) -> Event {
    let product_id = format!("sku-{number}").parse().unwrap();
    let deal_key = "spring".parse().unwrap();
    let picture = || format!("https://shop.example/{edition}.png").into();
    let product = Product {
        name: format!("Lamp {edition}").into(),
        description: "Leuchtet – 빛난다".into(),
        image_url: edition.is_multiple_of(2).then(picture),
    };
    let terms = DealTerms {
        product,
        title: format!("Lamp {number} for less").into(),
        price: money(1_990),
        stock: STOCK + u64::from(edition),
        limit_per_customer: 5,
        opens_at: Timestamp::from_millis(1_000),
        closes_at: Timestamp::from_millis(9_000_000),
        hold_seconds: 60,
    };
    let deal_id = DealId::of(&product_id, &deal_key);
    Event::DealAnnounced(DealAnnounced { deal_id, product_id, deal_key, terms: Box::new(terms) })
}

impl World {
    /// A world in which nothing was decided; its first command stands at offset 1.
    pub(crate) fn new() -> Self {
        Self { next: 1, deals: Vec::new(), orders: Vec::new() }
    }

    /// The decision on the next command.
    pub(crate) fn decide(&mut self, wish: Wish) -> Decision {
        let offset = self.next;
        self.next += 1;
        let events = self.events(offset, wish);
        let log_time = Timestamp::from_millis(10_000 + i64::try_from(offset).unwrap() * 10);
        Decision { offset, after: offset, log_time, events }
    }

    fn events(&mut self, offset: Offset, (kind, a, b): Wish) -> Vec<Event> {
        match kind % 20 {
            0 => self.announce(a % 4, b),
            1..=4 => self.hold(offset, a, b),
            5 | 6 => self.confirm(offset, a, b),
            7 => vec![self.reject(a, b)],
            8..=10 => self.change(a, &[OrderStatus::Confirmed]),
            11 => self.change(a, &[OrderStatus::Expired, OrderStatus::Confirmed]),
            12 => self.change(a, &[OrderStatus::Cancelled]),
            13 => self.expire_all(),
            14 => vec![self.refund(a, b, false)],
            15 => vec![self.refund(a, b, true)],
            16 => self.adjust(a, b),
            17 => self.administer(a, b),
            18 => vec![self.answer(a, b)],
            _ => self.retire(a, b),
        }
    }

    /// Replaces the deal as long as nobody has bought.
    fn announce(&mut self, number: u16, edition: u16) -> Vec<Event> {
        let stock_left = STOCK + u64::from(edition);
        let id = deal_id(number);
        match self.deals.iter().position(|deal| deal.number == number) {
            Some(index) if self.orders.iter().any(|order| order.deal == index) => {
                return vec![refused(RefusalCode::DealAlreadyOpen)];
            }
            Some(index) => {
                self.deals[index] = Deal { id, number, stock_left, held: 0, retired: false };
            }
            None => self.deals.push(Deal { id, number, stock_left, held: 0, retired: false }),
        }
        vec![announced(number, edition)]
    }

    fn pick_deal(&self, a: u16) -> Option<usize> {
        let live: Vec<_> = (0..self.deals.len()).filter(|it| !self.deals[*it].retired).collect();
        (!live.is_empty()).then(|| live[usize::from(a) % live.len()])
    }

    fn hold(&mut self, offset: Offset, a: u16, b: u16) -> Vec<Event> {
        let Some(index) = self.pick_deal(a) else { return vec![self.reject(a, b)] };
        let quantity = u32::from(b % 3) + 1;
        let deal = &mut self.deals[index];
        deal.stock_left -= u64::from(quantity);
        deal.held += u64::from(quantity);
        let event = OrderHeld {
            deal_id: deal.id,
            customer: customer(b % 7),
            key: Digest(u128::from(offset) << 100),
            fingerprint: Fingerprint(u64::MAX - offset),
            quantity,
            unit_price: money(1_990),
            ticket_key: 1,
            purchased_at: Timestamp::from_millis(5_000 + i64::from(a % 16)),
            client_reference: b.is_multiple_of(2).then(|| format!("ref-{b}").parse().unwrap()),
            expires_at: Timestamp::from_millis(99_000),
            stock_left: deal.stock_left,
            held: deal.held,
        };
        self.orders.push(Order { offset, deal: index, quantity, status: OrderStatus::Held });
        vec![Event::OrderHeld(event)]
    }

    fn confirm(&mut self, offset: Offset, a: u16, b: u16) -> Vec<Event> {
        let Some(index) = self.pick_deal(a) else { return vec![self.reject(a, b)] };
        let deal = &mut self.deals[index];
        deal.stock_left -= 1;
        let event = OrderConfirmed {
            deal_id: deal.id,
            customer: customer(b % 7),
            key: Digest(u128::from(offset)),
            fingerprint: Fingerprint(offset),
            quantity: 1,
            unit_price: money(1_990),
            ticket_key: u16::MAX,
            purchased_at: Timestamp::from_millis(5_000 + i64::from(a % 16)),
            client_reference: None,
            stock_left: deal.stock_left,
            held: deal.held,
        };
        let status = OrderStatus::Confirmed;
        self.orders.push(Order { offset, deal: index, quantity: 1, status });
        vec![Event::OrderConfirmed(event)]
    }

    fn reject(&self, a: u16, b: u16) -> Event {
        let index = self.pick_deal(a);
        Event::OrderRejected(OrderRejected {
            deal_id: index.map_or(deal_id(77), |index| self.deals[index].id),
            customer: customer(b % 7),
            key: Digest(3),
            fingerprint: Fingerprint(4),
            quantity: 9,
            unit_price: index.map(|_| money(1_990)),
            ticket_key: 2,
            purchased_at: Timestamp::from_millis(5_000 + i64::from(a % 16)),
            client_reference: None,
            code: index.map_or(RefusalCode::DealNotFound, |_| RefusalCode::SoldOut),
            retryable: b.is_multiple_of(2),
        })
    }

    /// Takes an order that can go through `path` on its way.
    fn change(&mut self, a: u16, path: &[OrderStatus]) -> Vec<Event> {
        let able = |order: &&mut Order| {
            order.status.may_become(path[0]) && !self.deals[order.deal].retired
        };
        let mut able: Vec<_> = self.orders.iter_mut().filter(able).collect();
        if able.is_empty() {
            return vec![refused(RefusalCode::OrderNotFound)];
        }
        let index = usize::from(a) % able.len();
        let order = &mut *able[index];
        path.iter().map(|next| step(order, &mut self.deals[order.deal], *next)).collect()
    }

    fn expire_all(&mut self) -> Vec<Event> {
        let Self { orders, deals, .. } = self;
        let held = orders.iter_mut().filter(|order| order.status == OrderStatus::Held);
        held.map(|order| step(order, &mut deals[order.deal], OrderStatus::Expired)).collect()
    }

    /// For any position: an order's, a command's, or none at all.
    fn refund(&self, a: u16, b: u16, settled: bool) -> Event {
        let order = u64::from(a) % (self.next + 2);
        let (payment, mut money) = (Digest(u128::from(b)), money(i64::from(b)));
        if b.is_multiple_of(5) {
            money.currency = "KRW".parse().unwrap();
        }
        if settled {
            Event::RefundSettled(RefundSettled { order, payment, money })
        } else {
            Event::RefundDue(RefundDue { order, payment, money })
        }
    }

    fn adjust(&mut self, a: u16, b: u16) -> Vec<Event> {
        let Some(index) = self.pick_deal(a) else { return Vec::new() };
        let deal = &mut self.deals[index];
        let delta = i64::from(b % 9) - 4;
        deal.stock_left = deal.stock_left.checked_add_signed(delta).unwrap();
        vec![Event::StockAdjusted(StockAdjusted {
            deal_id: deal.id,
            key: Digest(1),
            fingerprint: Fingerprint(1),
            delta,
            reason_code: "count".parse().unwrap(),
            stock_left: deal.stock_left,
        })]
    }

    fn administer(&self, a: u16, b: u16) -> Vec<Event> {
        let Some(index) = self.pick_deal(a) else { return Vec::new() };
        let deal_id = self.deals[index].id;
        let at = |millis: u16| Timestamp::from_millis(i64::from(millis));
        let (opens_at, closes_at) = (at(b), at(b.saturating_add(9)));
        vec![match b % 4 {
            0 => Event::DealPaused(DealPaused { deal_id }),
            1 => Event::DealResumed(DealResumed { deal_id }),
            2 => Event::DealRescheduled(DealRescheduled { deal_id, opens_at, closes_at }),
            _ => Event::DealClosed(DealClosed { deal_id }),
        }]
    }

    fn answer(&self, a: u16, b: u16) -> Event {
        let first = self.orders.first().map_or(1, |order| order.offset);
        match b % 4 {
            0 => refused(RefusalCode::ALL[usize::from(a) % RefusalCode::ALL.len()]),
            1 => Event::CommandRepeated(CommandRepeated { first }),
            2 => Event::Unreadable(Unreadable {}),
            _ => {
                let (deal_id, customer) = (deal_id(0), customer(a % 7));
                Event::OrderRepeated(OrderRepeated { deal_id, customer, first })
            }
        }
    }

    /// Seldom, and only a deal without holds.
    fn retire(&mut self, a: u16, b: u16) -> Vec<Event> {
        let Some(index) = self.pick_deal(a).filter(|_| b.is_multiple_of(3)) else {
            return Vec::new();
        };
        let deal = &mut self.deals[index];
        if deal.held > 0 {
            return Vec::new();
        }
        deal.retired = true;
        vec![Event::DealRetired(DealRetired { deal_id: deal.id })]
    }
}

pub(crate) fn refused(code: RefusalCode) -> Event {
    Event::CommandRefused(CommandRefused { code })
}

fn step(order: &mut Order, deal: &mut Deal, next: OrderStatus) -> Event {
    let quantity = u64::from(order.quantity);
    match order.status {
        OrderStatus::Held => deal.held -= quantity,
        OrderStatus::Expired => deal.stock_left -= quantity,
        OrderStatus::Confirmed => {}
        OrderStatus::Queued | OrderStatus::Rejected | OrderStatus::Cancelled => unreachable!(),
    }
    order.status = next;
    let (deal_id, order) = (deal.id, order.offset);
    if next == OrderStatus::Confirmed {
        let (stock_left, held) = (deal.stock_left, deal.held);
        let (payment, money) = (Digest(u128::from(order)), money(1_990));
        return Event::OrderPaid(OrderPaid { deal_id, order, payment, money, stock_left, held });
    }
    deal.stock_left += quantity;
    let (stock_left, held) = (deal.stock_left, deal.held);
    if next == OrderStatus::Expired {
        Event::OrderExpired(OrderExpired { deal_id, order, stock_left, held })
    } else {
        Event::OrderCancelled(OrderCancelled { deal_id, order, stock_left, held })
    }
}
