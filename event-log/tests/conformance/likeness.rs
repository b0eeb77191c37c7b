//! The embedded backend, opened again at any moment, answers every script as the simulated one.

use std::sync::Arc;

use bytes::Bytes;
use event_log::{EmbeddedLogs, Headers, Log, Options, ReadLimits, Record, SimulatedLog};
use proptest::prelude::*;
use tempfile::tempdir;

use crate::backends::{Hand, block_on, read};

const PARTITIONS: u16 = 2;

#[derive(Clone, Debug)]
enum Step {
    Append { partition: u16, records: Vec<Record> },
    Read { partition: u16, from: u64, limits: ReadLimits },
    Bounds { partition: u16 },
    Turn { clock_ms: i64 },
    Reopen,
}

fn bytes(length: usize) -> impl Strategy<Value = Bytes> {
    prop::collection::vec(any::<u8>(), 0..length).prop_map(Bytes::from)
}

fn records() -> impl Strategy<Value = Vec<Record>> {
    let names = prop::sample::select(vec!["", "a", "epoch"]).prop_map(Arc::from);
    let headers = prop::collection::vec((names, bytes(200)), 0..3).prop_map(Headers::from);
    let record = (bytes(5), headers, bytes(40)).prop_map(|(key, headers, payload)| Record {
        key,
        headers,
        payload,
    });
    prop::collection::vec(record, 0..4)
}

fn step() -> impl Strategy<Value = Step> {
    let partition = || 0..PARTITIONS + 1;
    let limits = (0..6_usize, 0..100_usize)
        .prop_map(|(records_max, bytes_max)| ReadLimits { records_max, bytes_max });
    prop_oneof![
        6 => (partition(), records())
            .prop_map(|(partition, records)| Step::Append { partition, records }),
        6 => (partition(), 0..20_u64, limits)
            .prop_map(|(partition, from, limits)| Step::Read { partition, from, limits }),
        2 => partition().prop_map(|partition| Step::Bounds { partition }),
        2 => (0..10_000_i64).prop_map(|clock_ms| Step::Turn { clock_ms }),
        1 => Just(Step::Reopen),
    ]
}

/// What a log answers to a step, as text: errors have no equality of their own.
fn answer(log: &dyn Log, step: &Step) -> String {
    match step {
        Step::Append { partition, records } => {
            format!("{:?}", block_on(log.append(*partition, records.clone())))
        }
        Step::Read { partition, from, limits } => {
            format!("{:?}", read(log, *partition, *from, *limits))
        }
        Step::Bounds { partition } => {
            let bounds = (block_on(log.start(*partition)), block_on(log.end(*partition)));
            format!("{bounds:?}")
        }
        Step::Turn { .. } | Step::Reopen => String::new(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn every_script_is_answered_alike(
        script in prop::collection::vec(step(), 1..40),
        tail_records_max in 1..8_usize,
    ) {
        let (hand, directory) = (Hand::default(), tempdir().unwrap());
        let open = || {
            let options = Options { tail_records_max, ..Options::new(PARTITIONS, hand.clock()) };
            EmbeddedLogs::open(directory.path(), options).unwrap()
        };
        let simulated = SimulatedLog::new("commands", PARTITIONS, hand.clock());
        let mut embedded = open();
        let mut log: Arc<dyn Log> = embedded.commands();
        for step in &script {
            if let Step::Turn { clock_ms } = step {
                hand.set(*clock_ms);
            }
            if let Step::Reopen = step {
                embedded.close();
                embedded = open();
                log = embedded.commands();
            }
            prop_assert_eq!(answer(&*log, step), answer(&simulated, step), "{:?}", step);
        }
    }
}
