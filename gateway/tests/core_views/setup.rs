//! A partition with its log, its read model, a projector and a view, moved step by step.

use std::collections::BTreeMap;
use std::sync::Arc;

use decision_log::{DecisionWriter, Entry, Reader, Verdict, genesis_record, owner_record};
use event_log::{Log, ReadLimits, Record, SimulatedLog};
use futures_executor::block_on;
use futures_util::FutureExt;
use gateway::admission::Question;
use gateway::status::{Follower, StatusLimits, StatusOptions, StatusView};
use platform::clock::{Clock, ManualClock};
use read_model::{OrderRow, Store};
use schemas::log::{Decision, FilterState, Genesis, Owner};
use schemas::{Digest, Fingerprint, Position, Timestamp};

use crate::memory_store::{MemoryStore, Rows};
use crate::world::{self, Wish, World};

pub(crate) const LOG_ID: u8 = 3;
pub(crate) const LIMITS: ReadLimits = ReadLimits { records_max: 7, bytes_max: 1 << 20 };

pub(crate) struct Setup {
    pub(crate) clock: ManualClock,
    pub(crate) decisions: SimulatedLog,
    pub(crate) commands: SimulatedLog,
    pub(crate) store: MemoryStore,
    pub(crate) world: World,
    /// All that was decided, by offset.
    pub(crate) decided: Vec<Decision>,
    /// Every order as of every `decided_next`.
    pub(crate) history: BTreeMap<u64, BTreeMap<u64, OrderRow>>,
    truth: Rows,
    owner: FilterState,
}

pub(crate) fn position(offset: u64) -> Position {
    Position { partition: 0, offset }
}

impl Setup {
    pub(crate) fn new() -> Self {
        Self::with_partitions(1)
    }

    /// Of these only the first is decided.
    pub(crate) fn with_partitions(partitions: u16) -> Self {
        let clock = ManualClock::new(1_000_000);
        let log = |name| {
            let clock = clock.clone();
            let now = move || Timestamp::from_millis(clock.now_millis());
            SimulatedLog::new(name, partitions, Arc::new(now))
        };
        let (decisions, commands) = (log("decisions"), log("commands"));
        let genesis = Genesis { log_id: LOG_ID, partitions };
        for partition in 0..partitions {
            commands.append_raw(partition, genesis_record(&genesis));
            decisions.append_raw(partition, genesis_record(&genesis));
        }
        let owner = FilterState { epoch: 1, claim: Digest(9), ..FilterState::default() };
        let record = Owner { epoch: 1, claim: Digest(9), worker: "w".into(), rules: 1 };
        decisions.append_raw(0, owner_record(&record));
        Self {
            clock,
            decisions,
            commands,
            store: MemoryStore::default(),
            world: World::new(),
            decided: Vec::new(),
            history: BTreeMap::from([(1, BTreeMap::new())]),
            truth: Rows::default(),
            owner,
        }
    }

    /// A command is appended and decided at once.
    pub(crate) fn decide(&mut self, wish: Wish) -> Decision {
        self.commands.append_raw(0, Record { payload: "{}".into(), ..Record::default() });
        let decision = self.world.decide(wish);
        self.decisions
            .append_raw(0, DecisionWriter::of(&self.owner).record(decision.encode().into()));
        self.truth.apply(0, &read_model::fold(LOG_ID, 0, &decision));
        let orders = self.truth.orders.iter();
        let orders = orders.map(|((_, position), row)| (position.offset, row.clone())).collect();
        self.history.insert(decision.offset + 1, orders);
        self.decided.push(decision.clone());
        decision
    }

    /// The projector commits at most about so many records.
    pub(crate) fn project(&self, records_max: usize) {
        block_on(self.project_some(records_max));
    }

    /// The same from within a future: nothing here ever waits.
    pub(crate) fn project_now(&self, records_max: usize) {
        self.project_some(records_max).now_or_never().expect("nothing here waits");
    }

    async fn project_some(&self, records_max: usize) {
        let rows = self.store.projections(LOG_ID).await.unwrap();
        let filter = rows.first().map(|row| row.filter.clone()).unwrap_or_default();
        let expected = filter.read_offset;
        let limits = ReadLimits { records_max, ..LIMITS };
        let mut reader = Reader::new(Arc::new(self.decisions.clone()), 0, filter, limits);
        let entries = reader.next().await.unwrap();
        let mut changes = Vec::new();
        for entry in &entries {
            if let Entry::Decision { decision, verdict: Verdict::Effective, .. } = entry {
                changes.extend(read_model::fold(LOG_ID, 0, decision));
            }
        }
        if !entries.is_empty() {
            self.store.commit(0, expected, reader.state(), &changes).await.unwrap();
        }
    }

    /// A view that starts from the read model and lets go of all that it may.
    pub(crate) fn view(&self) -> (StatusView, Follower) {
        self.view_within(StatusLimits {
            records_max: 0,
            evicted_together: 2,
            read: LIMITS,
            ..StatusLimits::default()
        })
    }

    pub(crate) fn view_within(&self, limits: StatusLimits) -> (StatusView, Follower) {
        let view = block_on(StatusView::start(self.options(limits))).unwrap();
        let follower = view.follower(0);
        (view, follower)
    }

    pub(crate) fn options(&self, limits: StatusLimits) -> StatusOptions {
        StatusOptions {
            decisions: Arc::new(self.decisions.clone()),
            commands: Arc::new(self.commands.clone()),
            store: Arc::new(self.store.clone()),
            clock: Arc::new(self.clock.clone()),
            log_id: LOG_ID,
            gateway: "gw".into(),
            limits,
        }
    }

    /// Commands that wait, without anybody deciding them.
    pub(crate) fn append_commands(&self, count: usize) {
        for _ in 0..count {
            let record = Record { payload: "{}".into(), ..Record::default() };
            drop(block_on(self.commands.append(0, vec![record])).unwrap());
        }
    }

    pub(crate) fn question(&self, deal: u8, key: u8, quantity: u32) -> Question {
        Question {
            deal_id: world::deal_id(deal),
            key: world::key(deal, key),
            fingerprint: Fingerprint(u64::from(quantity)),
            quantity: i64::from(quantity),
            now: Timestamp::from_millis(self.clock.now_millis()),
        }
    }
}

/// Follows to the end of the log.
pub(crate) fn catch_up(follower: &mut Follower) {
    while block_on(follower.step()).unwrap() > 0 {}
}
