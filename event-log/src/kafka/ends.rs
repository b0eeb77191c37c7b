//! Where the partitions of one log begin and end, asked of the brokers whenever somebody wants to
//! know. Whoever asks while a question is on its way shares the next one.

use std::collections::{BTreeMap, BTreeSet};
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

/// How long the brokers get to answer when they are asked for the first time.
const FIRST_PATIENCE: Duration = Duration::from_secs(5);
/// How long they get later.
const ANSWER_PATIENCE: Duration = Duration::from_secs(2);
/// How long each gets to tell whether it is the one that keeps the others' answers.
const GLANCE: Duration = Duration::from_millis(300);
/// How long those get that did not answer the time before: after that the others are asked again.
const TROUBLED_PATIENCE: Duration = Duration::from_millis(500);
/// Questions that may wait; more are refused.
const WAITING_MAX: usize = 65_536;
/// How often the client is polled while nobody asks.
const TURN: Duration = Duration::from_millis(100);
/// How often the ends of what is followed are asked for, if nobody else does.
const WATCH_EVERY: Duration = Duration::from_secs(1);
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

type Answer = Result<Offset, Box<str>>;
type Answers = BTreeMap<Partition, Answer>;
/// Who waits for which partition.
type Waiting = BTreeMap<Partition, Vec<oneshot::Sender<Answer>>>;

struct Question {
    partition: Partition,
    bound: Bound,
    answer: oneshot::Sender<Answer>,
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
        let mut asking = Asking {
            topic,
            consumer,
            tails,
            reach,
            troubled: BTreeSet::new(),
            turn: 0,
            is_known: false,
            watched: Instant::now(),
        };
        let thread = OwnThread::start("kafka-ends", move || asking.run(&receiver))?;
        Ok(Self { questions: Mutex::new(Some(sender)), thread })
    }

    /// Where a partition begins or ends now.
    pub(super) async fn ask(&self, partition: Partition, bound: Bound) -> Answer {
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
    /// Partitions that were asked in vain: they must not keep the answers of the others.
    troubled: BTreeSet<Partition>,
    /// With which of them to begin.
    turn: Partition,
    /// Whether any answer ever came.
    is_known: bool,
    /// When ends were asked for last.
    watched: Instant,
}

impl Asking {
    fn run(&mut self, questions: &mpsc::Receiver<Question>) {
        loop {
            // Reports and tokens are handed over in here, one at a time; without a token the
            // first question would find the client not let in.
            drop(self.consumer.poll(Duration::from_millis(1)));
            let first = match questions.recv_timeout(TURN) {
                Ok(first) => Some(first),
                Err(mpsc::RecvTimeoutError::Timeout) => None,
                Err(mpsc::RecvTimeoutError::Disconnected) => return,
            };
            let (mut starts, mut ends) = (Waiting::new(), Waiting::new());
            for question in first.into_iter().chain(questions.try_iter()) {
                let waiting = match question.bound {
                    Bound::Start => &mut starts,
                    Bound::End => &mut ends,
                };
                waiting.entry(question.partition).or_default().push(question.answer);
            }
            for (waiting, bound) in [(starts, Bound::Start), (ends, Bound::End)] {
                if !waiting.is_empty() {
                    self.answer(waiting, bound);
                }
            }
            if self.watched.elapsed() >= WATCH_EVERY {
                self.watch();
            }
        }
    }

    /// Learns where the followed partitions end, whether or not their records come: a follower
    /// that was silenced must not look like a log in which nothing happens.
    fn watch(&mut self) {
        let is_followed = |it: &Partition| self.tails.row(*it).is_some_and(Row::is_followed);
        let followed: Vec<_> = (0..self.tails.partitions()).filter(is_followed).collect();
        let waiting = followed.into_iter().map(|partition| (partition, Vec::new()));
        self.answer(waiting.collect(), Bound::End);
    }

