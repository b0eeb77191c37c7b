//! What the embedded backend does when the file does not do as it is told. Faults are put into the
//! file from outside, as triggers, by a second connection; the log knows nothing of tests.

use std::path::Path;

use event_log::{AppendError, EmbeddedLogs, Options};
use rusqlite::Connection;
use tempfile::{TempDir, tempdir};

use crate::backends::{Hand, append, block_on, read, record, texts};

/// A log and a second connection to its file.
fn open_with(change: impl FnOnce(&mut Options)) -> (TempDir, EmbeddedLogs, Connection) {
    let directory = tempdir().unwrap();
    let mut options = Options::new(2, Hand::default().clock());
    change(&mut options);
    let logs = EmbeddedLogs::open(directory.path(), options).unwrap();
    let beside = Connection::open(directory.path().join("log.sqlite")).unwrap();
    (directory, logs, beside)
}

fn wal_bytes(directory: &Path) -> u64 {
    std::fs::metadata(directory.join("log.sqlite-wal")).unwrap().len()
}

#[test]
fn a_full_disk_refuses_and_gives_way_when_there_is_room_again() {
    let (_directory, logs, beside) = open_with(|options| options.file_bytes_max = Some(1 << 20));
    beside.execute_batch("CREATE TABLE filler AS SELECT zeroblob(500000)").unwrap();
    let log = logs.commands();
    let mut taken = 0;
    let refused = loop {
        match block_on(log.append(0, vec![record("x".repeat(100_000))])) {
            Ok(_) => taken += 1,
            Err(error) => break error,
        }
        assert!(taken < 100, "the file was allowed to grow");
    };
    assert!(matches!(refused, AppendError::Unavailable { .. }), "{refused}");
    assert!(refused.to_string().contains("full"), "{refused}");
    assert_eq!(block_on(log.end(0)).unwrap(), taken);
    // What was taken stays readable, and the other logs' ends did not move either.
    assert_eq!(texts(&*log, 0).len() as u64, taken);
    assert_eq!(block_on(logs.decisions().end(0)).unwrap(), 0);
    beside.execute_batch("DROP TABLE filler").unwrap();
    let appended = append(&*log, 0, &[&"y".repeat(100_000)]);
    assert_eq!(appended[0].offset, taken);
}

#[test]
fn a_group_that_fails_half_way_writes_nothing() {
    let (_directory, logs, beside) = open_with(|_| {});
    append(&*logs.commands(), 0, &["a"]);
    beside
        .execute_batch(
            "CREATE TRIGGER fault AFTER INSERT ON commands_0 WHEN NEW.offset = 3
             BEGIN SELECT RAISE(ABORT, 'simulated fault'); END",
        )
        .unwrap();
    let receipt = logs.commands().append(0, ["b", "c", "d"].map(record).into());
    let error = block_on(receipt).unwrap_err();
    assert!(matches!(error, AppendError::Unavailable { .. }), "{error}");
    assert!(error.to_string().contains("simulated fault"), "{error}");
    assert_eq!(texts(&*logs.commands(), 0), ["a"]);
    // The next append goes on where the log really ends.
    assert_eq!(append(&*logs.commands(), 0, &["e", "f"])[0].offset, 1);
    assert_eq!(texts(&*logs.commands(), 0), ["a", "e", "f"]);
}

#[test]
fn a_commit_that_fails_is_unknown_and_the_log_recovers() {
    let (_directory, logs, beside) = open_with(|_| {});
    append(&*logs.commands(), 0, &["a"]);
    // Checked only by COMMIT itself.
    beside
        .execute_batch(
            "CREATE TABLE parent (id INTEGER PRIMARY KEY);
             CREATE TABLE child (id REFERENCES parent DEFERRABLE INITIALLY DEFERRED);
             CREATE TRIGGER fault AFTER INSERT ON commands_0
             BEGIN INSERT INTO child VALUES (1); END",
        )
        .unwrap();
    let error = block_on(logs.commands().append(0, vec![record("b")])).unwrap_err();
    assert!(matches!(error, AppendError::Unknown { .. }), "{error}");
    // Other tables of the same file are served at once.
    assert_eq!(append(&*logs.decisions(), 0, &["c"])[0].offset, 0);
    beside.execute_batch("DROP TRIGGER fault").unwrap();
    assert_eq!(append(&*logs.commands(), 0, &["d"])[0].offset, 1);
    assert_eq!(texts(&*logs.commands(), 0), ["a", "d"]);
}

