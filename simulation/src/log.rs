//! A log as one process sees it through its own connection: what it appends may be late, lost or
//! torn, what it reads may be old. The records themselves stand in a [`SimulatedLog`] that only the
//! wire writes to. Must not know what a record says.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use event_log::{AppendError, Batch, Log, ReadError, ReadLimits, Receipt, Record, SimulatedLog};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use platform::clock::Clock;
use schemas::{Offset, Partition};
use tokio::sync::oneshot;

use crate::dice::Dice;
use crate::faults::{Fault, Site};
use crate::universe::Universe;
use crate::wire::{Landed, Landing, Outcome, Parcel};

/// What a log answers at the latest about an append, as a broker's client does.
const ANSWER_WITHIN_MS: u64 = 8_000;

/// A log through one connection.
pub(crate) struct Link {
    universe: Arc<Universe>,
    log: SimulatedLog,
    site: Site,
    connection: u64,
    partitions: Mutex<BTreeMap<Partition, Condition>>,
}

/// How a connection is with one partition.
#[derive(Clone, Copy, Debug, Default)]
struct Condition {
    /// Nothing that is sent lands before this.
    lands_from_ms: u64,
    /// Until then, nothing from this offset on is seen.
    frozen: Option<(u64, Offset)>,
}

impl Link {
    /// A log for a process at `site`, on a connection that is cut if the process ends.
    pub(crate) fn open(
        universe: &Arc<Universe>,
        log: &SimulatedLog,
        site: Site,
        connection: u64,
    ) -> Arc<dyn Log> {
        let partitions = Mutex::default();
        let (universe, log) = (Arc::clone(universe), log.clone());
        Arc::new(Self { universe, log, site, connection, partitions })
    }

    fn condition<T>(&self, partition: Partition, look: impl FnOnce(&mut Condition) -> T) -> T {
        let mut partitions = self.partitions.lock().unwrap_or_else(PoisonError::into_inner);
        look(partitions.entry(partition).or_default())
    }

    fn unknown(&self, partition: Partition) -> AppendError {
        AppendError::Unknown { log: self.log.name().into(), partition, reason: "simulated".into() }
    }

    /// Sends records that land after so many milliseconds, behind those sent before. Tells after
    /// how many they do.
    fn send(&self, partition: Partition, after_ms: u64, parcel: Sending) -> u64 {
        let now_ms = self.universe.now_ms();
        let at_ms = self.condition(partition, |condition| {
            condition.lands_from_ms = condition.lands_from_ms.max(now_ms + after_ms);
            condition.lands_from_ms
        });
        self.send_apart(partition, at_ms - now_ms, parcel);
        at_ms - now_ms
    }

    /// The same, behind nobody and before nobody.
    fn send_apart(&self, partition: Partition, after_ms: u64, parcel: Sending) {
        let Sending { records, landed, answer } = parcel;
        let (log, connection) = (self.log.clone(), self.connection);
        let landing = Landing { connection, log, partition, records, landed, answer };
        self.universe.post(after_ms, Parcel::Land(landing));
    }

    fn answer(&self, after_ms: u64, sender: oneshot::Sender<Outcome>, outcome: Outcome) {
        self.universe.post(after_ms, Parcel::Answer(sender, outcome));
    }

    fn fate(&self, records: usize) -> (Fate, Dice) {
        let faults = [
            (Fault::AppendRefused, Fate::Refused),
            (Fault::AppendLost, Fate::Lost),
            (Fault::AppendUnknown, Fate::Unknown),
            (Fault::AppendLate, Fate::Late),
            (Fault::AppendDoubled, Fate::Pieces(Pieces::Doubled)),
            (Fault::AppendSlow, Fate::Slow),
            (Fault::AnswerSlow, Fate::AnsweredLate),
        ];
        let torn = [
            (Fault::AppendTorn, Fate::Pieces(Pieces::Torn)),
            (Fault::AppendSplit, Fate::Pieces(Pieces::Split)),
        ];
        let torn = torn.into_iter().filter(|_| records > 1);
        let mut all = torn.chain(faults);
        all.find_map(|(fault, fate)| Some((fate, self.universe.fires(fault, self.site)?)))
            .unwrap_or((Fate::Lands, Dice::new(0)))
    }

