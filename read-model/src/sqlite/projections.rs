//! The tables of logs and projections: how far each partition is projected.

use schemas::Partition;
use schemas::log::FilterState;
use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteRow;

use super::columns::{Bind as _, Columns};
use super::fault::fault;
use crate::store::{ProjectionRow, StoreError};

const LOGS: &str = "SELECT log_id FROM logs ORDER BY log_id";

const KNOWN_LOG: &str = "SELECT COUNT(*) FROM logs WHERE log_id = ?";
const NEW_LOG: &str =
    "INSERT INTO logs (log_id, ordinal) SELECT ?, COALESCE(MAX(ordinal), 0) + 1 FROM logs";

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT partition_id, log_id, read_offset, epoch, claim, rules, decided_next, log_time",
            " FROM projections WHERE log_id = ?",
            $rest
        )
    };
}

const OF_LOG: &str = select!(" ORDER BY partition_id");
const ONE: &str = select!(" AND partition_id = ?");

const BEGIN: &str = "INSERT INTO projections (read_offset, epoch, claim, rules, decided_next, \
                     log_time, log_id, partition_id) VALUES (?, ?, ?, ?, ?, ?, ?, ?) \
                     ON CONFLICT (log_id, partition_id) DO NOTHING";

const ADVANCE: &str = "UPDATE projections SET read_offset = ?, epoch = ?, claim = ?, rules = ?, \
                       decided_next = ?, log_time = ? \
                       WHERE log_id = ? AND partition_id = ? AND read_offset = ?";

pub(super) async fn log_ids(connection: &mut SqliteConnection) -> Result<Vec<u8>, StoreError> {
    let rows = sqlx::query(LOGS).fetch_all(connection).await.map_err(fault)?;
    rows.iter().map(|row| Columns::of(row).number()).collect()
}

pub(super) async fn of_log(
    connection: &mut SqliteConnection,
    log_id: u8,
) -> Result<Vec<ProjectionRow>, StoreError> {
    let rows = sqlx::query(OF_LOG).bind(log_id).fetch_all(connection).await.map_err(fault)?;
    rows.iter().map(decode).collect()
}

pub(super) async fn one(
    connection: &mut SqliteConnection,
    log_id: u8,
    partition: Partition,
) -> Result<Option<ProjectionRow>, StoreError> {
    let statement = sqlx::query(ONE).bind(log_id).bind(partition);
    let row = statement.fetch_optional(connection).await.map_err(fault)?;
    row.as_ref().map(decode).transpose()
}

/// Writes `filter` if the stored read_offset still is `expected`, and tells whether it was.
pub(super) async fn advance(
    connection: &mut SqliteConnection,
    log_id: u8,
    partition: Partition,
    (expected, filter): (u64, &FilterState),
) -> Result<bool, StoreError> {
    let begins = expected == 0;
    let mut statement = sqlx::query(if begins { BEGIN } else { ADVANCE })
        .unsigned(filter.read_offset)
        .unsigned(filter.epoch)
        .digest(Some(filter.claim))
        .bind(filter.rules)
        .unsigned(filter.decided_next)
        .time(Some(filter.log_time))
        .bind(log_id)
        .bind(partition);
    if begins {
        remember_log(connection, log_id).await.map_err(fault)?;
    } else {
        statement = statement.unsigned(expected);
    }
    let done = statement.execute(connection).await.map_err(fault)?;
    Ok(done.rows_affected() == 1)
}

async fn remember_log(connection: &mut SqliteConnection, log_id: u8) -> Result<(), sqlx::Error> {
    let known: i64 = sqlx::query_scalar(KNOWN_LOG).bind(log_id).fetch_one(&mut *connection).await?;
    if known == 0 {
        sqlx::query(NEW_LOG).bind(log_id).execute(connection).await?;
    }
    Ok(())
}

fn decode(row: &SqliteRow) -> Result<ProjectionRow, StoreError> {
    let mut columns = Columns::of(row);
    let partition = columns.number()?;
    let filter = FilterState {
        log_id: Some(columns.number()?),
        read_offset: columns.unsigned()?,
        epoch: columns.unsigned()?,
        claim: columns.digest()?,
        rules: columns.number()?,
        decided_next: columns.unsigned()?,
        log_time: columns.time()?,
    };
    Ok(ProjectionRow { partition, filter })
}
