//! What acknowledgements mean. One call of append is many messages; its receipt answers when each
//! of them has an outcome, and only if every single one is certain.

use std::error::Error;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use rdkafka::ClientContext;
use rdkafka::client::OAuthToken;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{Message, Timestamp as MessageTime};
use rdkafka::producer::{DeliveryResult, ProducerContext};
use schemas::{Offset, Partition, Timestamp};
use tokio::sync::oneshot;

use super::context::ClientEvents;
use super::reach::Reach;
use super::tails::Tails;
use crate::contract::{AppendError, Appended};
use crate::weight::RECORD_BYTES_MAX;

/// What waits for its acknowledgement in one log.
#[derive(Debug, Default)]
pub(super) struct Load {
    records: AtomicUsize,
    bytes: AtomicUsize,
    /// How many records have had an outcome, ever.
    settled: AtomicUsize,
}

impl Load {
    /// Records that are waiting or on their way.
    pub(super) fn records(&self) -> usize {
        self.records.load(Ordering::Relaxed)
    }

    /// How many records have had an outcome, ever.
    pub(super) fn settled(&self) -> usize {
        self.settled.load(Ordering::Relaxed)
    }

    /// Takes room for a whole call, or none.
    pub(super) fn take(&self, (records, bytes): (usize, usize), max: (usize, usize)) -> bool {
        let all_records = self.records.fetch_add(records, Ordering::Relaxed) + records;
        let all_bytes = self.bytes.fetch_add(bytes, Ordering::Relaxed) + bytes;
        let fits = all_records <= max.0 && all_bytes <= max.1;
        if !fits {
            self.give_back(records, bytes);
        }
        fits
    }

    fn give_back(&self, records: usize, bytes: usize) {
        self.records.fetch_sub(records, Ordering::Relaxed);
        self.bytes.fetch_sub(bytes, Ordering::Relaxed);
    }
}

/// What a log's acknowledgements tell others.
#[derive(Debug)]
pub(super) struct Told {
    pub(super) name: Box<str>,
    pub(super) tails: Arc<Tails>,
    pub(super) reach: Arc<Reach>,
    pub(super) load: Load,
}

impl Told {
    /// Nobody knows what became of an append.
    pub(super) fn unknown(&self, partition: Partition, reason: &str) -> AppendError {
        AppendError::Unknown { log: self.name.clone(), partition, reason: reason.into() }
    }
}

/// One call of append.
pub(super) struct Call {
    told: Arc<Told>,
    partition: Partition,
    bytes: usize,
    state: Mutex<State>,
}

struct State {
    left: usize,
    appended: Vec<Option<Appended>>,
    fault: Option<Fault>,
    answer: Option<oneshot::Sender<Result<Vec<Appended>, AppendError>>>,
}

/// What is wrong with a message; of several the worst counts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Fault {
    /// The broker does not take so many bytes.
    TooLarge(usize),
    /// It is certainly not there.
    NotWritten(Box<str>),
    /// Nobody knows.
    Unknown(Box<str>),
}

impl Call {
    /// A call of so many records. Its room has been taken from the load.
    pub(super) fn new(
        told: &Arc<Told>,
        partition: Partition,
        (records, bytes): (usize, usize),
        answer: oneshot::Sender<Result<Vec<Appended>, AppendError>>,
    ) -> Arc<Self> {
        let (appended, fault) = (vec![None; records], None);
        let state = State { left: records, appended, fault, answer: Some(answer) };
        Arc::new(Self { told: Arc::clone(told), partition, bytes, state: Mutex::new(state) })
    }

    /// These messages were not taken by the client: they will have no acknowledgement.
    pub(super) fn not_taken(&self, from: usize, reason: &str) {
        let records = self.with(|state| state.appended.len());
        for _ in from..records {
            self.settle(|state| state.note(Fault::NotWritten(reason.into())));
        }
    }

