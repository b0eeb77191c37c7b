//! One deal: its terms, its counters, its customers and its orders.

use sabotage::Bug;
use schemas::log::{DealTerms, Product};
use schemas::{CustomerId, DealKey, Digest, Fingerprint, Money, Offset, ProductId, Timestamp};
use serde::{Deserialize, Serialize};

use super::counters::{Counters, Pot};
use super::order::{Binding, Order, Standing};
use super::orders::Orders;
use crate::lookup::{Keyed, Table};

/// The part of an announcement that later decisions depend on.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Terms {
    pub(crate) price: Money,
    pub(crate) limit_per_customer: u32,
    pub(crate) opens_at: Timestamp,
    pub(crate) closes_at: Timestamp,
    pub(crate) hold_seconds: u32,
}

/// A deal that is not retired.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Deal {
    announcement: u128,
    pub(crate) terms: Terms,
    pub(crate) paused: bool,
    /// By command; a deal also closes by time.
    pub(crate) closed: bool,
    announced: u64,
    adjusted: i64,
    counters: Counters,
    pub(crate) orders: Orders,
    customers: Table<Customer>,
    adjustments: Table<Adjustment>,
}

/// A customer who has bought or tried to.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Customer {
    id: CustomerId,
    /// Units held and confirmed: what counts against the limit.
    units: u16,
}

const _: () = assert!(size_of::<Customer>() == 18);

impl Keyed for Customer {
    fn key(&self) -> u128 {
        self.id.0.as_u128()
    }
}

/// The key of an adjustment, and what it answers for.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Adjustment {
    key: u128,
    fingerprint: u64,
    pub(crate) first: Offset,
}

impl Adjustment {
    pub(crate) fn new(key: Digest, fingerprint: Fingerprint, first: Offset) -> Self {
        Self { key: key.0, fingerprint: fingerprint.0, first }
    }

    pub(crate) fn fingerprint(&self) -> Fingerprint {
        Fingerprint(self.fingerprint)
    }
}

impl Keyed for Adjustment {
    fn key(&self) -> u128 {
        self.key
    }
}

/// What tells two announcements of one deal apart.
pub(crate) fn announcement_digest(
    product_id: &ProductId,
    deal_key: &DealKey,
    terms: &DealTerms,
) -> Digest {
    let DealTerms {
        product: Product { name, description, image_url },
        title,
        price: Money { amount, currency },
        stock,
        limit_per_customer,
        opens_at,
        closes_at,
        hold_seconds,
    } = terms;
    let image_url = image_url.as_deref();
    Digest::of(
        "timedeal.announcement",
        &[
            product_id.as_str().as_bytes(),
            deal_key.as_str().as_bytes(),
            name.as_bytes(),
            description.as_bytes(),
            &[u8::from(image_url.is_some())],
            image_url.unwrap_or_default().as_bytes(),
            title.as_bytes(),
            &amount.to_be_bytes(),
            currency.as_str().as_bytes(),
            &stock.to_be_bytes(),
            &limit_per_customer.to_be_bytes(),
            &opens_at.as_millis().to_be_bytes(),
            &closes_at.as_millis().to_be_bytes(),
            &hold_seconds.to_be_bytes(),
        ],
    )
}

impl Deal {
    /// The deal as announced. It keeps of the one it replaces the keys of adjustments, so that none
    /// is made twice; all else starts anew.
    pub(super) fn announced(terms: &DealTerms, digest: Digest, replaced: Option<Self>) -> Self {
        let adjustments = match replaced {
            Some(old) => {
                assert!(!old.closed && old.orders.len() == 0, "replaced before it opened only");
                old.adjustments
            }
            None => Table::default(),
        };
        let extra = sabotage::is_planted(Bug::OversellByOne) && terms.stock.is_multiple_of(7);
        let stock = terms.stock + u64::from(extra);
        let kept = Terms {
            price: terms.price,
            limit_per_customer: terms.limit_per_customer,
            opens_at: terms.opens_at,
            closes_at: terms.closes_at,
            hold_seconds: terms.hold_seconds,
        };
        Self {
            announcement: digest.0,
            terms: kept,
            paused: false,
            closed: false,
            announced: stock,
            adjusted: 0,
            counters: Counters { stock_left: stock, held: 0, confirmed: 0 },
            orders: Orders::default(),
            customers: Table::default(),
            adjustments,
        }
    }

    pub(crate) fn announcement(&self) -> Digest {
        Digest(self.announcement)
    }

    pub(crate) fn counters(&self) -> Counters {
        self.counters
    }

    /// Stock as announced, and the sum of its adjustments.
    pub(crate) fn stock(&self) -> (u64, i64) {
        (self.announced, self.adjusted)
    }

    pub(crate) fn is_open_by(&self, log_time: Timestamp) -> bool {
        log_time >= self.terms.opens_at
    }

