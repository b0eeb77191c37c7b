//! Logs, a store and a clock for one test, and hands that write what owners would.

use std::sync::Arc;

use decision_log::{DecisionWriter, genesis_record, owner_record};
use event_log::{Log as _, ReadLimits, Record, SimulatedLog, Stored};
use platform::clock::{Clock as _, ManualClock};
use platform::jitter::SplitMix64;
use projector::{Projector, ProjectorBoard, ProjectorParts, ProjectorStatus, Step};
use read_model::{SqliteOptions, SqliteStore, Store};
use schemas::log::{Decision, FilterState, Genesis, Owner};
use schemas::{Digest, Offset, Timestamp};
use tempfile::TempDir;

use crate::faulty::FaultyStore;
use crate::naive::{Naive, stored};

pub(crate) const LOG: u8 = 7;
pub(crate) const START_MS: i64 = 1_000_000;

pub(crate) struct Setup {
    pub(crate) decisions: SimulatedLog,
    pub(crate) commands: SimulatedLog,
    pub(crate) dead_letters: SimulatedLog,
    pub(crate) store: Arc<FaultyStore>,
    pub(crate) clock: ManualClock,
    pub(crate) board: Arc<ProjectorBoard>,
    _directory: TempDir,
}

/// Who writes decisions: an epoch and a claim.
#[derive(Clone, Copy)]
pub(crate) struct Hand {
    pub(crate) epoch: u64,
    pub(crate) claim: u128,
}

pub(crate) const FIRST: Hand = Hand { epoch: 1, claim: 11 };
pub(crate) const SECOND: Hand = Hand { epoch: 2, claim: 22 };

impl Setup {
    /// Logs of one partition with a genesis record, and an empty store.
    pub(crate) async fn new() -> Self {
        let setup = Self::without_genesis().await;
        setup.genesis(LOG);
        setup
    }

    pub(crate) async fn without_genesis() -> Self {
        let clock = ManualClock::new(START_MS);
        let log = |name| {
            let clock = clock.clone();
            let now = Arc::new(move || Timestamp::from_millis(clock.now_millis()));
            SimulatedLog::new(name, 1, now)
        };
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("read-model.sqlite");
        let store = SqliteStore::open(&path, SqliteOptions::default()).await.unwrap();
        Self {
            decisions: log("decisions"),
            commands: log("commands"),
            dead_letters: log("dead-letters"),
            store: Arc::new(FaultyStore::new(store)),
            board: Arc::new(ProjectorBoard::new(1)),
            _directory: directory,
            clock,
        }
    }

    /// A projector that knows nothing but what is stored.
    pub(crate) fn projector(&self) -> Projector {
        let mut random = SplitMix64::new(1);
        let parts = ProjectorParts {
            decisions: Arc::new(self.decisions.clone()),
            commands: Arc::new(self.commands.clone()),
            dead_letters: Arc::new(self.dead_letters.clone()),
            store: Arc::clone(&self.store) as Arc<dyn Store>,
            clock: Arc::new(self.clock.clone()),
            board: Arc::clone(&self.board),
            log_id: LOG,
            random: Box::new(move || random.draw()),
        };
        Projector::new(0, parts)
    }

    pub(crate) fn genesis(&self, log_id: u8) {
        let record = genesis_record(&Genesis { log_id, partitions: 1 });
        self.commands.append_raw(0, record.clone());
        self.decisions.append_raw(0, record);
    }

    pub(crate) fn own(&self, Hand { epoch, claim }: Hand) {
        let claim = Digest(claim);
        let owner = Owner { epoch, claim, worker: "worker".into(), rules: 1 };
        self.decisions.append_raw(0, owner_record(&owner));
    }

    /// Decides as this writer would, and sees to it that there are commands to decide.
    pub(crate) async fn decide_command(&self, hand: Hand, decision: &Decision) {
        while self.commands.end(0).await.unwrap() <= decision.offset {
            self.commands.append_raw(0, Record::default());
        }
        self.decide(hand, decision);
    }

    pub(crate) fn decide(&self, Hand { epoch, claim }: Hand, decision: &Decision) {
        let claim = Digest(claim);
        let writer = FilterState { epoch, claim, ..FilterState::default() };
        let record = DecisionWriter::of(&writer).record(decision.encode().into());
        self.decisions.append_raw(0, record);
    }

    pub(crate) async fn end(&self) -> Offset {
        self.decisions.end(0).await.unwrap()
    }

    pub(crate) async fn letters(&self) -> Vec<Stored> {
        let limits = ReadLimits { records_max: 100, bytes_max: usize::MAX };
        self.dead_letters.read(0, 0, limits).await.unwrap().records
    }

    pub(crate) fn status(&self) -> ProjectorStatus {
        self.board.list().remove(0)
    }

    /// Everything stored of the log, with its read_offset.
    pub(crate) async fn stored(&self) -> (Offset, Naive) {
        stored(&*self.store, LOG, 0, 100).await
    }

    /// Asserts promise I6: the rows are the fold of these decisions, and all of the log is read.
    pub(crate) async fn holds(&self, decisions: &[Decision]) {
        let expected = (self.end().await, Naive::of(LOG, 0, decisions));
        assert_eq!(self.stored().await, expected);
    }
}

/// Steps until there is nothing to do.
pub(crate) async fn catch_up(projector: &mut Projector) {
    while matches!(projector.step().await, Step::Committed { .. }) {}
    assert_eq!(projector.step().await, Step::CaughtUp);
}
