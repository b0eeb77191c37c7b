//! The first record of every partition of both logs: which log this is, and how many partitions it
//! has for ever.

use std::sync::Arc;

use anyhow::{Context, bail, ensure};
use decision_log::genesis_record;
use event_log::{Log, ReadLimits};
use futures_util::future::join_all;
use schemas::Offset;
use schemas::log::{CommandsRecord, Genesis, decode_command};

use crate::logs::Logs;
use crate::patience::{Obstacle, Patience};

/// The id of the log, which is begun now if it is new. A start that was cut short is finished with
/// the id that it had drawn. `taken` are ids that the read model knows of other logs.
///
/// Of several that begin a log at once, the one whose record stands first in the first partition
/// of commands has drawn the id, and all write that into the other partitions: the same genesis
/// again counts for nothing there, and in the commands log any later one does.
pub(crate) async fn begin(logs: &Logs, taken: &[u8]) -> anyhow::Result<u8> {
    let partitions = logs.commands.partitions();
    let found = scan(logs, Unreadable::Refused).await?;
    let log_id = match found.log_id {
        Some(log_id) => log_id,
        None => draw(taken)?,
    };
    let record = |log_id| genesis_record(&Genesis { log_id, partitions });
    if logs.commands.end(0).await? == 0 {
        logs.commands.append(0, vec![record(log_id)]).await?;
    }
    let decided = first(&logs.commands, 0).await?.context("the first record is not there")?;
    for (log, partition) in all(logs) {
        if log.end(partition).await? == 0 {
            log.append(partition, vec![record(decided.log_id)]).await?;
        }
    }
    Ok(decided.log_id)
}

/// The id of a log that somebody else begins; waits until that has been done.
pub(crate) async fn wait_for(logs: &Logs, patience: &Patience) -> anyhow::Result<u8> {
    let look = async || {
        let found = scan(logs, Unreadable::Ignored).await.map_err(obstacle)?;
        match found.log_id {
            Some(log_id) if found.is_whole => Ok(log_id),
            Some(_) | None => {
                let what = "the log to be begun: run `timedeal topics create`";
                Err(Obstacle::ForNow(what.to_owned()))
            }
        }
    };
    patience.wait_for(look).await
}

/// Whether order ids of this log may have been given out: then there are keys that made them.
pub(crate) async fn has_been_used(logs: &Logs, patience: &Patience) -> anyhow::Result<bool> {
    let ends = ends_of(&logs.commands, patience).await?;
    // Of what does not answer the worst is assumed.
    Ok(ends.into_iter().any(|end| end.is_none_or(|end| end > 1)))
}

/// Where every partition of a log ends, as far as that can be said; waits until anything can.
pub(crate) async fn ends_of(
    log: &Arc<dyn Log>,
    patience: &Patience,
) -> anyhow::Result<Vec<Option<Offset>>> {
    let ask = async || {
        let ends = (0..log.partitions()).map(|partition| log.end(partition));
        let mut known = Vec::new();
        let mut last = None;
        for end in join_all(ends).await {
            known.push(end.map_err(|fault| last = Some(fault)).ok());
        }
        match last {
            Some(fault) if known.iter().all(Option::is_none) => Err(obstacle(fault.into())),
            Some(_) | None => Ok(known),
        }
    };
    patience.wait_for(ask).await
}

/// A log that cannot be read may be later.
fn obstacle(fault: anyhow::Error) -> Obstacle {
    if fault.is::<event_log::ReadError>() {
        Obstacle::ForNow(format!("the log: {fault:#}"))
    } else {
        Obstacle::ForGood(fault)
    }
}

/// What the first records say.
struct Found {
    log_id: Option<u8>,
    /// Every partition of both logs has one.
    is_whole: bool,
}

/// What a look does with a partition that cannot be read now.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Unreadable {
    Refused,
    /// Nothing: one of many must not keep the others from being worked on, and whoever reads it
    /// later meets its first record then. But the first of commands has to be there.
    Ignored,
}

impl Unreadable {
    fn lets_pass(self, fault: &anyhow::Error) -> bool {
        self == Self::Ignored
            && matches!(fault.downcast_ref(), Some(event_log::ReadError::Unavailable { .. }))
    }
}

async fn scan(logs: &Logs, unreadable: Unreadable) -> anyhow::Result<Found> {
    let partitions = logs.commands.partitions();
    let mut found = Found { log_id: None, is_whole: true };
    let firsts = join_all(all(logs).map(|(log, partition)| first(log, partition))).await;
    for (index, ((log, partition), genesis)) in all(logs).zip(firsts).enumerate() {
        let name = log.name();
        let genesis = match genesis {
            Ok(genesis) => genesis,
            Err(fault) if index > 0 && unreadable.lets_pass(&fault) => {
                tracing::warn!(partition, "the beginning of {name} was not read: {fault:#}");
                continue;
            }
            Err(fault) => return Err(fault),
        };
        let Some(genesis) = genesis else {
            found.is_whole = false;
            continue;
        };
        ensure!(genesis.partitions == partitions, "{name}/{partition} begins with {genesis:?}");
        let log_id = *found.log_id.get_or_insert(genesis.log_id);
        ensure!(log_id == genesis.log_id, "{name}/{partition} is of log {}", genesis.log_id);
    }
    Ok(found)
}

/// Every partition of both logs; the first of commands first.
fn all(logs: &Logs) -> impl Iterator<Item = (&Arc<dyn Log>, u16)> {
    let partitions = logs.commands.partitions();
    let both = [&logs.commands, &logs.decisions];
    both.into_iter().flat_map(move |log| (0..partitions).map(move |it| (log, it)))
}