    fn dispatch(&self, partition: Partition, records: Vec<Record>) -> oneshot::Receiver<Outcome> {
        let (sender, receiver) = oneshot::channel();
        let usual_ms = self.universe.delay_ms(0, 3);
        let unknown = || Err(self.unknown(partition));
        let (fate, mut dice) = self.fate(records.len());
        match fate {
            Fate::Lands => {
                self.send(partition, usual_ms, Sending::whole(records, sender, 0));
            }
            Fate::Refused => {
                let (log, reason) = (self.log.name().into(), "simulated".into());
                let refused = AppendError::Unavailable { log, partition, reason };
                self.answer(usual_ms, sender, Err(refused));
            }
            Fate::Lost => self.answer(slow_ms(&mut dice, usual_ms), sender, unknown()),
            Fate::Unknown => {
                self.send(partition, usual_ms, Sending::silent(records));
                self.answer(slow_ms(&mut dice, usual_ms), sender, unknown());
            }
            Fate::Late => {
                let late_ms = dice.scattered(100, 60_000);
                self.send_apart(partition, late_ms, Sending::silent(records));
                self.answer(slow_ms(&mut dice, usual_ms), sender, unknown());
            }
            Fate::Slow => {
                let after_ms = dice.scattered(20, ANSWER_WITHIN_MS);
                self.send(partition, after_ms, Sending::whole(records, sender, 0));
            }
            Fate::AnsweredLate => {
                let after_ms = dice.scattered(20, ANSWER_WITHIN_MS);
                self.send(partition, usual_ms, Sending::whole(records, sender, after_ms));
            }
            Fate::Pieces(pieces) => {
                self.send_pieces(partition, (pieces, usual_ms, dice), records, sender);
            }
        }
        receiver
    }

    /// Sends an append that does not land as it was sent.
    fn send_pieces(
        &self,
        partition: Partition,
        (pieces, usual_ms, mut dice): (Pieces, u64, Dice),
        records: Vec<Record>,
        sender: oneshot::Sender<Outcome>,
    ) {
        match pieces {
            Pieces::Torn => {
                let lost = dice.below(records.len() as u64);
                let kept = (0..).zip(records).filter(|(index, _)| *index != lost);
                let kept = kept.map(|(_, record)| record).collect();
                self.send(partition, usual_ms, Sending::silent(kept));
                let unknown = Err(self.unknown(partition));
                self.answer(slow_ms(&mut dice, usual_ms), sender, unknown);
            }
            Pieces::Split => {
                let (mut first, landed) = (records, Landed::default());
                let at = usize::try_from(dice.between(1, first.len() as u64 - 1));
                let rest = first.split_off(at.expect("an index"));
                let share = |records, answer| Sending { records, landed: landed.clone(), answer };
                self.send(partition, usual_ms, share(first, None));
                let after_ms = usual_ms + dice.scattered(1, 2_000);
                self.send(partition, after_ms, share(rest, Some((sender, 0))));
            }
            Pieces::Doubled => {
                let again = Sending::silent(records.clone());
                let lands_ms = self.send(partition, usual_ms, Sending::whole(records, sender, 0));
                // Right behind the first, or when others have written.
                let later_ms = if dice.one_in(2) { 0 } else { dice.scattered(5, 20_000) };
                self.send_apart(partition, lands_ms + later_ms, again);
            }
        }
    }

    fn refused(&self, partition: Partition) -> ReadError {
        let (log, reason) = (self.log.name().into(), "simulated".into());
        ReadError::Unavailable { log, partition, reason }
    }

    /// Until when, and up to where, this reader sees nothing newer.
    async fn freeze(&self, partition: Partition) -> Option<(u64, Offset)> {
        let now_ms = self.universe.now_ms();
        let frozen = self.condition(partition, |condition| condition.frozen);
        if let Some(frozen) = frozen.filter(|(until_ms, _)| *until_ms > now_ms) {
            return Some(frozen);
        }
        let mut dice = self.universe.fires(Fault::ReadFrozen, self.site)?;
        let end = self.log.end(partition).await.ok()?;
        let until_ms = now_ms + dice.scattered(50, 20_000);
        self.condition(partition, |condition| condition.frozen = Some((until_ms, end)));
        Some((until_ms, end))
    }
}

