//! What a batch of changes leaves to be written: every row once, as it is at the end. Pure, and the
//! same for every database. Must not know how rows are stored.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use schemas::http::OrderStatus;
use schemas::{DealId, Offset, Partition, ProductId};

use crate::fold::{Changes, OrderChange};
use crate::row::{CommandRow, DealRow, OrderRow, ProductRow};

/// Stored rows that a batch of changes builds on, to be read before it is applied.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Needs {
    /// Offsets of orders, ascending.
    pub(crate) orders: Vec<Offset>,
    /// Deals, ascending.
    pub(crate) deals: Vec<DealId>,
}

impl Needs {
    /// What is changed without having been made in the same batch before.
    pub(crate) fn of(changes: &[Changes]) -> Self {
        let (mut orders, mut deals) = (BTreeSet::new(), BTreeSet::new());
        let (mut made_orders, mut made_deals) = (BTreeSet::new(), BTreeSet::new());
        for change in changes {
            match change {
                Changes::Deal(row, _) => {
                    made_deals.insert(row.deal_id);
                }
                Changes::Order(row) => {
                    made_orders.insert(row.position.offset);
                }
                Changes::OrderChanged(offset, _) => {
                    if !made_orders.contains(offset) {
                        orders.insert(*offset);
                    }
                }
                Changes::Counters { deal_id, .. }
                | Changes::Paused(deal_id, _)
                | Changes::Rescheduled(deal_id, ..)
                | Changes::Closed(deal_id)
                | Changes::Retired(deal_id) => {
                    if !made_deals.contains(deal_id) {
                        deals.insert(*deal_id);
                    }
                }
                Changes::Command(_) => {}
            }
        }
        Self { orders: orders.into_iter().collect(), deals: deals.into_iter().collect() }
    }
}

/// Rows to be written, each once, in the order of their keys.
#[derive(Debug)]
pub(crate) struct Batch<'a> {
    log_id: u8,
    partition: Partition,
    pub(crate) orders: BTreeMap<Offset, Cow<'a, OrderRow>>,
    pub(crate) deals: BTreeMap<DealId, Cow<'a, DealRow>>,
    pub(crate) products: BTreeMap<&'a ProductId, &'a ProductRow>,
    pub(crate) commands: BTreeMap<Offset, &'a CommandRow>,
}

impl<'a> Batch<'a> {
    /// A batch of one partition that builds on the stored rows that it [`Needs`], as far as there
    /// are such rows.
    pub(crate) fn new(
        log_id: u8,
        partition: Partition,
        orders: Vec<OrderRow>,
        deals: Vec<DealRow>,
    ) -> Self {
        let orders = orders.into_iter().map(|row| (row.position.offset, Cow::Owned(row)));
        let deals = deals.into_iter().map(|row| (row.deal_id, Cow::Owned(row)));
        Self {
            log_id,
            partition,
            orders: orders.collect(),
            deals: deals.collect(),
            products: BTreeMap::new(),
            commands: BTreeMap::new(),
        }
    }

    /// Lays one change over the rows.
    ///
    /// # Errors
    /// Says what the stored rows lack or contradict: they are not what was projected.
    ///
    /// # Panics
    /// If a row is of another partition or log: that is the caller's bug.
    pub(crate) fn apply(&mut self, change: &'a Changes) -> Result<(), Box<str>> {
        match change {
            Changes::Deal(deal, product) => {
                assert_eq!((deal.log_id, deal.partition), (self.log_id, self.partition));
                self.deals.insert(deal.deal_id, Cow::Borrowed(deal));
                self.products.insert(&product.product_id, product);
            }
            Changes::Order(row) => {
                assert_eq!((row.log_id, row.position.partition), (self.log_id, self.partition));
                self.orders.insert(row.position.offset, Cow::Borrowed(row));
            }
            Changes::Command(row) => {
                assert_eq!((row.log_id, row.position.partition), (self.log_id, self.partition));
                self.commands.insert(row.position.offset, row);
            }
            Changes::OrderChanged(offset, change) => return self.change_order(*offset, *change),
            Changes::Counters { deal_id, stock_left, held, adjusted } => {
                let deal = self.deal(*deal_id)?;
                deal.stock_left = *stock_left;
                deal.held = held.unwrap_or(deal.held);
                deal.adjusted += adjusted;
            }
            Changes::Paused(deal_id, paused) => self.deal(*deal_id)?.paused = *paused,
            Changes::Rescheduled(deal_id, opens_at, closes_at) => {
                let deal = self.deal(*deal_id)?;
                (deal.terms.opens_at, deal.terms.closes_at) = (*opens_at, *closes_at);
            }
            Changes::Closed(deal_id) => self.deal(*deal_id)?.closed = true,
            Changes::Retired(deal_id) => self.deal(*deal_id)?.retired = true,
        }
        Ok(())
    }

    /// A payment may name a position where no order stands; what it causes is nobody's row.
    fn change_order(&mut self, offset: Offset, change: OrderChange) -> Result<(), Box<str>> {
        let Some(row) = self.orders.get_mut(&offset) else { return Ok(()) };
        if let Some(next) = next_status(change)
            && !row.status.may_become(next)
        {
            let (partition, status) = (self.partition, row.status.as_str());
            let next = next.as_str();
            return Err(format!("order {partition}/{offset} is {status}, not to be {next}").into());
        }
        row.to_mut().change(change);
        Ok(())
    }

    fn deal(&mut self, deal_id: DealId) -> Result<&mut DealRow, Box<str>> {
        let missing = || format!("there is no row of deal {deal_id}");
        Ok(self.deals.get_mut(&deal_id).ok_or_else(missing)?.to_mut())
    }
}

/// The status that a change leads to, if it changes the status.
fn next_status(change: OrderChange) -> Option<OrderStatus> {
    match change {
        OrderChange::Paid(_) => Some(OrderStatus::Confirmed),
        OrderChange::Expired => Some(OrderStatus::Expired),
        OrderChange::Cancelled => Some(OrderStatus::Cancelled),
        OrderChange::RefundDue(_) | OrderChange::RefundSettled(_) => None,
    }
}
