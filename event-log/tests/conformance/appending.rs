//! What every backend promises about appends.

use bytes::Bytes;
use event_log::{AppendError, RECORD_BYTES_MAX, Record, headers};
use schemas::Timestamp;

use crate::backends::{ALL, Backend, PARTITIONS, append, block_on, read, record, texts};

pub(crate) fn the_first_record_has_offset_zero_and_the_rest_follow(backend: &Backend) {
    for expected in 0..5 {
        assert_eq!(append(&*backend.log, 0, &["x"])[0].offset, expected);
    }
    assert_eq!(block_on(backend.log.start(0)).unwrap(), 0);
    assert_eq!(block_on(backend.log.end(0)).unwrap(), 5);
}

pub(crate) fn a_receipt_tells_offsets_in_the_order_of_the_records(backend: &Backend) {
    append(&*backend.log, 0, &["before"]);
    let appended = append(&*backend.log, 0, &["a", "b", "c"]);
    assert_eq!(appended.iter().map(|it| it.offset).collect::<Vec<_>>(), [1, 2, 3]);
    for (appended, text) in appended.iter().zip(["a", "b", "c"]) {
        let stored = &read(&*backend.log, 0, appended.offset, ALL).unwrap().records[0];
        assert_eq!((&stored.payload[..], stored.log_time), (text.as_bytes(), appended.log_time));
    }
}

pub(crate) fn appends_of_one_caller_stand_in_the_order_of_the_calls(backend: &Backend) {
    let call = |number: u32| backend.log.append(0, vec![record(number.to_string())]);
    let receipts: Vec<_> = (0..500).map(call).collect();
    // Whoever is asked first: the order is that of the calls.
    for receipt in receipts.into_iter().rev() {
        block_on(receipt).unwrap();
    }
    let expected: Vec<String> = (0..500).map(|number| number.to_string()).collect();
    assert_eq!(texts(&*backend.log, 0), expected);
}

pub(crate) fn appends_from_many_threads_are_all_there_once_and_in_each_callers_order(
    backend: &Backend,
) {
    std::thread::scope(|scope| {
        for caller in 0..4 {
            scope.spawn(move || {
                for number in 0..100 {
                    let pair = ["a", "b"].map(|half| record(format!("{caller} {number:03}{half}")));
                    block_on(backend.log.append(0, pair.into())).unwrap();
                }
            });
        }
    });
    let texts = texts(&*backend.log, 0);
    assert_eq!(texts.len(), 800);
    assert!(texts.chunks(2).all(|pair| pair[0][..5] == pair[1][..5]), "calls are not torn");
    for caller in ["0", "1", "2", "3"] {
        let own: Vec<_> = texts.iter().filter(|text| text.starts_with(caller)).collect();
        assert_eq!(own.len(), 200);
        assert!(own.is_sorted());
    }
}

pub(crate) fn partitions_do_not_know_of_each_other(backend: &Backend) {
    append(&*backend.log, 0, &["a", "b"]);
    append(&*backend.log, 2, &["c"]);
    assert_eq!(texts(&*backend.log, 0), ["a", "b"]);
    assert_eq!(texts(&*backend.log, 1), [""; 0]);
    assert_eq!(texts(&*backend.log, 2), ["c"]);
    assert_eq!(append(&*backend.log, 1, &["d"])[0].offset, 0);
}

pub(crate) fn an_append_of_nothing_leaves_no_trace(backend: &Backend) {
    assert_eq!(append(&*backend.log, 0, &[]), []);
    assert_eq!(block_on(backend.log.end(0)).unwrap(), 0);
}

pub(crate) fn an_append_of_nothing_does_not_count_for_log_time(backend: &Backend) {
    backend.hand.set(5_000);
    assert_eq!(append(&*backend.log, 0, &[]), []);
    check_time(backend, 1_000, 1_000);
}

