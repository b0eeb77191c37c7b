//! Readers while leaders change and answers to them fail. The pretended cluster does it.

use std::ops::Range;
use std::thread;
use std::time::Duration;

use event_log::{Log, ReadError, ReadLimits};
use rdkafka::types::{RDKafkaApiKey, RDKafkaRespErr};
use schemas::Partition;

use crate::backends::{ALL, block_on, read};
use crate::outcomes::eventually;
use crate::pretended::Pretended;

/// So that there is always something left to read.
const FEW: ReadLimits = ReadLimits { records_max: 3, ..ALL };

/// Reads everything up to `end` from the start, waiting where there is nothing yet. Leaders may be
/// unknown for a while.
fn read_on(log: &dyn Log, partition: Partition, end: u64, limits: ReadLimits) -> Vec<String> {
    let mut texts = Vec::new();
    while (texts.len() as u64) < end {
        let next = texts.len() as u64;
        block_on(log.wait(partition, next));
        match read(log, partition, next, limits) {
            Ok(batch) => {
                for (offset, stored) in (next..).zip(batch.records) {
                    assert_eq!(stored.offset, offset);
                    texts.push(String::from_utf8(stored.payload.to_vec()).unwrap());
                }
            }
            Err(ReadError::Unavailable { .. }) => {}
            Err(other) => panic!("{other}"),
        }
    }
    texts
}

fn numbered(range: Range<u64>) -> Vec<String> {
    range.map(|number| number.to_string()).collect()
}

#[test]
fn readers_follow_their_partition_to_its_next_leader() {
    const ROUNDS: u64 = 6;
    let pretended = Pretended::new(1);
    let (log, partition) = (&*pretended.log, pretended.partition);
    pretended.seed(1, &numbered(0..50));
    thread::scope(|scope| {
        let end = 50 * (ROUNDS + 1);
        let readers =
            [ALL, FEW].map(|limits| scope.spawn(move || read_on(log, partition, end, limits)));
        for round in 1..=ROUNDS {
            let leader = round as i32 % 3 + 1;
            pretended.lead(partition, leader);
            pretended.seed(leader, &numbered(50 * round..50 * (round + 1)));
            // Somebody has come so far before the leader changes again.
            let is_read = |it: event_log::Batch| !it.records.is_empty();
            eventually(|| read(log, partition, 50 * round, FEW).is_ok_and(is_read));
        }
        for reader in readers {
            assert_eq!(reader.join().unwrap(), numbered(0..end));
        }
    });
}

#[test]
fn a_fetch_that_fails_loses_and_repeats_nothing() {
    let pretended = Pretended::new(1);
    let (log, partition) = (&*pretended.log, pretended.partition);
    pretended.seed(1, &numbered(0..20));
    assert_eq!(read_on(log, partition, 20, ALL), numbered(0..20));
    let errors = [
        RDKafkaRespErr::RD_KAFKA_RESP_ERR__TRANSPORT,
        RDKafkaRespErr::RD_KAFKA_RESP_ERR_KAFKA_STORAGE_ERROR,
        RDKafkaRespErr::RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION,
        RDKafkaRespErr::RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART,
        RDKafkaRespErr::RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE,
        RDKafkaRespErr::RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED,
        RDKafkaRespErr::RD_KAFKA_RESP_ERR_UNKNOWN,
    ];
    for (round, error) in (1..).zip(errors) {
        let end = 20 * (round + 1);
        // Twice: for the reader at the end, and for one that comes from the start.
        pretended.answer(RDKafkaApiKey::Fetch, &[error]);
        pretended.seed(1, &numbered(20 * round..end));
        assert_eq!(read_on(log, partition, end, ALL), numbered(0..end), "{error:?}");
        pretended.answer(RDKafkaApiKey::Fetch, &[error]);
        assert_eq!(read_on(log, partition, end, FEW), numbered(0..end), "{error:?}");
    }
}

/// A broker that says of one partition that it does not lead it has said nothing against the
/// others.
#[test]
fn ends_are_known_of_the_partitions_that_are_well() {
    let pretended = Pretended::new(3);
    let (log, first) = (&*pretended.log, pretended.partition);
    for partition in first..first + 3 {
        eventually(|| block_on(log.end(partition)).is_ok());
    }
    // Questions wait for each other while one of them is being answered.
    let round_trip = Duration::from_millis(100);
    pretended.with(move |cluster| cluster.broker_round_trip_time(-1, round_trip).unwrap());
    for round in 0..3 {
        pretended.lead(first, round % 2 + 2);
        thread::scope(|scope| {
            let ask = |partition| (block_on(log.start(partition)), block_on(log.end(partition)));
            let asked = [first + 1, first, first + 2]
                .map(|partition| (partition, scope.spawn(move || ask(partition))));
            for (partition, answer) in asked {
                let (start, end) = answer.join().unwrap();
                if partition > first {
                    assert_eq!((start.unwrap(), end.unwrap()), (0, 0), "{partition}");
                }
            }
        });
    }
}
