//! What only the embedded backend promises: its directory, its lock, reopening, and readers beside
//! the writer.

use std::path::Path;

use event_log::{AppendError, EmbeddedLogs, OpenError, Options, ReadError, ReadLimits};
use rusqlite::Connection;
use schemas::Timestamp;
use tempfile::tempdir;

use crate::backends::{ALL, Hand, append, block_on, read, record, texts};

fn options(hand: &Hand) -> Options {
    Options { command: "timedeal serve".into(), ..Options::new(2, hand.clock()) }
}

fn open(directory: &Path) -> EmbeddedLogs {
    EmbeddedLogs::open(directory, options(&Hand::default())).unwrap()
}

#[track_caller]
fn check_refused(directory: &Path, expected: &str) {
    let error = EmbeddedLogs::open(directory, options(&Hand::default())).unwrap_err();
    assert!(error.to_string().contains(expected), "{error}");
}

#[test]
fn the_three_logs_do_not_know_of_each_other() {
    let directory = tempdir().unwrap();
    let logs = open(directory.path());
    let all = [logs.commands(), logs.decisions(), logs.dead_letters()];
    assert_eq!(all.each_ref().map(|log| log.name()), ["commands", "decisions", "dead-letters"]);
    for log in &all {
        append(&**log, 1, &[log.name()]);
    }
    for log in &all {
        assert_eq!(texts(&**log, 1), [log.name()]);
        assert_eq!(texts(&**log, 0), [""; 0]);
    }
}

#[test]
fn a_log_opened_again_goes_on_where_it_ended() {
    let directory = tempdir().unwrap();
    let hand = Hand::default();
    hand.set(9_000);
    let logs = EmbeddedLogs::open(directory.path(), options(&hand)).unwrap();
    append(&*logs.commands(), 0, &["a", "b"]);
    append(&*logs.decisions(), 1, &["c"]);
    logs.close();
    // The clock of the next process is behind.
    hand.set(1_000);
    let logs = EmbeddedLogs::open(directory.path(), options(&hand)).unwrap();
    let appended = append(&*logs.commands(), 0, &["d"])[0];
    assert_eq!((appended.offset, appended.log_time), (2, Timestamp::from_millis(9_000)));
    assert_eq!(texts(&*logs.commands(), 0), ["a", "b", "d"]);
    assert_eq!(texts(&*logs.decisions(), 1), ["c"]);
    assert_eq!(append(&*logs.commands(), 1, &["e"])[0].log_time, Timestamp::from_millis(1_000));
}

#[test]
fn closing_writes_what_still_waits() {
    let directory = tempdir().unwrap();
    let logs = open(directory.path());
    let log = logs.commands();
    let receipts: Vec<_> =
        (0..300).map(|number: u32| log.append(0, vec![record(number.to_string())])).collect();
    logs.close();
    for receipt in receipts {
        block_on(receipt).unwrap();
    }
    drop(logs);
    assert_eq!(texts(&*open(directory.path()).commands(), 0).len(), 300);
}

/// A copy of the files at any moment is what a killed process leaves behind.
#[test]
fn what_was_acknowledged_survives_a_kill() {
    let (directory, after) = (tempdir().unwrap(), tempdir().unwrap());
    let logs = open(directory.path());
    append(&*logs.commands(), 0, &["a", "b", "c"]);
    append(&*logs.decisions(), 0, &["d"]);
    for file in ["log.sqlite", "log.sqlite-wal", "timedeal.lock"] {
        std::fs::copy(directory.path().join(file), after.path().join(file)).unwrap();
    }
    let logs = open(after.path());
    assert_eq!(texts(&*logs.commands(), 0), ["a", "b", "c"]);
    assert_eq!(append(&*logs.decisions(), 0, &["e"])[0].offset, 1);
}

#[test]
fn a_second_writer_is_told_who_the_first_is() {
    let directory = tempdir().unwrap();
    let hand = Hand::default();
    hand.set(1_700_000_000_000);
    let logs = EmbeddedLogs::open(directory.path(), options(&hand)).unwrap();
    let error = EmbeddedLogs::open(directory.path(), options(&hand)).unwrap_err();
    let message = error.to_string();
    let OpenError::InUse { pid, command, since, .. } = error else { panic!("{message}") };
    assert_eq!((pid, &*command), (std::process::id(), "timedeal serve"));
    assert_eq!(since, Timestamp::from_millis(1_700_000_000_000));
    for part in [&pid.to_string(), "timedeal serve", "2023-11-14T22:13:20.000Z"] {
        assert!(message.contains(part), "{message}");
    }
    // The first one was not disturbed, and leaves the directory free.
    append(&*logs.commands(), 0, &["a"]);
    logs.close();
    assert_eq!(texts(&*open(directory.path()).commands(), 0), ["a"]);
}