    fn with<T>(&self, look: impl FnOnce(&mut State) -> T) -> T {
        look(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// One message more has an outcome; the last one answers the call.
    fn settle(&self, note: impl FnOnce(&mut State)) {
        self.told.load.settled.fetch_add(1, Ordering::Relaxed);
        let ended = self.with(|state| {
            note(state);
            state.left -= 1;
            (state.left == 0).then(|| (state.answer.take(), state.outcome(), state.appended.len()))
        });
        let Some((answer, outcome, records)) = ended else { return };
        self.told.load.give_back(records, self.bytes);
        let outcome = outcome.map_err(|fault| self.error(fault));
        if let Some(last) = outcome.as_ref().ok().and_then(|appended| appended.last()) {
            self.told.tails.note_end(self.partition, last.offset + 1);
        }
        if let Some(answer) = answer {
            // A receipt that was dropped wants no answer.
            drop(answer.send(outcome));
        }
    }

    fn error(&self, fault: Fault) -> AppendError {
        let (log, partition) = (self.told.name.clone(), self.partition);
        match fault {
            Fault::TooLarge(bytes) => {
                AppendError::TooLarge { log, partition, bytes, bytes_max: RECORD_BYTES_MAX }
            }
            Fault::NotWritten(reason) => AppendError::Unavailable { log, partition, reason },
            Fault::Unknown(reason) => AppendError::Unknown { log, partition, reason },
        }
    }
}

impl State {
    fn note(&mut self, fault: Fault) {
        if self.fault.as_ref().is_none_or(|noted| *noted < fault) {
            self.fault = Some(fault);
        }
    }

    fn outcome(&mut self) -> Result<Vec<Appended>, Fault> {
        if let Some(fault) = self.fault.take() {
            // A part of a call that stands there makes the whole of it unknown.
            let is_partly_there = self.appended.iter().any(Option::is_some);
            return Err(match fault {
                Fault::TooLarge(_) | Fault::NotWritten(_) if is_partly_there => {
                    Fault::Unknown("only a part of the call was written".into())
                }
                Fault::TooLarge(_) | Fault::NotWritten(_) | Fault::Unknown(_) => fault,
            });
        }
        let appended: Vec<Appended> = self.appended.iter().flatten().copied().collect();
        let ascends = appended.is_sorted_by(|one, next| one.offset < next.offset);
        if ascends && appended.len() == self.appended.len() {
            return Ok(appended);
        }
        Err(Fault::Unknown("the acknowledged offsets do not ascend".into()))
    }
}

/// What travels with each message through the client.
pub(super) struct Delivery {
    pub(super) call: Arc<Call>,
    pub(super) index: usize,
    /// Of the record.
    pub(super) bytes: usize,
}

/// The context of a producer.
pub(super) struct Deliveries {
    pub(super) events: ClientEvents,
}

impl ProducerContext for Deliveries {
    type DeliveryOpaque = Box<Delivery>;

    fn delivery(&self, result: &DeliveryResult<'_>, delivery: Box<Delivery>) {
        let Delivery { call, index, bytes } = *delivery;
        let outcome = match result {
            Ok(message) => acknowledged(message.offset(), message.timestamp()),
            Err((error, _)) => Err(refused(error, bytes)),
        };
        if outcome.is_ok() {
            call.told.reach.answered();
        }
        call.settle(|state| match outcome {
            Ok(appended) => state.appended[index] = Some(appended),
            Err(fault) => state.note(fault),
        });
    }
}

/// librdkafka reports success with an offset of its own making, and the time of the client, where a
/// broker only said that it had seen the sequence number before.
fn acknowledged(offset: i64, time: MessageTime) -> Result<Appended, Fault> {
    let unknown = |what: String| Fault::Unknown(what.into());
    let placed = Offset::try_from(offset)
        .map_err(|_| unknown(format!("acknowledged with the offset {offset}")))?;
    match time {
        MessageTime::LogAppendTime(millis) => {
            Ok(Appended { offset: placed, log_time: Timestamp::from_millis(millis) })
        }
        MessageTime::CreateTime(_) | MessageTime::NotAvailable => {
            Err(unknown("acknowledged without the broker's append time".to_owned()))
        }
    }
}

/// Only what the client does not take is certain. Once it has taken a message, the last attempt may
/// be refused after an earlier one was written: by then we may be forbidden to write, or the topic
/// be gone. But what is too large now was too large before.
fn refused(error: &KafkaError, bytes: usize) -> Fault {
    match error.rdkafka_error_code() {
        Some(RDKafkaErrorCode::MessageSizeTooLarge) => Fault::TooLarge(bytes),
        Some(code) => Fault::Unknown(code.to_string().into()),
        None => Fault::Unknown(error.to_string().into()),
    }
}

impl ClientContext for Deliveries {
    const ENABLE_REFRESH_OAUTH_TOKEN: bool = true;

    fn log(&self, level: RDKafkaLogLevel, facility: &str, line: &str) {
        self.events.log(level, facility, line);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.events.error(error, reason);
    }

    fn generate_oauth_token(&self, asked: Option<&str>) -> Result<OAuthToken, Box<dyn Error>> {
        self.events.generate_oauth_token(asked)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_acknowledgement_counts_only_with_an_offset_and_the_brokers_time() {
        let time = MessageTime::LogAppendTime(7);
        assert_eq!(acknowledged(3, time).unwrap().log_time, Timestamp::from_millis(7));
        for (offset, time) in [
            (-1, time),
            (-1_001, time),
            (3, MessageTime::CreateTime(7)),
            (3, MessageTime::NotAvailable),
        ] {
            assert!(matches!(acknowledged(offset, time), Err(Fault::Unknown(_))), "{offset}");
        }
    }

    #[test]
    fn what_may_have_been_written_is_unknown() {
        let fault = |code| refused(&KafkaError::MessageProduction(code), 7);
        assert_eq!(fault(RDKafkaErrorCode::MessageSizeTooLarge), Fault::TooLarge(7));
        for code in [
            RDKafkaErrorCode::MessageTimedOut,
            RDKafkaErrorCode::PurgeInflight,
            // What waits to be sent again has been sent before.
            RDKafkaErrorCode::PurgeQueue,
            RDKafkaErrorCode::NotEnoughReplicas,
            RDKafkaErrorCode::TopicAuthorizationFailed,
            RDKafkaErrorCode::UnknownTopic,
            RDKafkaErrorCode::BrokerTransportFailure,
            RDKafkaErrorCode::OutOfOrderSequenceNumber,
        ] {
            assert!(matches!(fault(code), Fault::Unknown(_)), "{code}");
        }
    }

    fn call(records: usize) -> (Arc<Call>, oneshot::Receiver<Result<Vec<Appended>, AppendError>>) {
        let told = Told {
            name: "commands".into(),
            tails: Arc::new(Tails::new(1, 1 << 20)),
            reach: Arc::default(),
            load: Load::default(),
        };
        assert!(told.load.take((records, 9), (100, 100)));
        let (answer, receipt) = oneshot::channel();
        (Call::new(&Arc::new(told), 0, (records, 9), answer), receipt)
    }

    fn place(call: &Call, index: usize, offset: Offset) {
        let appended = Appended { offset, log_time: Timestamp::EPOCH };
        call.settle(|state| state.appended[index] = Some(appended));
    }

    #[test]
    fn a_call_is_answered_when_every_record_is_acknowledged() {
        let (call, mut receipt) = call(2);
        place(&call, 0, 5);
        assert!(receipt.try_recv().is_err());
        assert_eq!(call.told.load.settled(), 1, "whoever takes acknowledgements sees each");
        // Another process's record may stand between them.
        place(&call, 1, 7);
        let appended = receipt.try_recv().unwrap().unwrap();
        assert_eq!(appended.iter().map(|it| it.offset).collect::<Vec<_>>(), [5, 7]);
        assert_eq!(call.told.tails.known_end(0), 8);
        assert!(call.told.load.take((100, 100), (100, 100)), "all room is given back");
    }

    #[test]
    fn a_call_of_which_a_part_is_there_is_unknown() {
        let (call, mut receipt) = call(2);
        place(&call, 0, 5);
        call.not_taken(1, "full");
        assert!(matches!(receipt.try_recv().unwrap(), Err(AppendError::Unknown { .. })));
    }

    #[test]
    fn a_call_of_which_nothing_is_there_was_not_written() {
        let (call, mut receipt) = call(2);
        call.not_taken(0, "closed");
        assert!(matches!(receipt.try_recv().unwrap(), Err(AppendError::Unavailable { .. })));
    }

    #[test]
    fn offsets_that_do_not_ascend_are_nobodys() {
        let (call, mut receipt) = call(2);
        place(&call, 0, 5);
        place(&call, 1, 5);
        assert!(matches!(receipt.try_recv().unwrap(), Err(AppendError::Unknown { .. })));
    }
}
