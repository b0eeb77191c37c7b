//! What every backend promises about reads and waits.

use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use event_log::{ReadError, ReadLimits, Record, headers};

use crate::backends::{ALL, Backend, PARTITIONS, append, block_on, read, record, texts};

pub(crate) fn what_was_appended_is_read(backend: &Backend) {
    append(&*backend.log, 0, &["a", "b"]);
    append(&*backend.log, 0, &["c"]);
    assert_eq!(texts(&*backend.log, 0), ["a", "b", "c"]);
}

pub(crate) fn keys_headers_and_payloads_come_back_as_they_were(backend: &Backend) {
    let records = vec![
        Record::default(),
        Record {
            key: Bytes::from_static(b"\x00\xffkey"),
            headers: headers([
                ("epoch", Bytes::from_static(b"7")),
                ("claim", Bytes::new()),
                ("epoch", Bytes::from(vec![0; 300])),
            ]),
            payload: Bytes::new(),
        },
        Record { payload: Bytes::from((0..=255).collect::<Vec<u8>>()), ..Record::default() },
    ];
    block_on(backend.log.append(0, records.clone())).unwrap();
    let batch = read(&*backend.log, 0, 0, ALL).unwrap();
    assert_eq!(batch.records.len(), records.len());
    for (stored, record) in batch.records.iter().zip(&records) {
        assert_eq!(stored.key, record.key);
        assert_eq!(stored.headers, record.headers);
        assert_eq!(stored.payload, record.payload);
    }
    assert_eq!(batch.records[1].header("epoch").unwrap(), "7");
    assert_eq!(batch.records[1].header("other"), None);
}

pub(crate) fn an_empty_log_reads_as_empty(backend: &Backend) {
    for partition in 0..PARTITIONS {
        let batch = read(&*backend.log, partition, 0, ALL).unwrap();
        assert_eq!((batch.records.len(), batch.end), (0, 0));
        assert_eq!(block_on(backend.log.start(partition)).unwrap(), 0);
        assert_eq!(block_on(backend.log.end(partition)).unwrap(), 0);
    }
    assert_eq!((backend.log.partitions(), backend.log.name()), (PARTITIONS, "commands"));
}

pub(crate) fn reading_at_the_end_finds_nothing(backend: &Backend) {
    append(&*backend.log, 0, &["a", "b"]);
    let batch = read(&*backend.log, 0, 2, ALL).unwrap();
    assert_eq!((batch.records.len(), batch.end), (0, 2));
}

pub(crate) fn reading_past_the_end_is_out_of_range(backend: &Backend) {
    append(&*backend.log, 1, &["a", "b"]);
    for from in [3, u64::MAX] {
        let error = read(&*backend.log, 1, from, ALL).unwrap_err();
        assert!(
            matches!(
                error,
                ReadError::OutOfRange { partition: 1, offset, start: 0, end: 2, .. }
                    if offset == from
            ),
            "{error}"
        );
    }
}

pub(crate) fn a_read_starts_where_it_was_told_to(backend: &Backend) {
    append(&*backend.log, 0, &["a", "b", "c"]);
    append(&*backend.log, 0, &["d", "e"]);
    for from in 0..5 {
        let batch = read(&*backend.log, 0, from, ALL).unwrap();
        let offsets: Vec<u64> = batch.records.iter().map(|stored| stored.offset).collect();
        assert_eq!(offsets, (from..5).collect::<Vec<_>>());
    }
}

#[track_caller]
fn check_count(backend: &Backend, from: u64, limits: (usize, usize), expected: usize) {
    let (records_max, bytes_max) = limits;
    let batch = read(&*backend.log, 0, from, ReadLimits { records_max, bytes_max }).unwrap();
    assert_eq!(batch.records.len(), expected);
    assert_eq!(batch.records[0].offset, from);
}

pub(crate) fn a_read_stops_at_its_record_limit(backend: &Backend) {
    append(&*backend.log, 0, &["a", "b", "c"]);
    append(&*backend.log, 0, &["d"]);
    check_count(backend, 0, (2, usize::MAX), 2);
    check_count(backend, 1, (2, usize::MAX), 2);
    check_count(backend, 2, (2, usize::MAX), 2);
    check_count(backend, 3, (2, usize::MAX), 1);
}