#[test]
fn a_lock_file_left_by_a_killed_process_is_no_obstacle() {
    let directory = tempdir().unwrap();
    let text = "pid 1\ncommand timedeal serve\nsince_ms 5 (1970-01-01T00:00:00.005Z)\n";
    std::fs::write(directory.path().join("timedeal.lock"), text).unwrap();
    drop(open(directory.path()));
}

#[test]
fn handles_that_outlive_their_logs_are_closed() {
    let directory = tempdir().unwrap();
    let log = open(directory.path()).commands();
    let error = block_on(log.append(0, vec![record("late")])).unwrap_err();
    assert!(matches!(error, AppendError::Unavailable { .. }), "{error}");
    block_on(log.wait(0, 0));
}

#[test]
fn another_partition_count_is_refused() {
    let directory = tempdir().unwrap();
    drop(open(directory.path()));
    let wanted = Options::new(4, Hand::default().clock());
    let error = EmbeddedLogs::open(directory.path(), wanted).unwrap_err();
    assert!(matches!(error, OpenError::Partitions { found: 2, wanted: 4, .. }), "{error}");
    // And the refusal leaves the directory free.
    drop(open(directory.path()));
}

#[test]
fn impossible_partition_counts_are_refused() {
    let directory = tempdir().unwrap();
    for wanted in [0, 257] {
        let options = Options::new(wanted, Hand::default().clock());
        let error = EmbeddedLogs::open(directory.path(), options).unwrap_err();
        assert!(matches!(error, OpenError::PartitionCount { .. }), "{error}");
    }
    let most = Options::new(256, Hand::default().clock());
    let logs = EmbeddedLogs::open(directory.path(), most).unwrap();
    append(&*logs.dead_letters(), 255, &["a"]);
    let file = Connection::open(directory.path().join("log.sqlite")).unwrap();
    let found: (i64, String) = file
        .query_row("SELECT partition, payload FROM dead_letters", [], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .unwrap();
    assert_eq!(found, (255, "a".to_owned()));
}

#[test]
fn a_newer_format_is_refused() {
    let directory = tempdir().unwrap();
    drop(open(directory.path()));
    let file = Connection::open(directory.path().join("log.sqlite")).unwrap();
    file.execute_batch("UPDATE meta SET value = 2 WHERE name = 'format'").unwrap();
    drop(file);
    check_refused(directory.path(), "has format version 2, this program knows version 1");
    let error = EmbeddedLogs::open_read_only(directory.path()).unwrap_err();
    assert!(matches!(error, OpenError::Format { found: 2, .. }), "{error}");
}

#[test]
fn another_database_is_not_taken_for_a_log() {
    let directory = tempdir().unwrap();
    let file = Connection::open(directory.path().join("log.sqlite")).unwrap();
    file.execute_batch("CREATE TABLE recipes (name TEXT)").unwrap();
    drop(file);
    check_refused(directory.path(), "is not a log");
}

#[test]
fn a_damaged_file_is_refused() {
    let directory = tempdir().unwrap();
    let path = directory.path().join("log.sqlite");
    std::fs::write(&path, vec![0x5a; 8_192]).unwrap();
    check_refused(directory.path(), "is damaged");
    std::fs::remove_file(&path).unwrap();
    let logs = open(directory.path());
    append(&*logs.commands(), 0, &["a"]);
    drop(logs);
    let bytes = std::fs::read(&path).unwrap();
    std::fs::write(&path, &bytes[..8_192]).unwrap();
    check_refused(directory.path(), "is damaged");
}

#[test]
fn a_directory_that_cannot_be_made_is_named() {
    let directory = tempdir().unwrap();
    let file = directory.path().join("file");
    std::fs::write(&file, "").unwrap();
    check_refused(&file.join("data"), "file/data");
}

#[test]
fn old_records_are_read_from_the_file() {
    let directory = tempdir().unwrap();
    let small = Options { tail_records_max: 4, ..options(&Hand::default()) };
    let logs = EmbeddedLogs::open(directory.path(), small).unwrap();
    let log = logs.commands();
    for number in 0..100 {
        append(&*log, 0, &[&number.to_string()]);
    }
    let limits = ReadLimits { records_max: 7, bytes_max: 1_000 };
    let mut from = 0;
    while from < 100 {
        let batch = read(&*log, 0, from, limits).unwrap();
        assert_eq!(batch.end, 100);
        for stored in batch.records {
            assert_eq!((stored.offset, &stored.payload[..]), (from, from.to_string().as_bytes()));
            from += 1;
        }
    }
}

#[test]
fn a_gap_in_the_file_is_an_error_and_never_skipped() {
    let directory = tempdir().unwrap();
    let logs = open(directory.path());
    append(&*logs.commands(), 0, &["a", "b", "c"]);
    drop(logs);
    let file = Connection::open(directory.path().join("log.sqlite")).unwrap();
    file.execute_batch("DELETE FROM commands_0 WHERE offset = 1").unwrap();
    let logs = open(directory.path());
    let error = read(&*logs.commands(), 0, 0, ALL).unwrap_err();
    assert!(error.to_string().contains("offset 1 is missing"), "{error}");
}

#[test]
fn people_can_read_the_file() {
    let directory = tempdir().unwrap();
    let hand = Hand::default();
    hand.set(1_700_000_000_123);
    let logs = EmbeddedLogs::open(directory.path(), options(&hand)).unwrap();
    append(&*logs.commands(), 1, &["{\"v\":1}"]);
    let file = Connection::open(directory.path().join("log.sqlite")).unwrap();
    let row: (i64, i64, String, String) = file
        .query_row("SELECT partition, offset, log_time, payload FROM commands", [], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
        })
        .unwrap();
    assert_eq!(row, (1, 0, "2023-11-14T22:13:20.123Z".to_owned(), "{\"v\":1}".to_owned()));
}