/// What becomes of an append.
#[derive(Clone, Copy)]
enum Fate {
    Lands,
    Refused,
    Lost,
    Unknown,
    Late,
    Slow,
    AnsweredLate,
    Pieces(Pieces),
}

/// How an append lands that does not land as it was sent.
#[derive(Clone, Copy)]
enum Pieces {
    Torn,
    Split,
    Doubled,
}

struct Sending {
    records: Vec<Record>,
    landed: Landed,
    answer: Option<(oneshot::Sender<Outcome>, u64)>,
}

impl Sending {
    /// An append that is acknowledged so long after it has landed.
    fn whole(records: Vec<Record>, sender: oneshot::Sender<Outcome>, after_ms: u64) -> Self {
        Self { records, landed: Landed::default(), answer: Some((sender, after_ms)) }
    }

    /// One that nobody is told of.
    fn silent(records: Vec<Record>) -> Self {
        Self { records, landed: Landed::default(), answer: None }
    }
}

/// As soon as usual, or as late as may be.
fn slow_ms(dice: &mut Dice, usual_ms: u64) -> u64 {
    if dice.one_in(3) { dice.scattered(20, ANSWER_WITHIN_MS) } else { usual_ms }
}

impl Log for Link {
    fn name(&self) -> &str {
        self.log.name()
    }

    fn partitions(&self) -> Partition {
        self.log.partitions()
    }

    fn append(&self, partition: Partition, records: Vec<Record>) -> Receipt {
        let receiver = self.dispatch(partition, records);
        let (gone, universe) = (self.unknown(partition), Arc::clone(&self.universe));
        Receipt::new(async move {
            let outcome = receiver.await.unwrap_or(Err(gone));
            universe.pass().await;
            outcome
        })
    }

    fn read(
        &self,
        partition: Partition,
        from: Offset,
        limits: ReadLimits,
    ) -> BoxFuture<'_, Result<Batch, ReadError>> {
        async move {
            self.universe.pass().await;
            if self.universe.fires(Fault::ReadRefused, self.site).is_some() {
                return Err(self.refused(partition));
            }
            let frozen = self.freeze(partition).await;
            let mut batch = self.log.read(partition, from, limits).await?;
            if let Some((_, end)) = frozen {
                batch.records.retain(|record| record.offset < end);
            }
            if batch.records.len() > 1
                && let Some(mut dice) = self.universe.fires(Fault::ReadShort, self.site)
            {
                let kept = dice.between(1, batch.records.len() as u64 - 1);
                batch.records.truncate(usize::try_from(kept).expect("an index"));
            }
            Ok(batch)
        }
        .boxed()
    }

    fn wait(&self, partition: Partition, offset: Offset) -> BoxFuture<'_, ()> {
        async move {
            let frozen = self.condition(partition, |condition| condition.frozen);
            let left_ms = frozen
                .filter(|(_, end)| *end <= offset)
                .map_or(0, |(until_ms, _)| until_ms.saturating_sub(self.universe.now_ms()));
            if left_ms > 0 {
                self.universe.clock.sleep(Duration::from_millis(left_ms)).await;
            }
            self.log.wait(partition, offset).await;
            self.universe.pass().await;
        }
        .boxed()
    }

    fn start(&self, partition: Partition) -> BoxFuture<'_, Result<Offset, ReadError>> {
        async move {
            self.universe.pass().await;
            self.log.start(partition).await
        }
        .boxed()
    }

    fn end(&self, partition: Partition) -> BoxFuture<'_, Result<Offset, ReadError>> {
        async move {
            self.universe.pass().await;
            let end = self.log.end(partition).await;
            let Some(mut dice) = self.universe.fires(Fault::EndFault, self.site) else {
                return end;
            };
            if dice.one_in(3) {
                return Err(self.refused(partition));
            }
            // What is told was so when it was asked for.
            self.universe.sleep_ms(dice.scattered(5, 3_000)).await;
            end
        }
        .boxed()
    }
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link").field("log", &self.log).field("site", &self.site).finish()
    }
}