/// What stands in the file after an unknown outcome counts, whoever put it there.
#[test]
fn after_a_failed_commit_the_file_says_where_the_log_ends() {
    let (_directory, logs, beside) = open_with(|_| {});
    append(&*logs.commands(), 0, &["a"]);
    beside
        .execute_batch(
            "INSERT INTO commands_1 VALUES (0, 7000, x'', x'', CAST('landed' AS BLOB));
             CREATE TABLE parent (id INTEGER PRIMARY KEY);
             CREATE TABLE child (id REFERENCES parent DEFERRABLE INITIALLY DEFERRED);
             CREATE TRIGGER fault AFTER INSERT ON commands_0
             BEGIN INSERT INTO child VALUES (1); END",
        )
        .unwrap();
    let error = block_on(logs.commands().append(0, vec![record("b")])).unwrap_err();
    assert!(matches!(error, AppendError::Unknown { .. }), "{error}");
    block_on(logs.commands().wait(1, 0));
    assert_eq!(texts(&*logs.commands(), 1), ["landed"]);
    let appended = append(&*logs.commands(), 1, &["c"])[0];
    assert_eq!((appended.offset, appended.log_time.as_millis()), (1, 7_000));
}

#[test]
fn a_log_whose_records_vanish_takes_no_more() {
    let (_directory, logs, beside) = open_with(|_| {});
    append(&*logs.commands(), 0, &["a", "b"]);
    beside
        .execute_batch(
            "DELETE FROM commands_0 WHERE offset = 1;
             CREATE TABLE parent (id INTEGER PRIMARY KEY);
             CREATE TABLE child (id REFERENCES parent DEFERRABLE INITIALLY DEFERRED);
             CREATE TRIGGER fault AFTER INSERT ON decisions_0
             BEGIN INSERT INTO child VALUES (1); END",
        )
        .unwrap();
    let error = block_on(logs.decisions().append(0, vec![record("c")])).unwrap_err();
    assert!(matches!(error, AppendError::Unknown { .. }), "{error}");
    let error = block_on(logs.commands().append(0, vec![record("d")])).unwrap_err();
    assert!(matches!(error, AppendError::Unavailable { .. }), "{error}");
    assert!(error.to_string().contains("commands_0 ends at 1 in the file, not at 2"), "{error}");
    // Put back, the next append finds it.
    beside
        .execute_batch("INSERT INTO commands_0 VALUES (1, 0, x'', x'', x'62'); DROP TRIGGER fault")
        .unwrap();
    assert_eq!(append(&*logs.commands(), 0, &["d"])[0].offset, 2);
    assert_eq!(texts(&*logs.commands(), 0), ["a", "b", "d"]);
}

#[test]
fn appends_beyond_the_queue_are_refused_at_once() {
    let (_directory, logs, beside) = open_with(|options| {
        options.queue_records_max = 10;
        options.group_records_max = 1;
    });
    // The writer is held up, so the queue can only fill.
    beside.execute_batch("BEGIN IMMEDIATE").unwrap();
    let log = logs.commands();
    let mut receipts: Vec<_> = (0..20).map(|_| log.append(0, vec![record("x")])).collect();
    let error = block_on(receipts.pop().unwrap()).unwrap_err();
    assert!(matches!(error, AppendError::Full { partition: 0, .. }), "{error}");
    beside.execute_batch("ROLLBACK").unwrap();
    let taken = receipts.into_iter().filter_map(|receipt| block_on(receipt).ok()).count();
    // Ten waited, and one may have been in the writer's hand.
    assert!((10..=11).contains(&taken), "{taken}");
    assert_eq!(block_on(log.end(0)).unwrap(), taken as u64);
}

#[test]
fn the_write_ahead_log_is_shortened_once_a_reader_lets_go() {
    let (directory, logs, beside) = open_with(|options| options.wal_bytes_max = 1 << 20);
    let log = logs.commands();
    append(&*log, 0, &["a"]);
    // A reader that holds its transaction keeps the write-ahead log from starting over.
    beside.execute_batch("BEGIN").unwrap();
    let count = "SELECT count(*) FROM commands_0";
    assert_eq!(beside.query_row(count, [], |row| row.get::<_, i64>(0)).unwrap(), 1);
    for _ in 0..30 {
        append(&*log, 0, &[&"x".repeat(500_000)]);
    }
    assert!(wal_bytes(directory.path()) > 10 << 20);
    beside.execute_batch("COMMIT").unwrap();
    for _ in 0..30 {
        append(&*log, 0, &[&"x".repeat(500_000)]);
    }
    assert!(wal_bytes(directory.path()) < 4 << 20, "{}", wal_bytes(directory.path()));
    assert_eq!(read(&*log, 0, 60, crate::backends::ALL).unwrap().records.len(), 1);
}
