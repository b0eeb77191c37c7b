//! The words of MySQL 8 and MariaDB 10.11, as far as both understand them.

use std::sync::LazyLock;

use sqlx::{MySql, MySqlConnection};

use super::fault::fault;
use crate::sql::connection;
use crate::sql::dialect::{Dialect, Differences, Table};

static DIALECT: LazyLock<Dialect> = LazyLock::new(|| {
    Dialect::new(&Differences {
        if_present,
        // Only this tells a new row from an old one: what the client asks for, that matched rows
        // count as changed, hides it elsewhere. It would also forgive values that do not fit, but
        // the columns hold all that their types here can be.
        insert_if_absent: "INSERT IGNORE INTO",
        // Left to itself, MariaDB may look the customer up and walk from the newest order to the
        // page, however deep that is.
        history_index: " FORCE INDEX (orders_by_customer)",
        new_log: "INSERT IGNORE INTO logs (log_id) VALUES (?)",
        // An optimizer that began with the deals would sort all their orders for each page.
        keys: "SELECT STRAIGHT_JOIN orders.deal_id, orders.key_digest, orders.fingerprint, \
               orders.command_offset FROM orders FORCE INDEX (PRIMARY) \
               JOIN deals ON deals.log_id = orders.log_id AND deals.deal_id = orders.deal_id \
               WHERE orders.log_id = ? AND orders.partition_id = ? AND orders.command_offset >= ? \
               AND orders.status IN ('held', 'confirmed', 'expired', 'cancelled') \
               AND deals.retired = 0 ORDER BY orders.command_offset LIMIT ?",
        // 23 columns make 23,552 of the 65,535 values that a statement may have.
        rows_max: 1_024,
    })
});

/// Without anything to change, the key is set to itself.
fn if_present(table: &Table) -> String {
    let kept = [table.key.split(',').next().expect("split gives something")];
    let columns = if table.changing.is_empty() { &kept } else { table.changing };
    let replaced: Vec<_> =
        columns.iter().map(|column| format!("{column} = VALUES({column})")).collect();
    format!(" ON DUPLICATE KEY UPDATE {}", replaced.join(", "))
}

connection!(MySqlConnection, MySql, &DIALECT, fault);
