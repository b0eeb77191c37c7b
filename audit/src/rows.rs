//! The read model against the fold (I6), both ways: rows that are missing, rows that nobody knows,
//! and fields that differ, by name.

use std::collections::BTreeMap;

use read_model::{CommandRow, DealRow, OrderRow, ProjectionRow, Snapshot};
use schemas::log::FilterState;
use schemas::{Offset, Partition, Position};

use crate::AuditError;
use crate::finding::Findings;
use crate::report::Invariant;
use crate::world::World;

/// Rows of one page.
const PAGE_ROWS: u32 = 4_096;

/// The read model as of one moment.
pub(crate) struct Rows {
    snapshot: Box<dyn Snapshot>,
    projections: BTreeMap<Partition, FilterState>,
    deals: Vec<DealRow>,
    log_id: u8,
}

impl Rows {
    /// Looks at the few rows; the many are read when they are compared.
    pub(crate) async fn of(
        mut snapshot: Box<dyn Snapshot>,
        log_id: u8,
    ) -> Result<Self, AuditError> {
        let rows = snapshot.projections(log_id).await?.into_iter();
        let projections = rows.map(|ProjectionRow { partition, filter }| (partition, filter));
        let projections = projections.collect();
        let deals = snapshot.deals(log_id).await?;
        Ok(Self { snapshot, projections, deals, log_id })
    }

    /// Up to where the decisions of a partition have been projected, as its row says.
    pub(crate) fn read_offset(&self, partition: Partition) -> Offset {
        self.projections.get(&partition).map_or(0, |filter| filter.read_offset)
    }

    /// Rows of partitions that the log does not have.
    pub(crate) fn check_strays(&self, partitions: Partition, findings: &mut Findings) {
        let projections = self.projections.keys().map(|partition| (*partition, "a projection"));
        let deals = self.deals.iter().map(|deal| (deal.partition, "a deal"));
        for (partition, row) in projections.chain(deals) {
            if partition >= partitions {
                findings.place = crate::finding::Place { partition, ..Default::default() };
                findings.violated(Invariant::I6, format!("{row} of a partition that is not there"));
            }
        }
    }

    /// Compares the rows of the world's partition with the world, which has come as far as the
    /// rows say.
    pub(crate) async fn compare(
        &mut self,
        world: &World,
        filter: &FilterState,
        findings: &mut Findings,
    ) -> Result<(), AuditError> {
        if let Some(stored) = self.projections.get(&world.partition) {
            compare_projection(filter, stored, findings);
        }
        self.compare_deals(world, findings);
        self.compare_orders(world, findings).await?;
        self.compare_commands(world, findings).await
    }

    fn compare_deals(&self, world: &World, findings: &mut Findings) {
        findings.place.command = None;
        let here = self.deals.iter().filter(|row| row.partition == world.partition);
        let stored: BTreeMap<_, _> = here.map(|row| (row.deal_id, row)).collect();
        for (deal_id, row) in &stored {
            let differences = match world.deals.get(deal_id) {
                Some(deal) => deal_differences(&deal.row, row),
                None => vec!["it should not be there".to_owned()],
            };
            settle(&format!("deal {deal_id}"), &differences, findings);
        }
        for deal_id in world.deals.keys().filter(|deal_id| !stored.contains_key(deal_id)) {
            settle(&format!("deal {deal_id}"), &["it is missing".to_owned()], findings);
        }
    }

    async fn compare_orders(
        &mut self,
        world: &World,
        findings: &mut Findings,
    ) -> Result<(), AuditError> {
        let mut from = 0;
        loop {
            let position = Position { partition: world.partition, offset: from };
            let page = self.snapshot.orders(self.log_id, position, PAGE_ROWS).await?;
            let last = page.last().map(|row| row.position.offset);
            let end = last.map_or(Offset::MAX, |last| last + 1);
            let page = keyed("orders", world.partition, from, page, |row| row.position)?;
            compare_page(world.orders.range(from..end), page, order_differences, findings);
            match last {
                Some(last) => from = last + 1,
                None => return Ok(()),
            }
        }
    }