    /// All together. librdkafka keeps every answer to itself if one of them is an error or does not
    /// come; then each is asked for by itself, and what was asked in vain is asked apart from then
    /// on, until it answers.
    fn answer(&mut self, mut waiting: Waiting, bound: Bound) {
        if bound == Bound::End {
            self.watched = Instant::now();
        }
        let sound = |it: &Partition| !self.troubled.contains(it);
        let asked: BTreeSet<_> = waiting.keys().copied().filter(sound).collect();
        let troubled: BTreeSet<_> = waiting.keys().copied().filter(|it| !sound(it)).collect();
        if !asked.is_empty() {
            let patience = if self.is_known { ANSWER_PATIENCE } else { FIRST_PATIENCE };
            match self.ask(&asked, bound, patience) {
                Ok(answers) => {
                    for (partition, answer) in answers {
                        self.give(partition, answer, &mut waiting, bound);
                    }
                }
                Err(error) => {
                    self.troubled.extend(&asked);
                    match asked.first() {
                        Some(one) if asked.len() == 1 => {
                            let answer = Err(error.to_string().into());
                            self.give(*one, answer, &mut waiting, bound);
                        }
                        _ => self.answer_apart(
                            &asked,
                            (bound, ANSWER_PATIENCE, GLANCE),
                            &mut waiting,
                        ),
                    }
                }
            }
        }
        let patience = (bound, TROUBLED_PATIENCE, TROUBLED_PATIENCE);
        self.answer_apart(&troubled, patience, &mut waiting);
    }

    /// One by one, so long for all and so long for each, beginning behind the one that was last
    /// asked in vain.
    fn answer_apart(
        &mut self,
        partitions: &BTreeSet<Partition>,
        (bound, for_all, for_each): (Bound, Duration, Duration),
        waiting: &mut Waiting,
    ) {
        let deadline = Instant::now() + for_all;
        let (first, rest) = (partitions.range(self.turn..), partitions.range(..self.turn));
        for &partition in first.chain(rest) {
            let left = deadline.saturating_duration_since(Instant::now()).min(for_each);
            let answer = match left.is_zero() {
                true => Err("its leader did not answer just now".into()),
                false => match self.ask(&BTreeSet::from([partition]), bound, left) {
                    Ok(mut answers) => {
                        self.troubled.remove(&partition);
                        answers.remove(&partition).expect("it was asked for")
                    }
                    Err(error) => {
                        self.turn = partition + 1;
                        Err(error.to_string().into())
                    }
                },
            };
            self.give(partition, answer, waiting, bound);
        }
    }

    /// Passes an answer on as soon as it is there.
    fn give(&mut self, partition: Partition, answer: Answer, waiting: &mut Waiting, bound: Bound) {
        if let Ok(offset) = answer {
            self.is_known = true;
            self.reach.answered();
            if bound == Bound::End {
                self.tails.note_end(partition, offset);
            }
        }
        for waits in waiting.remove(&partition).unwrap_or_default() {
            // Nobody may be waiting any more.
            drop(waits.send(answer.clone()));
        }
    }

    /// One question to each leader. In the protocol -1 and -2 in place of a time ask for the end
    /// and the beginning, and so they do in librdkafka's list.
    fn ask(
        &self,
        partitions: &BTreeSet<Partition>,
        bound: Bound,
        patience: Duration,
    ) -> KafkaResult<Answers> {
        let mut places = TopicPartitionList::with_capacity(partitions.len());
        let wanted = match bound {
            Bound::Start => rdkafka::Offset::Beginning,
            Bound::End => rdkafka::Offset::End,
        };
        for partition in partitions {
            places.add_partition_offset(&self.topic, i32::from(*partition), wanted)?;
        }
        let answers = self.consumer.offsets_for_times(places, patience)?;
        let answer = |partition: &Partition| found(&answers, &self.topic, *partition);
        Ok(partitions.iter().map(|partition| (*partition, answer(partition))).collect())
    }
}

fn found(answers: &TopicPartitionList, topic: &str, partition: Partition) -> Answer {
    let answer = answers.find_partition(topic, i32::from(partition));
    let answer = answer.ok_or("the brokers did not speak of this partition")?;
    answer.error().map_err(|error| error.to_string())?;
    let rdkafka::Offset::Offset(offset) = answer.offset() else {
        return Err(format!("the brokers answered {:?}", answer.offset()).into());
    };
    Offset::try_from(offset).map_err(|it| it.to_string().into())
}
