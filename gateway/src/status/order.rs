//! Orders and commands: what the view has, else the read model's row with the view's newer changes
//! laid over it.

use std::collections::BTreeMap;

use read_model::{CommandRow, OrderCursor, OrderFilter, OrderRow, StoreError};
use sabotage::Bug;
use schemas::http::{ProblemCode, Queue};
use schemas::log::{FilterState, RefusalCode};
use schemas::{CustomerId, Offset, Partition, Position};

use super::{Shared, StatusView};
use crate::answer::QueuedPurchase;
use crate::ticket::Ticket;
use crate::view::Known;

/// Most orders of a partition that are looked at for those that the read model lacks.
const SCAN_MAX: usize = 100_000;

/// The state of its partition that an answer is as of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AsOf {
    /// Next command to decide: what `Timedeal-Seen` says.
    pub decided_next: Offset,
    /// Next decision to read.
    pub read_offset: Offset,
}

impl AsOf {
    fn of(filter: &FilterState) -> Self {
        Self { decided_next: filter.decided_next, read_offset: filter.read_offset }
    }
}

/// An answer and what it is as of; none for another log than the view's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answered<T> {
    /// The answer.
    pub state: T,
    /// What it is as of.
    pub as_of: Option<AsOf>,
}

/// What became of a purchase.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OrderState {
    /// Not decided yet.
    Queued {
        /// Its place.
        queue: Queue,
        /// The purchase, if this gateway let it in.
        purchase: Option<Box<QueuedPurchase>>,
    },
    /// Decided.
    Decided(Box<OrderRow>),
    /// Came again under its key: the order whose purchase stands there is the answer.
    Repeat(Position),
    /// What stands there is decided and no order.
    NotAnOrder,
}

/// What became of a command other than a purchase.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CommandState {
    /// Not decided yet.
    Queued(Queue),
    /// Done, or nothing was left to do.
    Accepted,
    /// Refused.
    Refused(RefusalCode),
    /// Came again under its key: the command that stands there is the answer.
    Repeat(Position),
    /// What stands there is a purchase that became an order.
    NotACommand,
}

/// Orders of a customer, newest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrdersPage {
    /// The orders.
    pub rows: Vec<OrderRow>,
    /// Where the next page begins; none if this is the last.
    pub next: Option<OrderCursor>,
    /// `decided_next` of the partitions of this log that the rows are as of, by partition.
    pub seen: Vec<(Partition, Offset)>,
}

impl StatusView {
    /// The order of a ticket.
    ///
    /// # Errors
    /// `order-not-found` (another log's only: a ticket of this log was issued), `view-behind`,
    /// `history-unavailable`.
    pub async fn order(&self, ticket: &Ticket) -> Result<Answered<OrderState>, ProblemCode> {
        self.order_at(ticket.log_id, ticket.position).await
    }

    /// The order whose purchase stands there.
    ///
    /// # Errors
    /// As [`StatusView::order`].
    pub async fn order_at(
        &self,
        log_id: u8,
        position: Position,
    ) -> Result<Answered<OrderState>, ProblemCode> {
        let shared = &*self.shared;
        let own = shared.tracked(position.partition).filter(|_| log_id == shared.log_id);
        let Some(tracked) = own else { return shared.old_order(log_id, position).await };
        let (known, as_of, purchase) = {
            let state = tracked.read();
            let purchase = state.queued.get(&position.offset).cloned().map(Box::new);
            (state.view.look(position.offset), AsOf::of(state.view.filter()), purchase)
        };
        let state = match known {
            Known::Queued { .. } => OrderState::Queued { queue: self.queue(position), purchase },
            Known::Order(row) => OrderState::Decided(row),
            Known::Command(row) => order_state(&row),
            Known::Stored(_) => return shared.stored_order(position).await,
        };
        Ok(Answered { state, as_of: Some(as_of) })
    }

    /// The command of a ticket.
    ///
    /// # Errors
    /// As [`StatusView::order`], with `not-found` for another log's.
    pub async fn command(&self, ticket: &Ticket) -> Result<Answered<CommandState>, ProblemCode> {
        self.command_at(ticket.log_id, ticket.position).await
    }

