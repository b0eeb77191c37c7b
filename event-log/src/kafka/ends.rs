//! Where the partitions of one log begin and end, asked of the brokers whenever somebody wants to
//! know. Whoever asks while a question is on its way shares the next one.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::{Duration, Instant};

use rdkafka::consumer::Consumer as _;
use rdkafka::error::KafkaResult;
use rdkafka::topic_partition_list::TopicPartitionList;
use schemas::{Offset, Partition};
use tokio::sync::oneshot;

use super::connection::Connection;
use super::own_thread::OwnThread;
use super::reach::Reach;
use super::reading::{Consumer, consumer};
use super::tails::{Row, Tails};

/// How long the brokers get to answer.
const ANSWER_PATIENCE: Duration = Duration::from_secs(5);
/// Questions that may wait; more are refused.
const WAITING_MAX: usize = 65_536;
/// How often the client is polled while nobody asks.
const TURN: Duration = Duration::from_millis(100);
/// How often the ends of what is followed are asked for, if nobody else does.
const WATCH_EVERY: Duration = Duration::from_secs(1);
/// How long the brokers get to answer that: others may want to ask.
const WATCH_PATIENCE: Duration = Duration::from_secs(1);
/// A client that asks needs hardly any room for records.
const QUEUED_KBYTES: usize = 64;

/// Which end of a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bound {
    /// The first offset kept.
    Start,
    /// The offset that the next record will get.
    End,
}

struct Question {
    partition: Partition,
    bound: Bound,
    answer: oneshot::Sender<Result<Offset, Box<str>>>,
}

/// Asks the brokers, on a thread of its own.
#[derive(Debug)]
pub(super) struct Asker {
    questions: Mutex<Option<mpsc::SyncSender<Question>>>,
    thread: OwnThread,
}

impl Asker {
    pub(super) fn start(
        topic: String,
        connection: &Connection,
        tails: Arc<Tails>,
        reach: Arc<Reach>,
    ) -> KafkaResult<Self> {
        let consumer = consumer(connection, QUEUED_KBYTES)?;
        let (sender, receiver) = mpsc::sync_channel(WAITING_MAX);
        let watched = Instant::now();
        let mut asking = Asking { topic, consumer, tails, reach, watched };
        let thread = OwnThread::start("kafka-ends", move || asking.run(&receiver))?;
        Ok(Self { questions: Mutex::new(Some(sender)), thread })
    }

    /// Where a partition begins or ends now.
    pub(super) async fn ask(&self, partition: Partition, bound: Bound) -> Result<Offset, Box<str>> {
        let (answer, answered) = oneshot::channel();
        let question = Question { partition, bound, answer };
        let sent = {
            let questions = self.questions.lock().unwrap_or_else(PoisonError::into_inner);
            questions.as_ref().map(|questions| questions.try_send(question))
        };
        match sent {
            None => return Err("the log is closed".into()),
            Some(Err(_)) => return Err("too many questions are waiting".into()),
            Some(Ok(())) => {}
        }
        answered.await.unwrap_or_else(|_| Err("the log is closed".into()))
    }

    /// Takes no question any more.
    pub(super) fn refuse(&self) {
        drop(self.questions.lock().unwrap_or_else(PoisonError::into_inner).take());
    }

    pub(super) fn join(&self) {
        self.thread.join();
    }
}

struct Asking {
    topic: String,
    consumer: Consumer,
    tails: Arc<Tails>,
    reach: Arc<Reach>,
    /// When ends were asked for last.
    watched: Instant,
}

impl Asking {
    fn run(&mut self, questions: &mpsc::Receiver<Question>) {
        loop {
            // Reports and tokens are handed over in here, one at a time; without a token the
            // first question would find the client not let in.
            drop(self.consumer.poll(Duration::from_millis(1)));
            let mut waiting = match questions.recv_timeout(TURN) {
                Ok(first) => vec![first],
                Err(mpsc::RecvTimeoutError::Timeout) => Vec::new(),
                Err(mpsc::RecvTimeoutError::Disconnected) => return,
            };
            waiting.extend(questions.try_iter());
            for bound in [Bound::Start, Bound::End] {
                let (asked, rest) = waiting.into_iter().partition(|it| it.bound == bound);
                waiting = rest;
                self.answer(asked, bound);
            }
            if self.watched.elapsed() >= WATCH_EVERY {
                self.watch();
            }
        }
    }

    /// Learns where the followed partitions end, whether or not their records come: a follower
    /// that was silenced must not look like a log in which nothing happens.
    fn watch(&mut self) {
        self.watched = Instant::now();
        let is_followed = |it: &Partition| self.tails.row(*it).is_some_and(Row::is_followed);
        let followed: BTreeSet<_> = (0..self.tails.partitions()).filter(is_followed).collect();
        if followed.is_empty() {
            return;
        }
        let Ok(answers) = self.ask(&followed, Bound::End, WATCH_PATIENCE) else { return };
        self.reach.answered();
        for partition in followed {
            if let Ok(end) = found(&answers, &self.topic, partition) {
                self.tails.note_end(partition, end);
            }
        }
    }

    fn answer(&mut self, questions: Vec<Question>, bound: Bound) {
        if questions.is_empty() {
            return;
        }
        let partitions: BTreeSet<_> = questions.iter().map(|it| it.partition).collect();
        let answers = self.ask(&partitions, bound, ANSWER_PATIENCE);
        if bound == Bound::End {
            self.watched = Instant::now();
        }
        if answers.is_ok() {
            self.reach.answered();
        }
        for question in questions {
            let answer = match &answers {
                Ok(answers) => found(answers, &self.topic, question.partition),
                Err(error) => Err(error.to_string().into()),
            };
            if let (Ok(end), Bound::End) = (&answer, bound) {
                self.tails.note_end(question.partition, *end);
            }
            // Nobody may be waiting any more.
            drop(question.answer.send(answer));
        }
    }

    /// One question to each leader. In the protocol -1 and -2 in place of a time ask for the end
    /// and the beginning, and so they do in librdkafka's list.
    fn ask(
        &self,
        partitions: &BTreeSet<Partition>,
        bound: Bound,
        patience: Duration,
    ) -> KafkaResult<TopicPartitionList> {
        let mut places = TopicPartitionList::with_capacity(partitions.len());
        let wanted = match bound {
            Bound::Start => rdkafka::Offset::Beginning,
            Bound::End => rdkafka::Offset::End,
        };
        for partition in partitions {
            places.add_partition_offset(&self.topic, i32::from(*partition), wanted)?;
        }
        self.consumer.offsets_for_times(places, patience)
    }
}

fn found(
    answers: &TopicPartitionList,
    topic: &str,
    partition: Partition,
) -> Result<Offset, Box<str>> {
    let answer = answers.find_partition(topic, i32::from(partition));
    let answer = answer.ok_or("the brokers did not speak of this partition")?;
    answer.error().map_err(|error| error.to_string())?;
    let rdkafka::Offset::Offset(offset) = answer.offset() else {
        return Err(format!("the brokers answered {:?}", answer.offset()).into());
    };
    Offset::try_from(offset).map_err(|it| it.to_string().into())
}