/// The genesis record of a partition; none if it is empty.
async fn first(log: &Arc<dyn Log>, partition: u16) -> anyhow::Result<Option<Genesis>> {
    let limits = ReadLimits { records_max: 1, bytes_max: 1 };
    let batch = log.read(partition, 0, limits).await?;
    let Some(stored) = batch.records.first() else { return Ok(None) };
    match decode_command(&stored.payload) {
        Ok(CommandsRecord::Genesis(genesis)) => Ok(Some(genesis)),
        Ok(CommandsRecord::Command(_)) | Err(_) => {
            bail!("{}/{partition} does not begin with a genesis record", log.name())
        }
    }
}

/// An id that no other log has.
fn draw(taken: &[u8]) -> anyhow::Result<u8> {
    ensure!(taken.len() < 255, "all ids of logs are taken");
    loop {
        let mut byte = [0];
        getrandom::fill(&mut byte).context("draw the id of the log")?;
        // 0 is left to mean none in other people's tables.
        if byte[0] != 0 && !taken.contains(&byte[0]) {
            return Ok(byte[0]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use event_log::SimulatedLog;
    use schemas::Timestamp;

    struct World {
        logs: Logs,
        commands: SimulatedLog,
        decisions: SimulatedLog,
    }

    fn world() -> World {
        let clock: event_log::Clock = Arc::new(|| Timestamp::EPOCH);
        let log = |name| SimulatedLog::new(name, 2, Arc::clone(&clock));
        let (commands, decisions) = (log("commands"), log("decisions"));
        let logs = Logs {
            commands: Arc::new(commands.clone()),
            decisions: Arc::new(decisions.clone()),
            dead_letters: Arc::new(log("dead-letters")),
        };
        World { logs, commands, decisions }
    }

    fn patience() -> Patience {
        Patience::new(platform::shutdown::ShutdownToken::new())
    }

    fn genesis(log_id: u8) -> event_log::Record {
        genesis_record(&Genesis { log_id, partitions: 2 })
    }

    #[tokio::test]
    async fn a_new_log_takes_an_id_that_is_free_and_keeps_it() {
        let World { logs, .. } = world();
        let taken: Vec<u8> = (0..=255).filter(|id| *id != 77).collect();
        assert_eq!(begin(&logs, &taken[1..]).await.unwrap(), 77);
        assert_eq!(begin(&logs, &[]).await.unwrap(), 77);
        for log in [&logs.commands, &logs.decisions] {
            assert_eq!(log.end(0).await.unwrap(), 1);
            assert_eq!(log.end(1).await.unwrap(), 1);
        }
    }

    #[tokio::test]
    async fn a_start_that_was_cut_short_is_finished_with_the_same_id() {
        let World { logs, decisions, .. } = world();
        decisions.append_raw(1, genesis(9));
        assert_eq!(begin(&logs, &[]).await.unwrap(), 9);
        assert_eq!(first(&logs.commands, 0).await.unwrap().unwrap().log_id, 9);
    }

    #[tokio::test]
    async fn of_two_that_begin_a_log_at_once_the_first_in_the_log_names_it() {
        let World { logs, commands, .. } = world();
        commands.hold_next(0);
        let (begun, ()) = tokio::join!(begin(&logs, &[9]), async {
            // The other one comes between our look and our append.
            commands.append_raw(0, genesis(9));
            assert_eq!(commands.release(0), 1);
        });
        assert_eq!(begun.unwrap(), 9);
        for (log, partition) in all(&logs) {
            assert_eq!(first(log, partition).await.unwrap().unwrap().log_id, 9);
        }
    }

    #[tokio::test]
    async fn logs_of_two_ids_are_refused() {
        let World { logs, decisions, .. } = world();
        begin(&logs, &[]).await.unwrap();
        decisions.truncate(1, 0);
        decisions.append_raw(1, genesis(0));
        assert!(begin(&logs, &[]).await.is_err());
    }

    #[tokio::test]
    async fn a_log_is_waited_for_until_every_partition_has_begun() {
        let World { logs, commands, .. } = world();
        let patience = patience();
        commands.append_raw(0, genesis(9));
        patience.stop.trigger();
        let stopped = wait_for(&logs, &patience).await.unwrap_err();
        assert!(stopped.to_string().contains("topics create"), "{stopped}");
        begin(&logs, &[]).await.unwrap();
        assert_eq!(wait_for(&logs, &patience).await.unwrap(), 9);
    }

    #[tokio::test]
    async fn partitions_that_cannot_be_read_keep_nobody_from_the_others() {
        let World { logs, commands, decisions } = world();
        begin(&logs, &[]).await.unwrap();
        decisions.close();
        assert!(wait_for(&logs, &patience()).await.is_ok());
        assert!(begin(&logs, &[]).await.is_err());
        // Without the first of commands nobody knows which log this is.
        commands.close();
        let patience = patience();
        patience.stop.trigger();
        assert!(wait_for(&logs, &patience).await.is_err());
    }

    #[tokio::test]
    async fn ends_are_known_where_they_can_be() {
        let World { logs, commands, .. } = world();
        begin(&logs, &[]).await.unwrap();
        assert_eq!(ends_of(&logs.commands, &patience()).await.unwrap(), [Some(1), Some(1)]);
        commands.close();
        let patience = patience();
        patience.stop.trigger();
        assert!(ends_of(&logs.commands, &patience).await.is_err());
    }

    #[tokio::test]
    async fn a_log_with_nothing_but_its_beginning_has_not_been_used() {
        let World { logs, commands, .. } = world();
        begin(&logs, &[]).await.unwrap();
        assert!(!has_been_used(&logs, &patience()).await.unwrap());
        commands.append_raw(1, event_log::Record::default());
        assert!(has_been_used(&logs, &patience()).await.unwrap());
    }
}