    /// The command that stands there.
    ///
    /// # Errors
    /// As [`StatusView::command`].
    pub async fn command_at(
        &self,
        log_id: u8,
        position: Position,
    ) -> Result<Answered<CommandState>, ProblemCode> {
        let shared = &*self.shared;
        let own = shared.tracked(position.partition).filter(|_| log_id == shared.log_id);
        let Some(tracked) = own else {
            let row = shared.store.command(log_id, position).await.map_err(unavailable)?;
            let row = row.ok_or(ProblemCode::NotFound)?;
            return Ok(Answered { state: command_state(&row), as_of: None });
        };
        let (known, as_of) = {
            let state = tracked.read();
            (state.view.look(position.offset), AsOf::of(state.view.filter()))
        };
        let state = match known {
            Known::Queued { .. } => CommandState::Queued(self.queue(position)),
            Known::Order(_) => CommandState::NotACommand,
            Known::Command(row) => command_state(&row),
            Known::Stored(_) => {
                match shared.store.command(log_id, position).await.map_err(unavailable)? {
                    Some(row) => command_state(&row),
                    None => match shared.stored_order(position).await?.state {
                        OrderState::Decided(_) => CommandState::NotACommand,
                        // It has come into the read model just now.
                        OrderState::Queued { .. }
                        | OrderState::Repeat(_)
                        | OrderState::NotAnOrder => return Err(ProblemCode::ViewBehind),
                    },
                }
            }
        };
        Ok(Answered { state, as_of: Some(as_of) })
    }

    /// A page of a customer's orders: what the read model has, lifted by newer events, and the
    /// orders that it lacks. With a status, those that the read model has in it and that still are.
    ///
    /// # Errors
    /// `view-behind`, `history-unavailable`.
    pub async fn orders_of(
        &self,
        customer: CustomerId,
        filter: OrderFilter,
    ) -> Result<OrdersPage, ProblemCode> {
        let shared = &*self.shared;
        let limit = usize::try_from(filter.limit).unwrap_or(usize::MAX);
        // Before the store is asked, so that what it lacks is at least what is taken from here.
        let (mut rows, committed) = shared.recent_orders(customer);
        let stored = shared.store.orders_of(customer, filter).await.map_err(unavailable)?;
        let is_full = stored.len() >= limit;
        rows.retain(|row| filter.after.is_none_or(|after| key(row) < cursor_key(&after)));
        rows.retain(|row| stored.iter().all(|other| key(other) != key(row)));
        rows.extend(stored);
        rows.sort_unstable_by_key(|row| std::cmp::Reverse(key(row)));
        let has_more = is_full || rows.len() > limit;
        rows.truncate(limit);
        let next = rows.last().filter(|_| has_more).map(|row| OrderCursor {
            purchased_at: row.purchased_at,
            log_id: row.log_id,
            position: row.position,
        });
        // After the store was asked: no row is newer than this.
        let projected = shared.projected().await?;
        let mut seen = BTreeMap::<Partition, Offset>::new();
        for row in &mut rows {
            let index = usize::from(row.position.partition);
            let bounds = committed.get(index).zip(projected.get(index));
            let Some((&committed, &projected)) = bounds.filter(|_| row.log_id == shared.log_id)
            else {
                continue;
            };
            let decided_next = shared.lift(row, committed, projected).await?;
            let highest = seen.entry(row.position.partition).or_default();
            *highest = decided_next.max(*highest);
        }
        rows.retain(|row| filter.status.is_none_or(|status| row.status == status));
        Ok(OrdersPage { rows, next, seen: seen.into_iter().collect() })
    }
}

impl Shared {
    /// An order that the view does not have: the store's row as of the projection that was read
    /// with it, and the changes that were decided since. Rows may be older or newer than the view.
    async fn stored_order(&self, position: Position) -> Result<Answered<OrderState>, ProblemCode> {
        let tracked = self.tracked(position.partition).ok_or(ProblemCode::OrderNotFound)?;
        // Before the store is asked: changes leave the view once the store has them.
        let (known, viewed, committed) = {
            let state = tracked.read();
            let known = state.view.look(position.offset);
            (known, AsOf::of(state.view.filter()), state.view.committed())
        };
        let stored = self.store.order_as_of(self.log_id, position).await;
        let (projection, row) = stored.map_err(unavailable)?;
        let projected = projection.map(|row| row.filter).unwrap_or_default();
        if projected.decided_next < committed {
            // A read model restored from older days: what it had was let go of here.
            return Err(ProblemCode::ViewBehind);
        }
        let is_newer = projected.decided_next > viewed.decided_next;
        let as_of = Some(if is_newer { AsOf::of(&projected) } else { viewed });
        let state = match (row, known) {
            (_, Known::Order(row)) if !is_newer => OrderState::Decided(row),
            (Some(mut row), known) => {
                let changes = if let Known::Stored(changes) = known { changes } else { Vec::new() };
                let newer = changes.into_iter().filter(|(at, _)| *at >= projected.decided_next);
                if !sabotage::is_planted(Bug::StatusGoingBack) {
                    newer.for_each(|(_, change)| row.change(change));
                }
                OrderState::Decided(Box::new(row))
            }
            (None, _) => self.stored_repeat(position, &projected).await?,
        };
        Ok(Answered { state, as_of })
    }