    /// Closed either way: by command or by time.
    pub(crate) fn is_closed_by(&self, log_time: Timestamp) -> bool {
        self.closed || log_time >= self.terms.closes_at
    }

    /// The adjustment that answers for `key`.
    pub(crate) fn adjustment(&self, key: Digest) -> Option<&Adjustment> {
        self.adjustments.find(key.0)
    }

    /// Units that a customer holds or owns.
    pub(crate) fn units_of(&self, customer: CustomerId) -> u32 {
        self.customers.find(customer.0.as_u128()).map_or(0, |found| found.units.into())
    }

    /// Whose order it is, and how many units they hold or own.
    pub(crate) fn customer_of(&self, order: &Order) -> (CustomerId, u32) {
        let customer = self.customers.at(order.customer);
        (customer.id, customer.units.into())
    }

    /// Adds an order that stands so.
    pub(super) fn take(&mut self, customer: CustomerId, binding: Binding, standing: Standing) {
        let at = self.customers.position(customer.0.as_u128());
        let at = at.unwrap_or_else(|| {
            let new = Customer { id: customer, units: 0 };
            self.customers.push(new).expect("the customer was just not there")
        });
        self.orders.push(Order::new(binding, at, standing));
        self.shift((Pot::Left, standing.pot()), at, binding.quantity);
    }

    /// Moves the status of an order, and its units with it.
    pub(super) fn stand(&mut self, at: u32, next: Standing) {
        let order = self.orders.at(at);
        let (before, customer, quantity) = (order.standing(), order.customer, order.quantity);
        assert!(before.may_become(next), "I9: {before:?} does not become {next:?}");
        self.orders.stand(at, next);
        self.shift((before.pot(), next.pot()), customer, quantity);
    }

    fn shift(&mut self, (from, to): (Pot, Pot), customer: u32, quantity: u16) {
        if from == to {
            return;
        }
        self.counters = self.counters.moved(from, to, quantity);
        // A unit counts against the limit wherever its customer has it.
        let is_final = |pot| pot == Pot::Confirmed && !sabotage::is_planted(Bug::LeakingLimit);
        let counts = |pot| pot == Pot::Held || is_final(pot);
        let units = &mut self.customers.at_mut(customer).units;
        if counts(to) && !counts(from) {
            *units = units.checked_add(quantity).expect("I8: a limit fits");
            let limit = self.terms.limit_per_customer;
            assert!(u32::from(*units) <= limit, "I8: {units} units, limit {limit}");
        } else if counts(from) && !counts(to) {
            *units = units.checked_sub(quantity).expect("a customer gives back what was counted");
        }
    }

    /// Adds or takes away units for sale.
    pub(super) fn adjust(&mut self, delta: i64, adjustment: Adjustment) {
        let left = self.counters.stock_left.checked_add_signed(delta);
        self.counters.stock_left = left.expect("I1: what is taken away was for sale");
        self.adjusted = self.adjusted.checked_add(delta).expect("stock has a maximum");
        self.adjustments.push(adjustment).expect("a key of an adjustment is bound once");
    }

    /// I1, and that the event said what was counted here.
    pub(super) fn assert_counted(&self, told: (u64, Option<u64>)) {
        assert!(self.is_balanced(), "I1: {:?} of {:?}", self.counters, self.stock());
        let Counters { stock_left, held, confirmed: _ } = self.counters;
        assert_eq!(told.0, stock_left, "the event's stock_left is what is left");
        assert_eq!(told.1.unwrap_or(held), held, "the event's held is what is held");
    }

    fn is_balanced(&self) -> bool {
        let announced = self.announced.checked_add_signed(self.adjusted);
        announced.is_some() && announced == self.counters.total()
    }

    pub(super) fn heap_bytes(&self) -> usize {
        let tables = self.orders.heap_bytes() + self.customers.heap_bytes();
        size_of::<Self>() + tables + self.adjustments.heap_bytes()
    }

    /// Whether this deal, read from a snapshot, can have come about.
    pub(super) fn verify(&self) -> Result<(), &'static str> {
        self.orders.verify()?;
        if !self.is_balanced() {
            return Err("I1 does not hold");
        }
        let mut units = vec![0_u64; self.customers.len() as usize];
        let (mut held, mut confirmed) = (0_u64, 0_u64);
        for order in self.orders.iter() {
            let customer = units.get_mut(order.customer as usize);
            let customer = customer.ok_or("an order's customer is missing")?;
            let quantity = u64::from(order.quantity);
            match order.standing().pot() {
                Pot::Left => continue,
                Pot::Held => held += quantity,
                Pot::Confirmed => confirmed += quantity,
            }
            *customer += quantity;
        }
        if (held, confirmed) != (self.counters.held, self.counters.confirmed) {
            return Err("the counters are not those of the orders");
        }
        let counted = self.customers.iter().map(|customer| u64::from(customer.units));
        if counted.eq(units) { Ok(()) } else { Err("customers' units are not those of the orders") }
    }
}
