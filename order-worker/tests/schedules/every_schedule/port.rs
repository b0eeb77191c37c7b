//! One process's way to the decisions log: what becomes of each of its appends is decided here, so
//! that what one process sends can arrive while another's is still on its way.

use std::collections::VecDeque;
use std::hash::{Hash, Hasher};
use std::sync::{Arc, Mutex, MutexGuard};

use event_log::{
    AppendError, Appended, Batch, Log, ReadError, ReadLimits, Receipt, Record, SimulatedLog,
};
use futures_util::future::BoxFuture;
use schemas::{Offset, Partition};
use tokio::sync::oneshot;

/// What becomes of an append.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Fate {
    Lands,
    /// It lands, but nobody says so.
    LandsUnknown,
    /// It is lost, and nobody knows.
    Lost,
    /// It is lost, and nobody says anything for long.
    LostSilently,
    /// It lands or is lost later, and is answered then.
    Held,
    /// Nobody knows, and it lands or is lost later.
    Late,
    /// Only the last of its records lands, and nobody knows.
    Torn,
}

type Answer = oneshot::Sender<Result<Vec<Appended>, AppendError>>;

#[derive(Debug)]
struct Sending {
    next: Fate,
    asked: usize,
    held: VecDeque<(Vec<Record>, Option<Answer>)>,
    silent: Vec<Answer>,
}

/// Clones share it.
#[derive(Clone, Debug)]
pub(crate) struct Port {
    log: SimulatedLog,
    sending: Arc<Mutex<Sending>>,
}

impl Port {
    pub(crate) fn new(log: &SimulatedLog) -> Self {
        let (held, silent) = (VecDeque::new(), Vec::new());
        let sending = Sending { next: Fate::Lands, asked: 0, held, silent };
        Self { log: log.clone(), sending: Arc::new(Mutex::new(sending)) }
    }

    /// What becomes of the next append, once; later ones land.
    pub(crate) fn set_next(&self, fate: Fate) {
        let mut sending = self.sending();
        (sending.next, sending.asked) = (fate, 0);
    }

    /// How many appends there were since then.
    pub(crate) fn asked(&self) -> usize {
        self.sending().asked
    }

    pub(crate) fn held(&self) -> usize {
        self.sending().held.len()
    }

    /// The oldest append that is held lands, or is lost.
    pub(crate) fn let_go(&self, lands: bool) {
        let (records, answer) = self.sending().held.pop_front().expect("something is held");
        let outcome = if lands { Ok(self.land(records)) } else { Err(self.unknown()) };
        if let Some(answer) = answer {
            // Whoever dropped the receipt does not want to know.
            drop(answer.send(outcome));
        }
    }

    /// Whoever was told nothing is told that nobody knows.
    pub(crate) fn break_silence(&self) {
        for answer in self.sending().silent.drain(..) {
            drop(answer.send(Err(self.unknown())));
        }
    }

    pub(crate) fn hash(&self, hasher: &mut impl Hasher) {
        for (records, answer) in &self.sending().held {
            answer.is_some().hash(hasher);
            for record in records {
                (&record.payload, &record.headers).hash(hasher);
            }
        }
    }

    fn receipt(&self) -> (Answer, Receipt) {
        let (answer, answered) = oneshot::channel();
        let gone = self.unknown();
        (answer, Receipt::new(async move { answered.await.unwrap_or(Err(gone)) }))
    }

    fn sending(&self) -> MutexGuard<'_, Sending> {
        self.sending.lock().unwrap()
    }

    fn land(&self, records: Vec<Record>) -> Vec<Appended> {
        records.into_iter().map(|record| self.log.append_raw(0, record)).collect()
    }

    fn unknown(&self) -> AppendError {
        AppendError::Unknown { log: "decisions".into(), partition: 0, reason: "so it is".into() }
    }
}

impl Log for Port {
    fn name(&self) -> &str {
        self.log.name()
    }

    fn partitions(&self) -> Partition {
        self.log.partitions()
    }

    fn append(&self, _: Partition, mut records: Vec<Record>) -> Receipt {
        let fate = {
            let mut sending = self.sending();
            sending.asked += 1;
            let fate = std::mem::replace(&mut sending.next, Fate::Lands);
            // No backend lets what one process sends overtake what it has sent before.
            match (fate, sending.held.is_empty()) {
                (Fate::Lands, false) => Fate::Held,
                (Fate::LandsUnknown | Fate::Torn, false) => Fate::Late,
                (fate, _) => fate,
            }
        };
        match fate {
            Fate::Lands => Receipt::ready(Ok(self.land(records))),
            Fate::LandsUnknown => {
                self.land(records);
                Receipt::ready(Err(self.unknown()))
            }
            Fate::Torn => {
                self.land(records.pop().into_iter().collect());
                Receipt::ready(Err(self.unknown()))
            }
            Fate::Lost => Receipt::ready(Err(self.unknown())),
            Fate::LostSilently => {
                let (answer, receipt) = self.receipt();
                self.sending().silent.push(answer);
                receipt
            }
            Fate::Late => {
                self.sending().held.push_back((records, None));
                Receipt::ready(Err(self.unknown()))
            }
            Fate::Held => {
                let (answer, receipt) = self.receipt();
                self.sending().held.push_back((records, Some(answer)));
                receipt
            }
        }
    }

    fn read(
        &self,
        partition: Partition,
        from: Offset,
        limits: ReadLimits,
    ) -> BoxFuture<'_, Result<Batch, ReadError>> {
        self.log.read(partition, from, limits)
    }

    fn wait(&self, partition: Partition, offset: Offset) -> BoxFuture<'_, ()> {
        self.log.wait(partition, offset)
    }

    fn start(&self, partition: Partition) -> BoxFuture<'_, Result<Offset, ReadError>> {
        self.log.start(partition)
    }

    fn end(&self, partition: Partition) -> BoxFuture<'_, Result<Offset, ReadError>> {
        self.log.end(partition)
    }
}