    /// What is no order in the store: a repeat or another command, or something is behind.
    async fn stored_repeat(
        &self,
        position: Position,
        projected: &FilterState,
    ) -> Result<OrderState, ProblemCode> {
        let row = self.store.command(self.log_id, position).await.map_err(unavailable)?;
        match row {
            Some(row) => Ok(order_state(&row)),
            None if projected.decided_next <= position.offset => Err(ProblemCode::ViewBehind),
            None => {
                tracing::error!(%position, "the read model has no row of a command it has passed");
                Err(ProblemCode::HistoryUnavailable)
            }
        }
    }

    /// An order of another log: the read model has the last word.
    async fn old_order(
        &self,
        log_id: u8,
        position: Position,
    ) -> Result<Answered<OrderState>, ProblemCode> {
        let row = self.store.order(log_id, position).await.map_err(unavailable)?;
        let state = match row {
            Some(row) => OrderState::Decided(Box::new(row)),
            None => {
                let row = self.store.command(log_id, position).await.map_err(unavailable)?;
                order_state(&row.ok_or(ProblemCode::OrderNotFound)?)
            }
        };
        Ok(Answered { state, as_of: None })
    }

    /// Orders of a customer that the read model may lack, and what it is known to have committed
    /// of each partition.
    fn recent_orders(&self, customer: CustomerId) -> (Vec<OrderRow>, Vec<Offset>) {
        let (mut rows, mut committed) = (Vec::new(), Vec::new());
        for tracked in &self.partitions {
            let state = tracked.read();
            let from = state.view.committed();
            rows.extend(state.view.orders_of(customer, from, SCAN_MAX));
            committed.push(from);
        }
        (rows, committed)
    }

    /// `decided_next` of the read model by partition.
    async fn projected(&self) -> Result<Vec<Offset>, ProblemCode> {
        let mut projected = vec![0; self.partitions.len()];
        for row in self.store.projections(self.log_id).await.map_err(unavailable)? {
            if let Some(decided_next) = projected.get_mut(usize::from(row.partition)) {
                *decided_next = row.filter.decided_next;
            }
        }
        Ok(projected)
    }

    /// Makes a row that the read model gave as new as the view, or newer; tells the `decided_next`
    /// that it is as of. The read model had `committed` before it gave the row, and no more than
    /// `projected` when it did.
    async fn lift(
        &self,
        row: &mut OrderRow,
        committed: Offset,
        projected: Offset,
    ) -> Result<Offset, ProblemCode> {
        let position = row.position;
        let tracked = self.tracked(position.partition).ok_or(ProblemCode::ViewBehind)?;
        let (known, viewed, committed_now) = {
            let state = tracked.read();
            (state.view.look(position.offset), state.decided_next(), state.view.committed())
        };
        match known {
            Known::Order(in_view) if *in_view == *row => return Ok(viewed),
            // Nothing has changed since, as far as the view goes, and nothing was let go of.
            Known::Stored(changes) if changes.is_empty() && committed_now == committed => {
                return Ok(viewed.max(projected));
            }
            Known::Order(_) | Known::Stored(_) | Known::Queued { .. } | Known::Command(_) => {}
        }
        // Which of the two is newer only the row's projection tells.
        let (stored, as_of) = match self.stored_order(position).await? {
            Answered { state: OrderState::Decided(stored), as_of: Some(as_of) } => (stored, as_of),
            Answered { .. } => return Err(ProblemCode::ViewBehind),
        };
        *row = *stored;
        Ok(as_of.decided_next)
    }
}

/// The order of a customer's orders, ascending.
fn key(row: &OrderRow) -> (schemas::Timestamp, u8, Position) {
    (row.purchased_at, row.log_id, row.position)
}

fn cursor_key(cursor: &OrderCursor) -> (schemas::Timestamp, u8, Position) {
    (cursor.purchased_at, cursor.log_id, cursor.position)
}

fn order_state(row: &CommandRow) -> OrderState {
    let partition = row.position.partition;
    match row.first {
        Some(offset) => OrderState::Repeat(Position { partition, offset }),
        None => OrderState::NotAnOrder,
    }
}

fn command_state(row: &CommandRow) -> CommandState {
    let partition = row.position.partition;
    match (row.refusal, row.first) {
        (Some(code), _) => CommandState::Refused(code),
        (None, Some(offset)) => CommandState::Repeat(Position { partition, offset }),
        (None, None) => CommandState::Accepted,
    }
}

fn unavailable(error: StoreError) -> ProblemCode {
    tracing::warn!(%error, "the read model did not answer");
    ProblemCode::HistoryUnavailable
}
