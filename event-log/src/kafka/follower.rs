//! The thread that follows the ends of a log's partitions, for as long as somebody reads there, and
//! publishes what comes to the tails. One client for all partitions and all readers.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::{Duration, Instant};

use rdkafka::Message as _;
use rdkafka::consumer::Consumer as _;
use rdkafka::error::KafkaResult;
use schemas::{Offset, Partition};

use super::connection::Connection;
use super::own_thread::OwnThread;
use super::reach::Reach;
use super::reading::{Consumer, Copier, consumer, is_final, is_of_the_link, learn_leaders, place};
use super::tails::{Row, Tails};
use crate::contract::Stored;

/// How soon a wish to follow is noticed while nothing comes.
const POLL: Duration = Duration::from_millis(10);
/// Records that are published together at most.
const TOGETHER_MAX: usize = 8_192;
/// A partition at whose end nobody reads is let go after so long.
const UNUSED_MS_MAX: u64 = 10_000;
/// How often that is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// Room for records that were fetched and not read yet.
const QUEUED_KBYTES: usize = 64 << 10;

/// What the thread is asked for; it alone changes what is followed.
enum Wish {
    Follow(Partition, Offset),
    /// The log ends before what is known of it.
    LetGo(Partition),
}

/// Follows partitions on request.
#[derive(Debug)]
pub(super) struct Follower {
    tails: Arc<Tails>,
    wishes: Mutex<mpsc::Sender<Wish>>,
    thread: OwnThread,
}

impl Follower {
    pub(super) fn start(
        topic: String,
        connection: &Connection,
        tails: Arc<Tails>,
        reach: Arc<Reach>,
    ) -> KafkaResult<Self> {
        let consumer = consumer(connection, QUEUED_KBYTES)?;
        let (sender, wishes) = mpsc::channel();
        let copier = Copier::default();
        let followed = Arc::clone(&tails);
        let mut following = Following { topic, consumer, tails: followed, reach, wishes, copier };
        let thread = OwnThread::start("kafka-follower", move || following.run())?;
        Ok(Self { tails, wishes: Mutex::new(sender), thread })
    }

    /// Begins to follow a partition at `offset`, which is not behind its end, unless it is followed
    /// already.
    pub(super) fn follow(&self, partition: Partition, offset: Offset) {
        let Some(row) = self.tails.row(partition) else { return };
        self.tails.touch(row);
        if row.begin_following(offset) {
            let wishes = self.wishes.lock().unwrap_or_else(PoisonError::into_inner);
            if wishes.send(Wish::Follow(partition, offset)).is_err() {
                // The thread ends only when the log is closed.
                row.stop_following();
            }
        }
    }

    /// Forgets what was followed of a partition.
    pub(super) fn let_go(&self, partition: Partition) {
        let wishes = self.wishes.lock().unwrap_or_else(PoisonError::into_inner);
        // The thread ends only when the log is closed.
        drop(wishes.send(Wish::LetGo(partition)));
    }

    /// The tails have been closed.
    pub(super) fn join(&self) {
        self.thread.join();
    }
}

struct Following {
    topic: String,
    consumer: Consumer,
    tails: Arc<Tails>,
    reach: Arc<Reach>,
    wishes: mpsc::Receiver<Wish>,
    copier: Copier,
}

impl Following {
    fn run(&mut self) {
        learn_leaders(&self.consumer, &self.topic);
        let mut looked = Instant::now();
        while !self.tails.is_closed() {
            while let Ok(wish) = self.wishes.try_recv() {
                let (partition, offset) = match wish {
                    Wish::Follow(partition, offset) => (partition, offset),
                    Wish::LetGo(partition) => {
                        self.let_go(partition);
                        continue;
                    }
                };
                let assigned = place(&self.topic, partition, offset);
                if let Err(error) = self.consumer.incremental_assign(&assigned) {
                    tracing::warn!(%error, partition, "a partition cannot be followed");
                    self.let_go(partition);
                }
            }
            self.publish_next();
            self.tails.beat();
            if looked.elapsed() >= LOOK_EVERY {
                looked = Instant::now();
                self.let_go_of_unused();
            }
        }
    }

    fn publish_next(&mut self) {
        let mut came: BTreeMap<Partition, Vec<Stored>> = BTreeMap::new();
        let mut patience = POLL;
        for _ in 0..TOGETHER_MAX {
            let Some(polled) = self.consumer.poll(patience) else { break };
            patience = Duration::ZERO;
            match polled {
                Ok(message) => match self.copier.stored(&message) {
                    Ok((partition, record)) => came.entry(partition).or_default().push(record),
                    Err(reason) => {
                        // Readers that are served apart will say what is wrong with it.
                        tracing::error!(reason, "a record cannot be taken as it is");
                        if let Ok(partition) = Partition::try_from(message.partition()) {
                            came.remove(&partition);
                            self.let_go(partition);
                        }
                    }
                },
                Err(error) if is_final(&error) => {
                    came.clear();
                    self.let_all_go(&error.to_string());
                }
                // The client connects again by itself.
                Err(error) if is_of_the_link(&error) => {
                    tracing::debug!(%error, "a follower met an error");
                }
                // Said once, then the client is silent: ends are watched beside it.
                Err(error) => tracing::warn!(%error, "a follower met an error"),
            }
        }
        if !came.is_empty() {
            self.reach.answered();
        }
        for (partition, records) in came {
            self.publish(partition, records);
        }
    }

    fn publish(&self, partition: Partition, records: Vec<Stored>) {
        let Some(row) = self.tails.row(partition).filter(|row| row.is_followed()) else { return };
        let first = row.tail.end();
        let without_gaps = (first..).zip(&records).all(|(offset, record)| record.offset == offset);
        if !without_gaps {
            // Readers that are served apart will say what is missing.
            tracing::error!(partition, first, "records do not follow each other");
            self.let_go(partition);
            return;
        }
        let end = first + records.len() as Offset;
        row.tail.publish(records);
        self.tails.note_end(partition, end);
    }

    fn let_go_of_unused(&self) {
        for partition in 0..self.tails.partitions() {
            let is_unused =
                |row: &&Row| row.is_followed() && self.tails.unused_ms(row) > UNUSED_MS_MAX;
            if self.tails.row(partition).filter(is_unused).is_some() {
                self.let_go(partition);
            }
        }
    }

    /// The client does not say which partition it speaks of. Who reads at an end asks anew where
    /// that is.
    fn let_all_go(&self, reason: &str) {
        tracing::warn!(reason, "a follower starts over");
        (0..self.tails.partitions()).for_each(|partition| self.let_go(partition));
    }

    fn let_go(&self, partition: Partition) {
        let Some(row) = self.tails.row(partition) else { return };
        // Fails if it was not assigned, which is what is wanted.
        drop(self.consumer.incremental_unassign(&place(&self.topic, partition, 0)));
        row.stop_following();
    }
}
