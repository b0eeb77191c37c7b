//! One run from its beginning to its end: with faults for so many steps, then healed until nothing
//! is left to do, then looked at once more by the audit. Must not know what a step is.

use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use audit::{AuditInput, Verdict};
use event_log::{Log, Record};
use platform::clock::Clock;
use schemas::Timestamp;

use crate::checks::Breach;
use crate::clients::shoppers;
use crate::faults::Oracle;
use crate::ground::now;
use crate::plan::{OPERATORS, Plan};
use crate::report::{Failure, Judges, Options, Report, THREAD, note_panics};
use crate::store::StoreLink;
use crate::universe::{Universe, WORLD};
use crate::world::World;

/// Most steps from healing until nothing is left to do.
const DRAIN_STEPS_MAX: u64 = 200_000;
/// The same in virtual time.
const DRAIN_MS_MAX: u64 = 30 * 60 * 1_000;
/// How long, at most, a service that only the audit judges works between two looks at rest.
const REST_MS: u64 = 3 * 60 * 1_000;
const REST_STEPS: u64 = 30_000;
/// What was promised to a client is looked up again at every gateway, for so many orders.
const VERIFIED_MAX: usize = 12;
/// So often the audit looks at a service in trouble.
const INSPECTIONS: u64 = 4;
/// A reader that sees nothing new, and whatever else was slow when all was healed, does so no
/// longer than this.
const AILING_MS: u64 = 30_000;
/// Whoever was fenced and still takes the partition for its own claims it again within this.
const CONTEST_MS: u64 = 15_000;
/// No hold lasts longer than this.
const HOLD_MAX: Duration = Duration::from_secs(60);
/// What is on its way when all is healed arrives within this.
const HURRY_MS: u64 = 1_000;
/// An audit of what is in memory waits so often at most.
const AUDIT_POLLS_MAX: u32 = 1_000_000;

/// Runs a seed, in a thread of its own.
///
/// # Panics
/// If the simulation itself is broken.
#[must_use]
pub fn run(options: &Options) -> Report {
    note_panics();
    let options = options.clone();
    let thread = std::thread::Builder::new().name(THREAD.to_owned());
    let running = thread.spawn(move || run_here(&options)).expect("threads can be started");
    running.join().unwrap_or_else(|_| panic!("the simulation broke: its seed says how"))
}

fn run_here(options: &Options) -> Report {
    let oracle = Oracle::new(options.seed, options.only.clone());
    let universe = Universe::new(options.seed, oracle, options.in_words);
    let plan = Arc::new(Plan::draw(options.seed));
    let mut world = World::new(&universe, &plan, options.judges);
    let failure = live(&mut world, options).err();
    if failure.is_some() {
        // Tasks of a world that broke are not to be dropped one by one: they may break again.
        std::mem::take(&mut world.scheduler).forget();
    }
    Report {
        seed: options.seed,
        trace_hash: universe.trace_hash(),
        steps: world.steps,
        elapsed_ms: universe.now_ms(),
        counts: universe.counts(),
        taken: universe.oracle(|oracle| oracle.taken().to_vec()),
        failure,
        lines: universe.take_lines(),
    }
}

fn live(world: &mut World, options: &Options) -> Result<(), Failure> {
    let &Options { steps, judges, .. } = options;
    let inspect_every = steps.div_ceil(INSPECTIONS).max(1);
    while world.steps < steps && world.step()? {
        if judges != Judges::Steps && world.steps.is_multiple_of(inspect_every) {
            inspect(world)?;
        }
    }
    heal(world);
    if judges == Judges::Audit {
        return rest(world);
    }
    drain(world)?;
    let breach = |breach: Breach| Failure::Breach(breach.to_string());
    world.auditor.check_at_rest().map_err(breach)?;
    // Whoever finds only now that its log is ahead of its clock, or does not see what it has
    // decided itself, takes over once more.
    linger(world, AILING_MS)?;
    poke(world);
    drain(world)?;
    let owners: Vec<_> = world.auditor.epochs().collect();
    let sold = world.auditor.sold().values().sum();
    world.universe.count_more("units sold", sold);
    let mut orders = world.auditor.order_ids();
    orders.truncate(VERIFIED_MAX);
    let client = world.client(OPERATORS - 1, "support");
    world.universe.spawn(client.site, shoppers::verify(client, orders));
    linger(world, CONTEST_MS)?;
    poke(world);
    drain(world)?;
    let now: Vec<_> = world.auditor.epochs().collect();
    if now != owners {
        let words = format!("partitions change hands for no reason, {owners:?} to {now:?}");
        return Err(Failure::Stuck(words));
    }
    if judges == Judges::Steps { Ok(()) } else { inspect(world).map(drop) }
}

/// Gives the owner of each partition something to decide.
fn poke(world: &World) {
    for partition in 0..world.ground.plan.partitions {
        let payload = "something".into();
        world.ground.commands.append_raw(partition, Record { payload, ..Record::default() });
    }
}

/// Lets everybody go on for so long, whether or not there is anything to do.
fn linger(world: &mut World, ms: u64) -> Result<(), Failure> {
    let until_ms = world.universe.now_ms() + ms;
    while world.universe.now_ms() < until_ms && world.step()? {}
    Ok(())
}

/// What an operator does who sees nothing but audits: waits until nothing is left to do, or long
/// enough, and looks twice.
fn rest(world: &mut World) -> Result<(), Failure> {
    work_off(world)?;
    let first = inspect(world)?;
    if first.pending() == 0 {
        return Ok(());
    }
    work_off(world)?;
    let second = inspect(world)?;
    let pairs = first.partitions.iter().zip(&second.partitions);
    let stuck = pairs.filter(|(one, two)| one.pending > 0 && one.decided_next == two.decided_next);
    let stuck: Vec<_> = stuck.map(|(_, two)| two.to_string()).collect();
    if stuck.is_empty() { Ok(()) } else { Err(Failure::Pending(stuck.join("; "))) }
}

