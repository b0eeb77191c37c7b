//! What a seed draws before anything happens: how large the world is, and how its parts are set.
//! Must not know what happens then.

use std::num::NonZeroU64;
use std::time::Duration;

use event_log::ReadLimits;
use gateway::status::StatusLimits;
use order_worker::WorkerOptions;
use schemas::Partition;

use crate::dice::{Dice, mix};
use crate::faults::Site;

/// First sites of the roles, of operators and of shoppers.
pub(crate) const WORKERS: Site = 1;
pub(crate) const GATEWAYS: Site = 11;
pub(crate) const PROJECTORS: Site = 21;
pub(crate) const OPERATORS: Site = 31;
pub(crate) const SHOPPERS: Site = 101;

const LARGEST_READ: usize = 1 << 20;

/// The world of a seed.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) seed: u64,
    pub(crate) partitions: Partition,
    pub(crate) workers: Site,
    pub(crate) gateways: Site,
    pub(crate) projectors: Site,
    pub(crate) deals: Site,
    pub(crate) shoppers: Site,
    /// All shoppers begin within this: a rush, or one after the other.
    pub(crate) rush_ms: u64,
    /// All workers have one name.
    pub(crate) equal_names: bool,
    /// Every worker takes every partition for its own, for ever.
    pub(crate) everybody_owns: bool,
    /// Log times fall when the log's clock does.
    pub(crate) times_fall: bool,
    /// So many purchases may be on their way through a gateway at once, whatever goes through.
    pub(crate) line_min: NonZeroU64,
    pub(crate) worker: WorkerOptions,
    pub(crate) status: StatusLimits,
}

impl Plan {
    pub(crate) fn draw(seed: u64) -> Self {
        let mut dice = Dice::new(mix(&[seed, 4]));
        let site = |dice: &mut Dice, low: u64, high: u64| {
            Site::try_from(dice.between(low, high)).expect("small numbers")
        };
        Self {
            seed,
            partitions: site(&mut dice, 1, 3),
            workers: site(&mut dice, 1, 3),
            gateways: site(&mut dice, 1, 3),
            projectors: site(&mut dice, 1, 2),
            deals: site(&mut dice, 2, 4),
            shoppers: site(&mut dice, 10, 80),
            rush_ms: *dice.pick(&[100, 1_000, 5_000, 40_000]),
            equal_names: dice.one_in(2),
            everybody_owns: dice.one_in(3),
            times_fall: dice.one_in(2),
            line_min: NonZeroU64::new(*dice.pick(&[1, 1, 2, 3, 128])).expect("none is 0"),
            worker: worker_options(&mut dice),
            status: status_limits(&mut dice),
        }
    }

    /// A seed for what a machine does in one of its lives.
    pub(crate) fn seed_of(&self, site: Site, life: u64) -> u64 {
        mix(&[self.seed, 5, site.into(), life])
    }
}

fn size(dice: &mut Dice, low: u64, high: u64) -> usize {
    usize::try_from(dice.between(low, high)).expect("small numbers")
}

fn worker_options(dice: &mut Dice) -> WorkerOptions {
    WorkerOptions {
        batch: ReadLimits { records_max: size(dice, 1, 8), bytes_max: LARGEST_READ },
        appends_max: size(dice, 1, 4),
        snapshot_decisions: dice.scattered(1, 40),
        snapshot_pause: Duration::from_millis(dice.scattered(1, 4_000)),
        retire_after: Duration::from_secs(dice.between(5, 60)),
        ..WorkerOptions::default()
    }
}

fn status_limits(dice: &mut Dice) -> StatusLimits {
    let records_max = size(dice, 0, 20);
    StatusLimits {
        records_max,
        records_hard_max: records_max + size(dice, 20, 400),
        evicted_together: size(dice, 1, 4),
        queued_max: size(dice, 0, 20),
        read: ReadLimits { records_max: size(dice, 1, 16), bytes_max: LARGEST_READ },
        ..StatusLimits::default()
    }
}