pub(crate) fn a_read_stops_at_its_byte_limit(backend: &Backend) {
    append(&*backend.log, 0, &["1234567890", "1234567890", ""]);
    append(&*backend.log, 0, &["1234567890"]);
    check_count(backend, 0, (usize::MAX, 19), 1);
    check_count(backend, 0, (usize::MAX, 20), 3);
    check_count(backend, 0, (usize::MAX, 29), 3);
    check_count(backend, 0, (usize::MAX, 30), 4);
}

pub(crate) fn a_read_returns_one_record_at_least(backend: &Backend) {
    append(&*backend.log, 0, &["1234567890", "1234567890"]);
    check_count(backend, 0, (1, 0), 1);
    check_count(backend, 1, (0, 9), 1);
}

pub(crate) fn a_batch_names_the_end_of_the_log(backend: &Backend) {
    append(&*backend.log, 0, &["a", "b", "c"]);
    let batch = read(&*backend.log, 0, 0, ReadLimits { records_max: 1, bytes_max: 100 }).unwrap();
    assert_eq!((batch.records.len(), batch.end), (1, 3));
}

pub(crate) fn a_record_is_readable_once_its_receipt_has_answered(backend: &Backend) {
    for number in 0..50 {
        let appended = append(&*backend.log, 0, &[&number.to_string()])[0];
        assert_eq!(block_on(backend.log.end(0)).unwrap(), appended.offset + 1);
        let batch = read(&*backend.log, 0, appended.offset, ALL).unwrap();
        assert_eq!(batch.records[0].payload, number.to_string());
    }
}

#[track_caller]
fn check_unavailable(backend: &Backend, partition: u16) {
    let error = read(&*backend.log, partition, 0, ALL).unwrap_err();
    assert!(matches!(error, ReadError::Unavailable { .. }), "{error}");
    let error = block_on(backend.log.end(partition)).unwrap_err();
    assert!(matches!(error, ReadError::Unavailable { .. }), "{error}");
}

pub(crate) fn reading_no_partition_is_refused(backend: &Backend) {
    check_unavailable(backend, PARTITIONS);
}

pub(crate) fn reading_after_close_is_refused(backend: &Backend) {
    append(&*backend.log, 0, &["a"]);
    backend.close();
    check_unavailable(backend, 0);
}

pub(crate) fn waiting_for_what_is_there_ends_at_once(backend: &Backend) {
    append(&*backend.log, 0, &["a", "b"]);
    let mut context = Context::from_waker(Waker::noop());
    for offset in [0, 1] {
        assert_eq!(backend.log.wait(0, offset).as_mut().poll(&mut context), Poll::Ready(()));
    }
    assert_eq!(backend.log.wait(0, 2).as_mut().poll(&mut context), Poll::Pending);
    assert_eq!(backend.log.wait(1, 0).as_mut().poll(&mut context), Poll::Pending);
}

pub(crate) fn waiting_ends_when_the_record_comes(backend: &Backend) {
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            for offset in 0..20 {
                block_on(backend.log.wait(0, offset));
                let batch = read(&*backend.log, 0, offset, ALL).unwrap();
                assert_eq!(batch.records[0].offset, offset);
            }
        });
        for _ in 0..20 {
            append(&*backend.log, 1, &["elsewhere"]);
            append(&*backend.log, 0, &["here"]);
        }
        reader.join().unwrap();
    });
}

pub(crate) fn waiting_for_a_later_offset_outlives_earlier_records(backend: &Backend) {
    let mut context = Context::from_waker(Waker::noop());
    let mut wait = backend.log.wait(0, 2);
    assert_eq!(wait.as_mut().poll(&mut context), Poll::Pending);
    append(&*backend.log, 0, &["a", "b"]);
    // It may end early, but must not forget the record that it waits for.
    if wait.as_mut().poll(&mut context).is_ready() {
        wait = backend.log.wait(0, 2);
    }
    append(&*backend.log, 0, &["c"]);
    block_on(wait);
}

pub(crate) fn every_waiting_reader_is_woken(backend: &Backend) {
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| block_on(backend.log.wait(2, 0)));
        }
        block_on(backend.log.append(2, vec![record("all of you")])).unwrap();
    });
}

pub(crate) fn waiting_ends_when_the_log_is_closed(backend: &Backend) {
    let mut wait = backend.log.wait(0, 0);
    let mut context = Context::from_waker(Waker::noop());
    assert_eq!(wait.as_mut().poll(&mut context), Poll::Pending);
    backend.close();
    block_on(wait);
    block_on(backend.log.wait(0, 99));
}
