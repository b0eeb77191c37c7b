//! Links to a real broker that are cut, blocked, or carry no answers.

use event_log::kafka::{KafkaLogs, KafkaOptions};
use event_log::{AppendError, Appended, Log, ReadError, ReadLimits};

use crate::backends::{ALL, Broker, append, block_on, read, record, texts};
use crate::outcomes::{Pending, eventually};
use crate::pretended::impatient;
use crate::proxy::Proxy;

/// The broker's logs as reached through a proxy.
fn through(broker: &Broker) -> (Proxy, KafkaLogs) {
    through_with(broker, impatient())
}

fn through_with(broker: &Broker, options: KafkaOptions) -> (Proxy, KafkaLogs) {
    let proxy = Proxy::to(broker.connection.url.brokers.clone());
    let mut connection = broker.connection.clone();
    connection.url.brokers = proxy.address().to_owned();
    let logs = KafkaLogs::open(&connection, options).unwrap();
    (proxy, logs)
}

fn append_one(log: &dyn Log) -> Result<Vec<Appended>, AppendError> {
    block_on(log.append(0, vec![record("x")]))
}

#[test]
fn a_link_that_breaks_while_appending_neither_loses_nor_repeats_nor_swaps() {
    const ROUNDS: u64 = 4;
    let broker = Broker::new();
    let direct = broker.open(impatient());
    let (proxy, logs) = through(&broker);
    let log = logs.commands();
    let mut pending = Pending::default();
    for round in 0..ROUNDS {
        (0..300).for_each(|number| pending.append(&*log, 0, format!("{round}/{number}")));
        proxy.cut();
        (300..400).for_each(|number| pending.append(&*log, 0, format!("{round}/{number}")));
        proxy.mend();
        eventually(|| append_one(&*log).is_ok());
    }
    let outcomes = pending.outcomes();
    let stored = texts(&*direct.commands(), 0);
    outcomes.check(&stored);
    assert!(outcomes.appended() > 0);
    // Whoever reads, and from wherever.
    assert_eq!(texts(&*log, 0), stored);
    logs.close();
    direct.close();
}

/// The record is there, and nobody was told. The broker knows it again when it is sent once more.
#[test]
fn an_append_whose_answer_was_lost_stands_there_once() {
    let broker = Broker::new();
    let direct = broker.open(impatient());
    let (proxy, logs) = through(&broker);
    let log = logs.commands();
    append(&*log, 0, &["before"]);
    for round in 0..3 {
        let end = block_on(direct.commands().end(0)).unwrap();
        proxy.mute();
        let mut pending = Pending::default();
        pending.append(&*log, 0, format!("lost {round}"));
        block_on(direct.commands().wait(0, end));
        proxy.cut();
        proxy.mend();
        let outcomes = pending.outcomes();
        outcomes.check(&texts(&*direct.commands(), 0));
        assert_eq!(outcomes.appended() + outcomes.unknown(), 1, "it was written");
        eventually(|| append_one(&*log).is_ok());
    }
    logs.close();
    direct.close();
}

#[test]
fn an_append_that_nobody_answers_is_unknown() {
    let broker = Broker::new();
    let (proxy, logs) = through(&broker);
    let log = logs.commands();
    append(&*log, 0, &["before"]);
    proxy.stall();
    let mut pending = Pending::default();
    (0..50).for_each(|number| pending.append(&*log, 0, number.to_string()));
    let outcomes = pending.outcomes();
    assert_eq!(outcomes.unknown(), 50);
    proxy.mend();
    eventually(|| append_one(&*log).is_ok());
    outcomes.check(&texts(&*log, 0));
    logs.close();
}

/// What waits is bounded, and the bound is on whole calls.
#[test]
fn a_broker_that_falls_behind_fills_the_queue_and_no_more() {
    let broker = Broker::new();
    let options = KafkaOptions { waiting_records_max: 10, ..KafkaOptions::default() };
    let (proxy, logs) = through_with(&broker, options);
    let log = logs.commands();
    append(&*log, 0, &["before"]);
    proxy.stall();
    let mut pending = Pending::default();
    (0..9).for_each(|number| pending.append(&*log, 0, number.to_string()));
    let two = vec![record("x"), record("y")];
    let error = block_on(log.append(1, two.clone())).unwrap_err();
    assert!(matches!(error, AppendError::Full { partition: 1, .. }), "{error}");
    pending.append(&*log, 0, "last");
    let error = append_one(&*log).unwrap_err();
    assert!(matches!(error, AppendError::Full { partition: 0, .. }), "{error}");
    proxy.mend();
    let outcomes = pending.outcomes();
    assert_eq!(outcomes.appended(), 10);
    outcomes.check(&texts(&*log, 0));
    assert_eq!(block_on(log.append(1, two)).unwrap().len(), 2);
    logs.close();
}

