//! The tables of logs and projections: how far each partition is projected.

use schemas::Partition;
use schemas::log::FilterState;

use super::values::{Bind as _, Columns, Row};
use super::{Connection, read, read_one};
use crate::store::{ProjectionRow, StoreError};

const LOGS: &str = "SELECT log_id FROM logs ORDER BY log_id";

const KNOWN_LOG: &str = "SELECT log_id FROM logs WHERE log_id = ?";

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
pub(super) const ONE: &str = select!(" AND partition_id = ?");

/// Bound as [`ADVANCE`] is, but for the last value.
pub(super) const BEGIN: &str = "projections (read_offset, epoch, claim, rules, decided_next, \
                                log_time, log_id, partition_id) VALUES (?, ?, ?, ?, ?, ?, ?, ?)";

const ADVANCE: &str = "UPDATE projections SET read_offset = ?, epoch = ?, claim = ?, rules = ?, \
                       decided_next = ?, log_time = ? \
                       WHERE log_id = ? AND partition_id = ? AND read_offset = ?";

pub(crate) async fn log_ids<C: Connection>(connection: &mut C) -> Result<Vec<u8>, StoreError> {
    read(connection, C::statement(LOGS), |row| Columns::of(row).number()).await
}

pub(crate) async fn of_log<C: Connection>(
    connection: &mut C,
    log_id: u8,
) -> Result<Vec<ProjectionRow>, StoreError> {
    let decode = |row: &C::Row| decode(&mut Columns::of(row));
    read(connection, C::statement(OF_LOG).number(log_id), decode).await
}

/// Writes `filter` if the stored read_offset still is `expected`, and tells whether it was.
pub(crate) async fn advance<C: Connection>(
    connection: &mut C,
    log_id: u8,
    partition: Partition,
    (expected, filter): (u64, &FilterState),
) -> Result<bool, StoreError> {
    let begins = expected == 0;
    let sql = if begins { &C::dialect().begin_projection } else { ADVANCE };
    let mut statement = C::statement(sql)
        .unsigned(filter.read_offset)
        .unsigned(filter.epoch)
        .digest(Some(filter.claim))
        .number(filter.rules)
        .unsigned(filter.decided_next)
        .time(Some(filter.log_time))
        .number(log_id)
        .number(partition);
    if begins {
        remember_log(connection, log_id).await?;
    } else {
        statement = statement.unsigned(expected);
    }
    Ok(connection.execute(statement).await.map_err(C::fault)? == 1)
}

async fn remember_log<C: Connection>(connection: &mut C, log_id: u8) -> Result<(), StoreError> {
    let known = C::statement(KNOWN_LOG).number(log_id);
    if read_one(connection, known, |_| Ok(())).await?.is_none() {
        let new = C::statement(C::dialect().new_log).number(log_id);
        connection.execute(new).await.map_err(C::fault)?;
    }
    Ok(())
}

pub(super) fn decode(columns: &mut Columns<'_, impl Row>) -> Result<ProjectionRow, StoreError> {
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
