//! Committing changes: one transaction, tried again as long as only somebody else's locks were in
//! the way. Must not know what a change means.

use std::time::Duration;

use platform::jitter::{Backoff, SplitMix64};
use schemas::Partition;
use schemas::log::FilterState;
use sqlx::{Connection as _, MySqlConnection};

use super::connections::Connections;
use super::fault::{fault, is_conflict};
use crate::fold::Changes;
use crate::sql::{projections, write_rows};
use crate::store::CommitError;

/// After so many conflicts it is for the caller to come back.
const ATTEMPTS: u32 = 4;
const FIRST_WAIT: Duration = Duration::from_millis(10);
const LONGEST_WAIT: Duration = Duration::from_millis(200);

/// What is to be committed.
#[derive(Clone, Copy)]
pub(super) struct Step<'a> {
    pub(super) partition: Partition,
    /// Where it starts.
    pub(super) expected: u64,
    /// Where it ends.
    pub(super) filter: &'a FilterState,
    pub(super) changes: &'a [Changes],
}

/// A conflict has rolled everything back, so that the same step can be tried again. After any other
/// fault its outcome may be unknown.
pub(super) async fn commit(writers: &Connections, step: Step<'_>) -> Result<(), CommitError> {
    let mut backoff = Backoff::between(FIRST_WAIT, LONGEST_WAIT);
    let seeded = SplitMix64::from_system();
    let mut random = seeded.unwrap_or_else(|_| SplitMix64::new(step.expected));
    for _ in 1..ATTEMPTS {
        match attempt(writers, step).await {
            Err(CommitError::Store(fault)) if is_conflict(&fault) => {
                tracing::debug!(partition = step.partition, %fault, "commit met another");
            }
            done => return done,
        }
        tokio::time::sleep(backoff.next_delay(&mut || random.draw())).await;
    }
    attempt(writers, step).await
}

async fn attempt(writers: &Connections, step: Step<'_>) -> Result<(), CommitError> {
    let mut lease = writers.lease().await?;
    let answered = writers.within(transaction(&mut lease, step)).await;
    lease.settle(answered)?
}

/// What the transaction came to. The outer fault leaves a connection that is not to be used again.
async fn transaction(
    connection: &mut MySqlConnection,
    step: Step<'_>,
) -> Result<Result<(), CommitError>, CommitError> {
    let mut transaction = connection.begin().await.map_err(fault)?;
    match write(&mut transaction, step).await {
        Ok(()) => Ok(Ok(transaction.commit().await.map_err(fault)?)),
        // Whoever stands by loses each race: it must not cost a connection every time.
        Err(moved @ CommitError::Moved { .. }) => {
            transaction.rollback().await.map_err(fault)?;
            Ok(Err(moved))
        }
        // If it fails, the transaction ends with the connection, which ends with this fault.
        Err(fault @ CommitError::Store(_)) => {
            transaction.rollback().await.ok();
            Err(fault)
        }
    }
}

/// The projection first: its row is the lock that keeps a second projector of the partition out.
async fn write(connection: &mut MySqlConnection, step: Step<'_>) -> Result<(), CommitError> {
    let Step { partition, expected, filter, changes } = step;
    let log_id = filter.log_id.expect("a filter that has read something knows its log");
    if !projections::advance(connection, log_id, partition, (expected, filter)).await? {
        return Err(CommitError::Moved { partition, expected });
    }
    Ok(write_rows(connection, log_id, partition, changes).await?)
}
