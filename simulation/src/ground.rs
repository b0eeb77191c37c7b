//! What outlives every process: the logs, the database, the store of snapshots, and which doors of
//! gateways are open. Must not know who uses it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use event_log::{Log, Record, SimulatedLog};
use futures_util::{FutureExt, TryStreamExt};
use gateway::Counter;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt, PutPayload};
use platform::clock::Clock;
use schemas::Timestamp;
use schemas::log::Genesis;

use crate::clock::{MachineClock, drift};
use crate::dice::Dice;
use crate::faults::{Fault, Site};
use crate::history::History;
use crate::plan::Plan;
use crate::store::Database;
use crate::universe::{Universe, WORLD};

/// Which log it is.
pub(crate) const LOG_ID: u8 = 7;

/// The ground on which all roles stand. Clones share it.
#[derive(Clone)]
pub(crate) struct Ground {
    pub(crate) universe: Arc<Universe>,
    pub(crate) plan: Arc<Plan>,
    pub(crate) log_clock: MachineClock,
    pub(crate) commands: SimulatedLog,
    pub(crate) decisions: SimulatedLog,
    pub(crate) dead_letters: SimulatedLog,
    pub(crate) database: Database,
    pub(crate) snapshots: Arc<InMemory>,
    /// What gateways tell, on any way.
    pub(crate) history: History,
    doors: Arc<Mutex<BTreeMap<Site, Counter>>>,
}

impl Ground {
    pub(crate) fn new(universe: &Arc<Universe>, plan: &Arc<Plan>) -> Self {
        let drift = universe.fires(Fault::LogClockDrift, WORLD).map_or(0, |mut it| drift(&mut it));
        let log_clock = MachineClock::new(&universe.clock, drift);
        let log = |name| {
            let clock = log_clock.clone();
            let now = move || Timestamp::from_millis(clock.now_millis());
            let log = SimulatedLog::new(name, plan.partitions, Arc::new(now));
            if plan.times_fall { log.with_falling_times() } else { log }
        };
        let ground = Self {
            universe: Arc::clone(universe),
            plan: Arc::clone(plan),
            commands: log("commands"),
            decisions: log("decisions"),
            dead_letters: log("dead-letters"),
            log_clock,
            database: Database::default(),
            snapshots: Arc::default(),
            history: History::default(),
            doors: Arc::default(),
        };
        let genesis = Genesis { log_id: LOG_ID, partitions: plan.partitions };
        let genesis = Record { payload: genesis.encode().into(), ..Record::default() };
        for partition in 0..plan.partitions {
            ground.commands.append_raw(partition, genesis.clone());
            ground.decisions.append_raw(partition, genesis.clone());
        }
        ground
    }

    pub(crate) fn open_door(&self, site: Site, counter: Counter) {
        self.doors.lock().unwrap_or_else(PoisonError::into_inner).insert(site, counter);
    }

    pub(crate) fn close_door(&self, site: Site) {
        self.doors.lock().unwrap_or_else(PoisonError::into_inner).remove(&site);
    }

    pub(crate) fn door(&self, site: Site) -> Option<Counter> {
        self.doors.lock().unwrap_or_else(PoisonError::into_inner).get(&site).cloned()
    }

    /// Takes one of the snapshots away, or the newest of a partition.
    pub(crate) fn lose_snapshot(&self, dice: &mut Dice, newest: bool) {
        let paths = self.snapshot_paths();
        let Some(path) = (!paths.is_empty()).then(|| dice.pick(&paths)) else { return };
        let folder = |path: &Path| path.as_ref().rsplit_once('/').map(|(it, _)| it.to_owned());
        let of_folder = paths.iter().filter(|it| folder(it) == folder(path)).max();
        let path = of_folder.filter(|_| newest).unwrap_or(path);
        now(self.snapshots.delete(path)).expect("it was listed");
    }

    /// Turns a bit of a snapshot, or cuts it off.
    pub(crate) fn damage_snapshot(&self, dice: &mut Dice) {
        let paths = self.snapshot_paths();
        let Some(path) = (!paths.is_empty()).then(|| dice.pick(&paths)) else { return };
        let found = now(self.snapshots.get(path)).expect("it was listed");
        let mut bytes = now(found.bytes()).expect("it is in memory").to_vec();
        if bytes.is_empty() {
            return;
        }
        let at = usize::try_from(dice.below(bytes.len() as u64)).expect("an index");
        if dice.one_in(3) {
            bytes.truncate(at);
        } else {
            bytes[at] ^= 1 << dice.below(8);
        }
        now(self.snapshots.put(path, PutPayload::from(bytes))).expect("memory takes it");
    }

    /// The bytes of a snapshot, if it is still there.
    pub(crate) fn snapshot(&self, path: &Path) -> Option<Bytes> {
        let found = now(self.snapshots.get(path)).ok()?;
        now(found.bytes()).ok()
    }

    /// Where snapshots are, in order.
    pub(crate) fn snapshot_paths(&self) -> Vec<Path> {
        let listed = self.snapshots.list(None).map_ok(|object| object.location);
        let mut paths: Vec<Path> = now(listed.try_collect()).expect("memory can be listed");
        paths.sort_unstable();
        paths
    }

    /// The logs as they are, without any wire.
    pub(crate) fn logs(&self) -> (Arc<dyn Log>, Arc<dyn Log>) {
        (Arc::new(self.commands.clone()), Arc::new(self.decisions.clone()))
    }
}

/// What is there at once.
pub(crate) fn now<T>(future: impl Future<Output = T>) -> T {
    future.now_or_never().expect("nothing in memory waits")
}