/// Goes on until the logs are decided and the rows say so, or for [`REST_MS`].
fn work_off(world: &mut World) -> Result<(), Failure> {
    let (until_steps, until_ms) = (world.steps + REST_STEPS, world.universe.now_ms() + REST_MS);
    while world.step()? && world.steps < until_steps && world.universe.now_ms() < until_ms {
        if is_calm(world) && is_projected_wholly(world) {
            break;
        }
    }
    Ok(())
}

/// By what the rows say of themselves.
fn is_projected_wholly(world: &World) -> bool {
    let rows = world.ground.database.rows();
    let (commands, decisions) = world.ground.logs();
    let end = |log: &Arc<dyn Log>, partition| now(log.end(partition)).ok();
    (0..world.ground.plan.partitions).all(|partition| {
        let filter = rows.projections.get(&partition);
        let ends = (end(&decisions, partition), end(&commands, partition));
        ends == (filter.map(|it| it.read_offset), filter.map(|it| it.decided_next))
    })
}

/// Nothing goes wrong any more, and what was wrong is set right.
fn heal(world: &mut World) {
    let universe = Arc::clone(&world.universe);
    universe.oracle(Oracle::heal);
    universe.trace(&[9], || "healed".into());
    universe.count_more("steps with faults", world.steps);
    let due_ms = universe.now_ms() + HURRY_MS;
    universe.wire(|wire| wire.hurry(due_ms));
    world.ground.log_clock.heal();
    world.machines.heal();
}

/// Goes on until all commands are decided, all rows are there, all clients have their answers, and
/// holds that began before have run out.
fn drain(world: &mut World) -> Result<(), Failure> {
    let (from_step, from_ms) = (world.steps, world.universe.now_ms());
    let until = Timestamp::from_millis(world.universe.clock.now_millis()).plus(HOLD_MAX);
    loop {
        let going = world.step()?;
        if is_drained(world, until) {
            return Ok(());
        }
        let (steps, ms) = (world.steps - from_step, world.universe.now_ms() - from_ms);
        if !going || steps > DRAIN_STEPS_MAX || ms > DRAIN_MS_MAX {
            return Err(Failure::Stuck(format!("after {steps} steps, {ms} ms: {}", left(world))));
        }
    }
}

fn is_drained(world: &World, until: Timestamp) -> bool {
    is_calm(world)
        && world.auditor.undecided().all(|(_, decided_next, end)| decided_next == end)
        && is_projected(world)
        && world.auditor.overdue(until) == 0
        && is_owned(world)
}

/// Each partition has one owner, and it is the one that the log knows.
fn is_owned(world: &World) -> bool {
    let mut epochs = world.auditor.epochs();
    epochs.all(|(partition, epoch)| world.machines.owning(partition) == [epoch])
}

/// No client has anything to do, and nothing is on its way.
fn is_calm(world: &World) -> bool {
    let clients = world.scheduler.count(|site| site >= OPERATORS - 1);
    clients == 0
        && world.universe.is_spawning_nothing()
        && world.universe.wire(|wire| wire.is_empty())
}

fn is_projected(world: &World) -> bool {
    let rows = world.ground.database.rows();
    let stored = |partition| rows.projections.get(&partition).map(|filter| filter.read_offset);
    let mut partitions = 0..world.ground.plan.partitions;
    partitions.all(|partition| stored(partition) == Some(world.auditor.read_offset(partition)))
}

fn left(world: &World) -> String {
    let undecided: Vec<_> = world.auditor.undecided().collect();
    let clients = world.scheduler.count(|site| site >= OPERATORS - 1);
    let parked = world.machines.look_for_parks(false);
    let now = Timestamp::from_millis(world.universe.clock.now_millis());
    let owners = world.auditor.epochs().map(|(it, epoch)| (it, epoch, world.machines.owning(it)));
    let owners: Vec<_> = owners.collect();
    format!(
        "{clients} clients wait, {parked} partitions parked, {} holds overdue, projected: {}, \
         (partition, decided_next, end): {undecided:?}, (partition, epoch, owners): {owners:?}",
        world.auditor.overdue(now),
        is_projected(world)
    )
}

/// The audit, as an operator runs it.
fn inspect(world: &World) -> Result<audit::Report, Failure> {
    let universe = Universe::new(0, Oracle::new(0, Some(Default::default())), false);
    let (commands, decisions) = world.ground.logs();
    let database = world.ground.database.clone();
    let store = Arc::new(StoreLink { universe, database, site: WORLD });
    let report = finish(audit::run(AuditInput { commands, decisions, store: Some(store) }));
    let report = report.map_err(|fault| Failure::Audit(fault.to_string()))?;
    match report.lines.iter().all(|line| line.verdict == Verdict::Holds) {
        true => Ok(report),
        false => Err(Failure::Audit(report.to_string())),
    }
}

/// Drives a future that waits for nobody but itself.
fn finish<T>(future: impl Future<Output = T>) -> T {
    let mut future = Box::pin(future);
    let mut context = Context::from_waker(Waker::noop());
    for _ in 0..AUDIT_POLLS_MAX {
        if let Poll::Ready(done) = future.as_mut().poll(&mut context) {
            return done;
        }
    }
    unreachable!("what is in memory is read within {AUDIT_POLLS_MAX} polls")
}