    async fn compare_commands(
        &mut self,
        world: &World,
        findings: &mut Findings,
    ) -> Result<(), AuditError> {
        let mut from = 0;
        loop {
            let position = Position { partition: world.partition, offset: from };
            let page = self.snapshot.commands(self.log_id, position, PAGE_ROWS).await?;
            let last = page.last().map(|row| row.position.offset);
            let end = last.map_or(Offset::MAX, |last| last + 1);
            let page = keyed("commands", world.partition, from, page, |row| row.position)?;
            compare_page(world.commands.range(from..end), page, command_differences, findings);
            match last {
                Some(last) => from = last + 1,
                None => return Ok(()),
            }
        }
    }
}

/// A page by offset, if it is one: of this partition, from there on, in order.
fn keyed<R>(
    table: &'static str,
    partition: Partition,
    from: Offset,
    page: Vec<R>,
    position: impl Fn(&R) -> Position,
) -> Result<BTreeMap<Offset, R>, AuditError> {
    let positions: Vec<Position> = page.iter().map(&position).collect();
    let is_here = |at: &Position| at.partition == partition && at.offset >= from;
    if !positions.iter().all(is_here) || !positions.is_sorted_by(|one, next| one < next) {
        return Err(AuditError::Disorder { table, partition });
    }
    Ok(page.into_iter().map(|row| (position(&row).offset, row)).collect())
}

/// A stretch of the fold against the rows of the same stretch.
fn compare_page<'a, R: 'a>(
    expected: impl Iterator<Item = (&'a Offset, &'a R)>,
    mut stored: BTreeMap<Offset, R>,
    differences: impl Fn(&R, &R) -> Vec<String>,
    findings: &mut Findings,
) {
    for (offset, row) in expected {
        findings.place.command = Some(*offset);
        let found = match stored.remove(offset) {
            Some(stored) => differences(row, &stored),
            None => vec!["it is missing".to_owned()],
        };
        settle("the row", &found, findings);
    }
    for offset in stored.into_keys() {
        findings.place.command = Some(offset);
        settle("the row", &["it should not be there".to_owned()], findings);
    }
    findings.place.command = None;
}

fn settle(row: &str, differences: &[String], findings: &mut Findings) {
    let is_equal = differences.is_empty();
    findings.expect(Invariant::I6, is_equal, || format!("{row}: {}", differences.join("; ")));
}

/// Sentences about the named fields that differ.
macro_rules! differences {
    ($expected:expr, $stored:expr; $($($field:ident).+),* $(,)?) => {{
        let mut found: Vec<String> = Vec::new();
        $(
            if $expected.$($field).+ != $stored.$($field).+ {
                let (right, wrong) = (&$expected.$($field).+, &$stored.$($field).+);
                let name = stringify!($($field).+);
                found.push(format!("{name} is {wrong:?}, the fold has {right:?}"));
            }
        )*
        found
    }};
}

fn compare_projection(expected: &FilterState, stored: &FilterState, findings: &mut Findings) {
    let found = differences!(expected, stored;
        log_id, read_offset, epoch, claim, rules, decided_next, log_time);
    settle("the projection", &found, findings);
}

fn deal_differences(expected: &DealRow, stored: &DealRow) -> Vec<String> {
    differences!(expected, stored;
        log_id, partition, product_id, deal_key, terms.product, terms.title, terms.price,
        terms.stock, terms.limit_per_customer, terms.opens_at, terms.closes_at,
        terms.hold_seconds, adjusted, stock_left, held, paused, closed, retired)
}

fn order_differences(expected: &OrderRow, stored: &OrderRow) -> Vec<String> {
    differences!(expected, stored;
        log_id, deal_id, customer, key, fingerprint, quantity, unit_price, ticket_key,
        purchased_at, decided_at, client_reference, expires_at, rejection, status, payment,
        refund_due, refund_settled)
}

fn command_differences(expected: &CommandRow, stored: &CommandRow) -> Vec<String> {
    differences!(expected, stored; log_id, decided_at, refusal, first)
}
