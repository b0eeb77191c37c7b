//! I6: the rows equal the fold of the decisions that count up to the `read_offset` that they state.
//! A second ledger goes on no further than the rows have.

use std::collections::{BTreeMap, VecDeque};
use std::fmt::Debug;

use read_model::{CommandRow, DealRow, OrderRow};
use schemas::log::{Command, Decision, FilterState};
use schemas::{Offset, Partition, Position};

use super::ledger::{Face, Ledger, Order, Outcome};
use super::reading::{Mark, Reading};
use super::{Check, expect};
use crate::rows::Rows;
use crate::store::Database;
use crate::universe::Universe;

/// The fold up to where the rows are.
pub(crate) struct Mirror {
    partition: Partition,
    read_offset: Offset,
    ledger: Ledger,
    ahead: VecDeque<(Decision, Option<Command>)>,
    silent: std::sync::Arc<Universe>,
}

impl Mirror {
    pub(crate) fn new(partition: Partition) -> Self {
        let oracle = crate::faults::Oracle::new(0, None);
        let silent = Universe::new(0, oracle, false);
        let (ledger, ahead) = (Ledger::new(partition), VecDeque::new());
        Self { partition, read_offset: 0, ledger, ahead, silent }
    }

    pub(crate) fn remember(&mut self, decision: &Decision, command: Option<Command>) {
        self.ahead.push_back((decision.clone(), command));
    }

    /// Compares the rows, if they have changed.
    pub(crate) fn check(&mut self, database: &Database, reading: &Reading) -> Check {
        let rows = database.rows();
        let Some(filter) = rows.projections.get(&self.partition) else { return Ok(()) };
        let read_offset = filter.read_offset;
        if read_offset == self.read_offset {
            return Ok(());
        }
        expect("I6", read_offset > self.read_offset, || {
            format!("the rows go back from {} to {read_offset}", self.read_offset)
        })?;
        self.read_offset = read_offset;
        let Some(mark) = reading.marks.get(&read_offset) else {
            return expect("I6", false, || {
                format!("the rows are at {read_offset}, beyond the log")
            });
        };
        check_filter(filter, mark)?;
        while self.ahead.front().is_some_and(|(next, _)| next.offset < mark.decided_next) {
            let (decision, command) = self.ahead.pop_front().expect("it was looked at");
            self.ledger.fold(&decision, command.as_ref(), &self.silent)?;
        }
        self.check_each("orders", (&rows.orders, &self.ledger.orders), is_order)?;
        self.check_each("commands", (&rows.commands, &self.ledger.outcomes), is_command)?;
        self.check_deals(&rows)
    }

    /// Whether each row is what became of the command that stands there, and none is missing.
    fn check_each<R: Debug, T: Debug>(
        &self,
        what: &str,
        (rows, known): (&BTreeMap<Position, R>, &BTreeMap<Offset, T>),
        is_it: fn(&R, &T) -> bool,
    ) -> Check {
        let mut pairs = of(self.partition, rows).zip(known);
        pairs.try_for_each(|((at, row), (offset, told))| {
            expect("I6", at.offset == *offset && is_it(row, told), || {
                format!("at {}: {row:?} should be {offset}: {told:?}", self.read_offset)
            })
        })?;
        let found = of(self.partition, rows).count();
        expect("I6", found == known.len(), || {
            format!("{found} {what} in rows, {} in the log", known.len())
        })
    }

    fn check_deals(&self, rows: &Rows) -> Check {
        for (deal_id, deal) in &self.ledger.deals {
            let row = rows.deals.get(deal_id);
            expect("I6", row.is_some_and(|row| is_deal(row, &deal.face)), || {
                format!("at {}: {row:?} should be {deal:?}", self.read_offset)
            })?;
        }
        let deals = rows.deals.values().filter(|row| row.partition == self.partition).count();
        expect("I6", deals == self.ledger.deals.len(), || format!("{deals} deals in rows"))
    }
}

/// Rows of one partition.
fn of<T>(
    partition: Partition,
    rows: &BTreeMap<Position, T>,
) -> impl Iterator<Item = (&Position, &T)> {
    let from = rows.range(Position { partition, offset: 0 }..);
    from.take_while(move |(at, _)| at.partition == partition)
}

fn check_filter(filter: &FilterState, mark: &Mark) -> Check {
    expect("I6", Mark::of(filter) == *mark, || {
        format!("stored with the rows: {filter:?}, in the log: {mark:?}")
    })
}

fn is_order(row: &OrderRow, order: &Order) -> bool {
    (row.deal_id, row.customer, row.quantity, row.status)
        == (order.deal_id, order.customer, order.quantity, order.status)
}

fn is_command(row: &CommandRow, outcome: &Outcome) -> bool {
    (row.refusal, row.first) == (outcome.refusal, outcome.first)
}

/// Whether a row shows a deal as it is.
pub(super) fn is_deal(row: &DealRow, face: &Face) -> bool {
    let counters = (i64::try_from(row.stock_left).ok(), i64::try_from(row.held).ok());
    let flags = (row.paused, row.closed, row.retired);
    counters == (Some(face.left()), Some(face.held))
        && flags == (face.paused, face.closed, face.retired)
        && (row.adjusted, &row.terms) == (face.adjusted, &*face.terms)
}
