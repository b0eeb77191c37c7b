//! The statements that each database words in its own way, made once per database from a list of
//! differences.

use super::shapes::Shapes;
use super::{commands, deals, orders, projections};

/// What an insert has to know of a table.
pub(crate) struct Table {
    pub(crate) name: &'static str,
    /// In the order in which they are bound and read.
    pub(crate) columns: &'static str,
    pub(crate) key: &'static str,
    /// What a row that is there already takes over; the rest never changes.
    pub(crate) changing: &'static [&'static str],
    /// Most rows of one statement, a power of two: long texts make long statements.
    pub(crate) rows_max: usize,
}

/// In what a database differs from another.
pub(crate) struct Differences {
    /// What follows the values of an insert, for rows that are there already.
    pub(crate) if_present: fn(&Table) -> String,
    /// An insert up to the table's name that leaves a row alone which is there, and says so.
    pub(crate) insert_if_absent: &'static str,
    /// Behind the table, the index that histories are read along, where that has to be said.
    pub(crate) history_index: &'static str,
    /// Makes the row of a log that has none, with the next ordinal.
    pub(crate) new_log: &'static str,
    /// Keys of a partition from an offset on; along the primary key, as the pages go.
    pub(crate) keys: &'static str,
    /// Most rows of one insert, a power of two.
    pub(crate) rows_max: usize,
}

/// All statements that differ.
pub(crate) struct Dialect {
    pub(super) upsert_orders: Shapes,
    pub(super) orders_among: Shapes,
    pub(super) history: String,
    pub(super) history_of_status: String,
    pub(super) upsert_deals: Shapes,
    pub(super) deals_among: Shapes,
    pub(super) upsert_products: Shapes,
    pub(super) insert_commands: Shapes,
    pub(super) begin_projection: String,
    pub(super) new_log: &'static str,
    pub(super) keys: &'static str,
}

impl Dialect {
    pub(crate) fn new(differences: &Differences) -> Self {
        let insert = |table: &Table| {
            let rows_max = table.rows_max.min(differences.rows_max);
            Shapes::insert(table, &(differences.if_present)(table), rows_max)
        };
        Self {
            upsert_orders: insert(&orders::TABLE),
            orders_among: Shapes::among(orders::AMONG),
            history: orders::history(differences.history_index, ""),
            history_of_status: orders::history(differences.history_index, " AND status = ?"),
            upsert_deals: insert(&deals::TABLE),
            deals_among: Shapes::among(deals::AMONG),
            upsert_products: insert(&deals::PRODUCTS),
            insert_commands: insert(&commands::TABLE),
            begin_projection: format!("{} {}", differences.insert_if_absent, projections::BEGIN),
            new_log: differences.new_log,
            keys: differences.keys,
        }
    }
}
