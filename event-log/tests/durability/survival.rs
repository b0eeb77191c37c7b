//! What has to be true of a log directory after any fault, given the answers that had left.

use std::collections::BTreeMap;
use std::path::Path;

use event_log::{EmbeddedLogs, Log, ReadLimits, Record, Stored};
use futures_executor::block_on;
use schemas::{Offset, Partition, Timestamp};

use crate::writer::{Answer, LOGS, Load, PARTITIONS, Sent, logs_of, options, read_mark};

const LIMITS: ReadLimits = ReadLimits { records_max: 1_000, bytes_max: 1 << 20 };

/// Opens the log as the next process would, and looks whether it holds what it has to, and no half
/// of anything. Then appends to every partition, and opens it once more. Answers how many appends
/// are there. `answers` had left before the fault; `failed` are all that ever failed, for what
/// follows them may stand in the log before anybody is told.
pub(crate) fn check(
    directory: &Path,
    load: Load,
    answers: &[Answer],
    failed: &[Sent],
) -> Result<usize, String> {
    let refused = |error: event_log::OpenError| format!("does not open: {error}");
    let logs = EmbeddedLogs::open(directory, options(load)).map_err(refused)?;
    let mut there = BTreeMap::new();
    let mut ends = Vec::new();
    for (log, partition) in targets() {
        let records = read_all(&*logs_of(&logs)[log], partition)?;
        ends.push(records.len() as Offset);
        collect(&records, (log, partition), load, &mut there)?;
    }
    check_answers(&there, answers)?;
    check_order(&there, failed)?;
    for ((log, partition), &end) in targets().zip(&ends) {
        let appended = logs_of(&logs)[log].append(partition, vec![Record::default()]);
        let appended = block_on(appended).map_err(|error| format!("does not go on: {error}"))?;
        if appended[0].offset != end {
            return Err(format!("goes on at {}, not at {end}", appended[0].offset));
        }
    }
    drop(logs);
    let logs = EmbeddedLogs::open(directory, options(load)).map_err(refused)?;
    for ((log, partition), &end) in targets().zip(&ends) {
        let found = block_on(logs_of(&logs)[log].end(partition)).map_err(|it| it.to_string())?;
        if found != end + 1 {
            return Err(format!("ends at {found} when opened again, not at {}", end + 1));
        }
    }
    Ok(there.len())
}

fn targets() -> impl Iterator<Item = (usize, Partition)> {
    (0..LOGS).flat_map(|log| (0..PARTITIONS).map(move |partition| (log, partition)))
}

/// Without gaps, from offset 0 to the end; log time never falls.
fn read_all(log: &dyn Log, partition: Partition) -> Result<Vec<Stored>, String> {
    let fault = |error: event_log::ReadError| error.to_string();
    let end = block_on(log.end(partition)).map_err(fault)?;
    let mut records: Vec<Stored> = Vec::new();
    while (records.len() as Offset) < end {
        let from = records.len() as Offset;
        let batch = block_on(log.read(partition, from, LIMITS)).map_err(fault)?;
        if batch.records.is_empty() {
            return Err(format!("{}/{partition} ends at {from}, not at {end}", log.name()));
        }
        records.extend(batch.records);
    }
    let offsets = records.iter().map(|record| record.offset).eq(0..end);
    let times = records.is_sorted_by_key(|record| record.log_time);
    if offsets && times { Ok(records) } else { Err(format!("offsets: {offsets}, times: {times}")) }
}

type There = BTreeMap<Sent, (Offset, Timestamp)>;

/// Takes the records for appends; each has to be whole, unchanged, in its place and there once.
fn collect(
    records: &[Stored],
    target: (usize, Partition),
    load: Load,
    there: &mut There,
) -> Result<(), String> {
    let mut at = 0;
    while let Some(first) = records.get(at) {
        let Some((sent, 0)) = read_mark(&first.payload) else {
            return Err(format!("{target:?}: offset {at} does not begin an append"));
        };
        let expected = sent.records(load);
        let found = records.get(at..at + expected.len());
        let found = found.ok_or_else(|| format!("{sent:?} is cut off at {at} of {target:?}"))?;
        let same = found.iter().zip(&expected).all(|(found, expected)| {
            found.payload == expected.payload
                && found.key == expected.key
                && found.log_time == first.log_time
                && found.headers == expected.headers
        });
        if !same || sent.target() != target {
            return Err(format!("{sent:?} at {at} of {target:?} is not what was sent"));
        }
        if there.insert(sent, (first.offset, first.log_time)).is_some() {
            return Err(format!("{sent:?} is there twice"));
        }
        at += expected.len();
    }
    Ok(())
}

fn check_answers(there: &There, answers: &[Answer]) -> Result<(), String> {
    for &answer in answers {
        match answer {
            Answer::Acknowledged(sent, offset, log_time) => match there.get(&sent) {
                Some(&found) if found == (offset, log_time) => {}
                Some(found) => return Err(format!("{answer:?} is at {found:?}")),
                None => return Err(format!("{answer:?} is lost")),
            },
            Answer::Refused(sent) if there.contains_key(&sent) => {
                return Err(format!("{sent:?} was refused and is there"));
            }
            Answer::Refused(_) | Answer::Unknown(_) => {}
        }
    }
    Ok(())
}

/// Of one caller, nothing is there without what was sent before it, to whatever log, unless that
/// failed.
fn check_order(there: &There, failed: &[Sent]) -> Result<(), String> {
    for &sent in there.keys() {
        let Some(number) = sent.number.checked_sub(1) else { continue };
        let before = Sent { number, ..sent };
        if !there.contains_key(&before) && !failed.contains(&before) {
            return Err(format!("{sent:?} is there without the one before"));
        }
    }
    Ok(())
}
