//! The words of SQLite.

use std::sync::LazyLock;

use sqlx::{Sqlite, SqliteConnection};

use super::fault::fault;
use crate::sql::connection;
use crate::sql::dialect::{Dialect, Differences, Table};

static DIALECT: LazyLock<Dialect> = LazyLock::new(|| {
    Dialect::new(&Differences {
        if_present,
        insert_if_absent: "INSERT OR IGNORE INTO",
        history_index: "",
        new_log: "INSERT INTO logs (log_id, ordinal) \
                  SELECT ?, COALESCE(MAX(ordinal), 0) + 1 FROM logs",
        keys: "SELECT deal_id, key_digest, fingerprint, command_offset FROM orders \
               WHERE log_id = ? AND partition_id = ? AND command_offset >= ? \
               AND status IN ('held', 'confirmed', 'expired', 'cancelled') \
               AND EXISTS (SELECT 1 FROM deals WHERE deals.log_id = orders.log_id \
               AND deals.deal_id = orders.deal_id AND deals.retired = 0) \
               ORDER BY command_offset LIMIT ?",
        // Far below SQLite's 32,766 values, and beyond it nothing is gained.
        rows_max: 256,
    })
});

fn if_present(table: &Table) -> String {
    let key = table.key;
    if table.changing.is_empty() {
        return format!(" ON CONFLICT ({key}) DO NOTHING");
    }
    let replaced: Vec<_> =
        table.changing.iter().map(|column| format!("{column} = excluded.{column}")).collect();
    format!(" ON CONFLICT ({key}) DO UPDATE SET {}", replaced.join(", "))
}

connection!(SqliteConnection, Sqlite, &DIALECT, fault);
