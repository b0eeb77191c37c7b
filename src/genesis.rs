//! The first record of every partition of both logs: which log this is, and how many partitions it
//! has for ever.

use std::sync::Arc;

use anyhow::{Context, bail, ensure};
use decision_log::genesis_record;
use event_log::{Log, ReadLimits};
use schemas::log::{CommandsRecord, Genesis, decode_command};

use crate::data_dir::Logs;

/// The id of the log, which is begun now if it is new. A start that was cut short is finished with
/// the id that it had drawn. `taken` are ids that the read model knows of other logs.
pub(crate) async fn begin(logs: &Logs, taken: &[u8]) -> anyhow::Result<u8> {
    let both = [&logs.commands, &logs.decisions];
    let partitions = logs.commands.partitions();
    let mut found = None;
    for (log, partition) in both.iter().flat_map(|log| (0..partitions).map(move |it| (log, it))) {
        let Some(genesis) = first(log, partition).await? else { continue };
        let name = log.name();
        ensure!(genesis.partitions == partitions, "{name}/{partition} begins with {genesis:?}");
        let log_id = *found.get_or_insert(genesis.log_id);
        ensure!(log_id == genesis.log_id, "{name}/{partition} is of log {}", genesis.log_id);
    }
    let log_id = match found {
        Some(log_id) => log_id,
        None => draw(taken)?,
    };
    let record = genesis_record(&Genesis { log_id, partitions });
    for (log, partition) in both.iter().flat_map(|log| (0..partitions).map(move |it| (log, it))) {
        if log.end(partition).await? == 0 {
            log.append(partition, vec![record.clone()]).await?;
        }
    }
    Ok(log_id)
}

/// Whether anything was ever written to the logs: then there are keys that it was written with.
pub(crate) async fn has_begun(logs: &Logs) -> anyhow::Result<bool> {
    for log in [&logs.commands, &logs.decisions] {
        for partition in 0..log.partitions() {
            if log.end(partition).await? > 0 {
                return Ok(true);
            }
        }
    }
    Ok(false)
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

    fn logs() -> (Logs, SimulatedLog) {
        let clock: event_log::Clock = Arc::new(|| Timestamp::EPOCH);
        let log = |name| SimulatedLog::new(name, 2, Arc::clone(&clock));
        let decisions = log("decisions");
        let logs = Logs {
            commands: Arc::new(log("commands")),
            decisions: Arc::new(decisions.clone()),
            dead_letters: Arc::new(log("dead-letters")),
        };
        (logs, decisions)
    }

    #[tokio::test]
    async fn a_new_log_takes_an_id_that_is_free_and_keeps_it() {
        let (logs, _) = logs();
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
        let (logs, decisions) = logs();
        decisions.append_raw(1, genesis_record(&Genesis { log_id: 9, partitions: 2 }));
        assert_eq!(begin(&logs, &[]).await.unwrap(), 9);
        assert_eq!(first(&logs.commands, 0).await.unwrap().unwrap().log_id, 9);
    }

    #[tokio::test]
    async fn logs_of_two_ids_are_refused() {
        let (logs, decisions) = logs();
        begin(&logs, &[]).await.unwrap();
        decisions.truncate(1, 0);
        decisions.append_raw(1, genesis_record(&Genesis { log_id: 0, partitions: 2 }));
        assert!(begin(&logs, &[]).await.is_err());
    }
}
