//! Stores beside bare loops over the same tables: measured by the examples of the crates that own
//! them, whose output is read here.

use anyhow::{Context, Result};

use crate::process::{pin, pin_ourselves};
use crate::ring::Ring;
use crate::sample::{Measured, Sample};

/// Records of one commit, as an order-worker's batch is.
const GROUP: &str = "1000";
const ORDERS: &str = "200000";

/// Orders by multi-row upserts into MariaDB.
pub(crate) async fn mariadb(ring: &Ring) -> Result<Vec<Measured>> {
    let server = ring.mariadb()?;
    // As for the projector: who writes has a core of its own.
    pin(server.pid, &ring.cores.others)?;
    pin_ourselves(&ring.cores.measured)?;
    let said = ring.example("commit_rate", &[ORDERS, GROUP, &server.address, "1"])?;
    Ok(vec![
        ("upsert-mariadb-bare", Sample::of(rate_of(&said, "bare upsert")?)),
        ("store-mariadb", Sample::of(rate_of(&said, "new orders")?)),
    ])
}

/// Orders by multi-row inserts into SQLite, and records appended to the embedded log.
pub(crate) async fn sqlite(ring: &Ring) -> Result<Vec<Measured>> {
    pin_ourselves(&ring.cores.all)?;
    let said = ring.example("commit_rate", &[ORDERS, GROUP])?;
    let (bare, store) = (rate_of(&said, "bare insert")?, rate_of(&said, "new orders")?);
    let folder = ring.folder.display().to_string();
    let said = ring.example("append_rate", &[&folder])?;
    let [log_bare, whole, single] = rates_of_group(&said, GROUP)?;
    Ok(vec![
        ("insert-sqlite-bare", Sample::of(bare)),
        ("store-sqlite", Sample::of(store)),
        ("log-sqlite-bare", Sample::of(log_bare)),
        ("embedded-log", Sample::of(whole.min(single)).with("one_append_each", whole)),
    ])
}

/// Of a line such as `new orders: 200000 rows in 3.10 s, 64516 rows/s`.
fn rate_of(said: &str, what: &str) -> Result<f64> {
    let rate = said.lines().find_map(|line| {
        let rest = line.strip_prefix(what)?.strip_prefix(": ")?;
        rest.strip_suffix(" rows/s")?.rsplit_once(' ')?.1.parse().ok()
    });
    rate.with_context(|| format!("no rate of `{what}` in:\n{said}"))
}

/// Of the table's row for so many records a commit: bare loop, one append each commit, single
/// appends.
fn rates_of_group(said: &str, group: &str) -> Result<[f64; 3]> {
    let row = said.lines().find_map(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let rates = fields.get(1..4).filter(|_| fields.len() == 5 && fields[0] == group)?;
        rates.iter().map(|it| it.parse().ok()).collect::<Option<Vec<f64>>>()?.try_into().ok()
    });
    row.with_context(|| format!("no row for {group} records in:\n{said}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_of_the_examples_are_read_and_their_absence_is_an_error() {
        let said =
            "bare upsert: 9 rows in 3.00 s, 3 rows/s\nnew orders: 8 rows in 4.00 s, 2 rows/s";
        assert!((rate_of(said, "new orders").unwrap() - 2.0).abs() < 1e-9);
        assert!(rate_of(said, "paid orders").is_err());

        let said = "records/s, 320 B of payload, best of 3\n\
            per group         bare   one append      appends   ratio\n\
                    1         6035         4148         4529    0.69\n\
                 1000       402056       258291       241845    0.60\n";
        let rates = rates_of_group(said, "1000").unwrap();
        assert_eq!(rates.map(|rate| rate.to_string()), ["402056", "258291", "241845"]);
        assert!(rates_of_group(said, "100").is_err());
    }
}