#[test]
fn while_no_broker_answers_appends_are_refused_at_once() {
    let broker = Broker::new();
    let (proxy, logs) = through(&broker);
    let log = logs.commands();
    append(&*log, 0, &["before"]);
    proxy.cut();
    eventually(|| {
        // Now and then one is let through; this may be it.
        drop(log.append(0, vec![record("x")]));
        match append_one(&*log) {
            Ok(_) => panic!("there is no broker"),
            Err(AppendError::Unavailable { reason, .. }) => &*reason == "no broker answers",
            Err(AppendError::Unknown { .. }) => false,
            Err(other) => panic!("{other}"),
        }
    });
    proxy.mend();
    // By itself: appends that are refused do not even try.
    eventually(|| append_one(&*log).is_ok());
    logs.close();
}

#[test]
fn a_link_that_breaks_while_reading_neither_loses_nor_repeats() {
    const RECORDS: u64 = 400;
    let broker = Broker::new();
    let direct = broker.open(impatient());
    let (proxy, logs) = through(&broker);
    let (log, writer) = (logs.decisions(), direct.decisions());
    let follow = |limits| {
        let mut next = 0;
        while next < RECORDS {
            block_on(log.wait(0, next));
            match read(&*log, 0, next, limits) {
                Ok(batch) => {
                    for stored in batch.records {
                        assert_eq!(
                            (stored.offset, stored.payload),
                            (next, next.to_string().into())
                        );
                        next += 1;
                    }
                }
                Err(ReadError::Unavailable { .. }) => {}
                Err(other) => panic!("{other}"),
            }
        }
    };
    std::thread::scope(|scope| {
        for limits in [ALL, ReadLimits { records_max: 7, ..ALL }] {
            let follow = &follow;
            scope.spawn(move || follow(limits));
        }
        for number in 0..RECORDS {
            append(&*writer, 0, &[&number.to_string()]);
            if number % 50 == 25 {
                proxy.cut();
                proxy.mend();
            }
        }
    });
    logs.close();
    direct.close();
}

#[test]
fn a_reader_that_hangs_does_not_look_like_an_idle_partition() {
    let broker = Broker::new();
    let direct = broker.open(impatient());
    let (proxy, logs) = through(&broker);
    let log = logs.commands();
    append(&*direct.commands(), 0, &["a"]);
    assert_eq!(texts(&*log, 0), ["a"]);
    proxy.stall();
    append(&*direct.commands(), 0, &["b"]);
    let error = block_on(log.end(0)).unwrap_err();
    assert!(matches!(error, ReadError::Unavailable { .. }), "{error}");
    proxy.mend();
    eventually(|| block_on(log.end(0)).is_ok_and(|end| end == 2));
    assert_eq!(texts(&*log, 0), ["a", "b"]);
    // Nor does a record that is known to be there look like the end.
    append(&*direct.commands(), 1, &["a"]);
    assert_eq!(block_on(log.end(1)).unwrap(), 1);
    proxy.stall();
    let error = read(&*log, 1, 0, ALL).unwrap_err();
    assert!(matches!(error, ReadError::Unavailable { .. }), "{error}");
    logs.close();
    direct.close();
}

#[test]
fn closing_ends_although_nobody_answers() {
    let broker = Broker::new();
    let (proxy, logs) = through(&broker);
    let log = logs.commands();
    append(&*log, 0, &["before"]);
    proxy.stall();
    let receipt = log.append(0, vec![record("x")]);
    logs.close();
    let error = block_on(receipt).unwrap_err();
    assert!(matches!(error, AppendError::Unknown { .. }), "{error}");
    block_on(log.wait(0, 9));
}