/// Key, header and payload weigh `bytes` together.
fn heavy(bytes: usize) -> Record {
    Record {
        key: Bytes::from_static(b"key"),
        headers: headers([("name", Bytes::from_static(b"value"))]),
        payload: Bytes::from(vec![b'x'; bytes - "key".len() - "name".len() - "value".len()]),
    }
}

pub(crate) fn the_largest_record_is_taken(backend: &Backend) {
    block_on(backend.log.append(0, vec![heavy(RECORD_BYTES_MAX)])).unwrap();
    let stored = &read(&*backend.log, 0, 0, ALL).unwrap().records[0];
    assert_eq!(stored.payload, heavy(RECORD_BYTES_MAX).payload);
}

pub(crate) fn a_record_that_is_too_large_is_refused_with_all_of_its_call(backend: &Backend) {
    let records = vec![record("fits"), heavy(RECORD_BYTES_MAX + 1)];
    let error = block_on(backend.log.append(1, records)).unwrap_err();
    assert!(
        matches!(
            error,
            AppendError::TooLarge { partition: 1, bytes, bytes_max: RECORD_BYTES_MAX, .. }
                if bytes == RECORD_BYTES_MAX + 1
        ),
        "{error}"
    );
    assert_eq!(append(&*backend.log, 1, &["next"])[0].offset, 0);
}

#[track_caller]
fn check_unavailable(backend: &Backend, partition: u16) {
    let error = block_on(backend.log.append(partition, vec![record("x")])).unwrap_err();
    assert!(matches!(error, AppendError::Unavailable { .. }), "{error}");
}

pub(crate) fn an_append_to_no_partition_is_refused(backend: &Backend) {
    check_unavailable(backend, PARTITIONS);
}

pub(crate) fn an_append_after_close_is_refused(backend: &Backend) {
    append(&*backend.log, 0, &["before"]);
    backend.close();
    check_unavailable(backend, 0);
    let nothing = block_on(backend.log.append(0, Vec::new()));
    assert!(matches!(nothing, Err(AppendError::Unavailable { .. })), "{nothing:?}");
    // Closing twice does nothing more.
    backend.close();
}

pub(crate) fn dropping_a_receipt_takes_nothing_back(backend: &Backend) {
    drop(backend.log.append(0, vec![record("dropped")]));
    assert_eq!(append(&*backend.log, 0, &["next"])[0].offset, 1);
    assert_eq!(texts(&*backend.log, 0), ["dropped", "next"]);
}

#[track_caller]
fn check_time(backend: &Backend, clock_ms: i64, expected_ms: i64) {
    backend.hand.set(clock_ms);
    let appended = append(&*backend.log, 0, &["x"]);
    assert_eq!(appended[0].log_time, Timestamp::from_millis(expected_ms));
    let stored = read(&*backend.log, 0, appended[0].offset, ALL).unwrap();
    assert_eq!(stored.records[0].log_time, appended[0].log_time);
}

pub(crate) fn log_time_follows_the_clock(backend: &Backend) {
    check_time(backend, 1_000, 1_000);
    check_time(backend, 1_000, 1_000);
    check_time(backend, 2_500, 2_500);
}

pub(crate) fn log_time_never_falls_when_the_clock_goes_back(backend: &Backend) {
    check_time(backend, 5_000, 5_000);
    check_time(backend, 1_000, 5_000);
    check_time(backend, 4_999, 5_000);
    check_time(backend, 5_001, 5_001);
    // Another partition never saw the later time.
    backend.hand.set(3_000);
    assert_eq!(append(&*backend.log, 1, &["x"])[0].log_time, Timestamp::from_millis(3_000));
}

pub(crate) fn log_time_waits_for_a_clock_that_was_ahead(backend: &Backend) {
    check_time(backend, 10_000, 10_000);
    check_time(backend, 13_000, 13_000);
    for clock_ms in [10_001, 11_500, 12_999, 13_000] {
        check_time(backend, clock_ms, 13_000);
    }
    check_time(backend, 13_001, 13_001);
}
