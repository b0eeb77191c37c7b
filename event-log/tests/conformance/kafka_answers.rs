//! Answers to appends that a real broker gives rarely. The pretended cluster is asked for them.

use event_log::{AppendError, Appended};
use rdkafka::types::{RDKafkaApiKey, RDKafkaRespErr};

use crate::backends::{append, block_on, record};
use crate::outcomes::{Pending, eventually};
use crate::pretended::Pretended;

const AFTER_APPEND: RDKafkaRespErr =
    RDKafkaRespErr::RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS_AFTER_APPEND;
const OUT_OF_ORDER: RDKafkaRespErr = RDKafkaRespErr::RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER;

/// What becomes of an append, the second of its partition, that the broker answers so, one answer
/// after the other.
fn answered(errors: &[RDKafkaRespErr]) -> Result<Vec<Appended>, AppendError> {
    let pretended = Pretended::new(1);
    append(&*pretended.log, pretended.partition, &["before"]);
    pretended.answer(RDKafkaApiKey::Produce, errors);
    let outcome = pretended.append_one();
    pretended.calm();
    // Whatever it was, it is over.
    eventually(|| pretended.append_one().is_ok());
    outcome
}

#[track_caller]
fn check_unknown(errors: &[RDKafkaRespErr]) {
    let error = answered(errors).expect_err("nobody knows");
    assert!(matches!(error, AppendError::Unknown { .. }), "{errors:?}: {error}");
}

#[test]
fn a_broker_that_asks_for_patience_is_asked_again() {
    for error in [
        RDKafkaRespErr::RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS,
        AFTER_APPEND,
        RDKafkaRespErr::RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT,
        RDKafkaRespErr::RD_KAFKA_RESP_ERR_KAFKA_STORAGE_ERROR,
        RDKafkaRespErr::RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION,
        RDKafkaRespErr::RD_KAFKA_RESP_ERR__TRANSPORT,
    ] {
        assert_eq!(answered(&[error]).unwrap()[0].offset, 1, "{error:?}");
    }
}

#[test]
fn while_replicas_stay_too_few_an_append_is_unknown() {
    check_unknown(&[RDKafkaRespErr::RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS; 100]);
    check_unknown(&[AFTER_APPEND; 100]);
}

#[test]
fn a_broker_that_never_has_time_makes_an_append_unknown() {
    check_unknown(&[RDKafkaRespErr::RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT; 100]);
}

/// The last answer speaks of the last attempt alone.
#[test]
fn a_refusal_after_an_attempt_that_may_have_succeeded_is_unknown() {
    check_unknown(&[AFTER_APPEND, RDKafkaRespErr::RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED]);
    check_unknown(&[AFTER_APPEND, RDKafkaRespErr::RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED]);
}

/// The client calls that a success, without an offset.
#[test]
fn a_record_that_the_broker_has_already_has_an_unknown_outcome() {
    let again = RDKafkaRespErr::RD_KAFKA_RESP_ERR_DUPLICATE_SEQUENCE_NUMBER;
    let error = answered(&[again]).unwrap_err();
    let AppendError::Unknown { reason, .. } = &error else { panic!("{error}") };
    assert!(reason.starts_with("acknowledged with"), "{error}");
}

#[test]
fn an_append_of_a_producer_that_lost_its_sequence_is_unknown_and_the_next_one_works() {
    check_unknown(&[OUT_OF_ORDER]);
    check_unknown(&[RDKafkaRespErr::RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH]);
}

#[test]
fn a_producer_that_the_broker_forgot_introduces_itself_again() {
    let forgotten = RDKafkaRespErr::RD_KAFKA_RESP_ERR_UNKNOWN_PRODUCER_ID;
    let outcome = answered(&[forgotten]);
    assert!(matches!(outcome, Ok(_) | Err(AppendError::Unknown { .. })), "{outcome:?}");
}

#[test]
fn a_record_that_the_broker_finds_too_large_is_too_large() {
    let error = answered(&[RDKafkaRespErr::RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE]).unwrap_err();
    assert!(matches!(error, AppendError::TooLarge { bytes: 3, .. }), "{error}");
}

/// Of everything that was under way some is lost, and nothing else.
#[test]
fn after_a_fatal_error_a_fresh_producer_takes_over() {
    let pretended = Pretended::new(1);
    let mut pending = Pending::default();
    for round in 0..4 {
        pretended.answer(RDKafkaApiKey::Produce, &[OUT_OF_ORDER]);
        for number in 0..200 {
            pending.append(&*pretended.log, pretended.partition, format!("{round}/{number}"));
        }
        eventually(|| pretended.append_one().is_ok());
    }
    let outcomes = pending.outcomes();
    assert!(outcomes.unknown() > 0, "the request that failed had records");
    outcomes.check(&pretended.stored());
}

#[test]
fn appends_follow_their_partition_to_its_next_leader() {
    const RECORDS: usize = 2_000;
    let pretended = Pretended::new(1);
    let (log, partition) = (&*pretended.log, pretended.partition);
    let mut pending = Pending::default();
    for number in 0..RECORDS {
        pending.append(log, partition, number.to_string());
        if number % 200 == 100 {
            // With much of what came before still under way.
            pretended.lead(partition, (number / 200 % 3) as i32 + 1);
            block_on(log.append(partition, vec![record("between")])).unwrap();
        }
    }
    let outcomes = pending.outcomes();
    let mut stored = pretended.stored();
    outcomes.check(&stored);
    stored.retain(|it| it != "between");
    assert!(stored.into_iter().eq((0..RECORDS).map(|number| number.to_string())));
}

#[test]
fn a_leader_that_goes_away_takes_no_append_with_it() {
    let pretended = Pretended::new(1);
    let (log, partition) = (&*pretended.log, pretended.partition);
    let mut pending = Pending::default();
    pending.append(log, partition, "before");
    pretended.with(|cluster| cluster.broker_down(1).unwrap());
    (0..100).for_each(|number| pending.append(log, partition, number.to_string()));
    pretended.lead(partition, 2);
    let outcomes = pending.outcomes();
    outcomes.check(&pretended.stored());
    eventually(|| pretended.append_one().is_ok());
}