#[test]
fn a_reader_beside_the_writer_sees_what_is_committed() {
    let directory = tempdir().unwrap();
    let logs = open(directory.path());
    append(&*logs.commands(), 0, &["a"]);
    let beside = EmbeddedLogs::open_read_only(directory.path()).unwrap();
    let log = beside.commands();
    assert_eq!(log.partitions(), 2);
    assert_eq!(texts(&*log, 0), ["a"]);
    append(&*logs.commands(), 0, &["b", "c"]);
    assert_eq!(block_on(log.end(0)).unwrap(), 3);
    assert_eq!(texts(&*log, 0), ["a", "b", "c"]);
    let error = read(&*log, 0, 4, ALL).unwrap_err();
    assert!(matches!(error, ReadError::OutOfRange { start: 0, end: 3, .. }), "{error}");
    let error = block_on(log.append(0, vec![record("d")])).unwrap_err();
    assert!(matches!(error, AppendError::Unavailable { .. }), "{error}");
}

#[test]
fn a_reader_beside_the_writer_can_wait() {
    let directory = tempdir().unwrap();
    let logs = open(directory.path());
    let beside = EmbeddedLogs::open_read_only(directory.path()).unwrap();
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| {
            let log = beside.decisions();
            block_on(log.wait(1, 1));
            texts(&*log, 1)
        });
        append(&*logs.decisions(), 1, &["a", "b"]);
        assert_eq!(waiting.join().unwrap(), ["a", "b"]);
    });
    // Closing lets go whoever still waits.
    std::thread::scope(|scope| {
        scope.spawn(|| block_on(beside.commands().wait(0, 0)));
        beside.close();
    });
}

#[test]
fn a_log_that_nobody_writes_can_be_read() {
    let directory = tempdir().unwrap();
    let logs = open(directory.path());
    append(&*logs.commands(), 0, &["a"]);
    drop(logs);
    let beside = EmbeddedLogs::open_read_only(directory.path()).unwrap();
    assert_eq!(texts(&*beside.commands(), 0), ["a"]);
    // It does not stand in the way of the next writer.
    append(&*open(directory.path()).commands(), 0, &["b"]);
    assert_eq!(texts(&*beside.commands(), 0), ["a", "b"]);
}

#[test]
fn nothing_to_read_is_said_so() {
    let directory = tempdir().unwrap();
    let error = EmbeddedLogs::open_read_only(directory.path()).unwrap_err();
    assert!(matches!(error, OpenError::Missing { .. }), "{error}");
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
}
