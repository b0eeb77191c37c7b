//! A rush from its plan to its report: announce, open, let the crowd loose, ask again, judge.

use std::mem;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use schemas::Timestamp;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::announcement::{self, Address, Offer};
use crate::buyer::Buyer;
use crate::clock::Clock;
use crate::crowd::{Crowd, Role};
use crate::dice::Dice;
use crate::frontier::Frontier;
use crate::gateways::Gateways;
use crate::history::{Attempt, History, Moment, Terms};
use crate::plan::{PlanFault, RushPlan, ShopToken};
use crate::progress::Phase;
use crate::report::RushReport;
use crate::target::{TargetFault, resolve_all};
use crate::world::{World, bearer};

/// Between the last connection and the first purchase: the crowd has to be awake, and the door
/// opens a moment after the deal does.
const DEEP_BREATH: Duration = Duration::from_millis(250);
/// Late purchases come spread over this.
const LATE_WITHIN: Duration = Duration::from_secs(1);
/// Those who wait may keep one connection in so many busy.
const WAITS_ONE_IN: usize = 8;

/// Why there is no report. What the service did wrong to buyers stands in the report instead.
#[derive(Debug, thiserror::Error)]
pub enum RushError {
    /// The plan makes no sense.
    #[error(transparent)]
    Plan(#[from] PlanFault),
    /// The service cannot be meant.
    #[error(transparent)]
    Target(#[from] TargetFault),
    /// A token has characters that no header takes.
    #[error("the {0} token cannot be sent in a header")]
    Token(&'static str),
    /// The service refused what has to be done before buyers come.
    #[error("{doing}: {why}")]
    Refused {
        /// What was tried.
        doing: &'static str,
        /// The answer.
        why: String,
    },
    /// The service did not answer before patience was over.
    #[error("{doing}: no answer ({last})")]
    NoAnswer {
        /// What was tried.
        doing: &'static str,
        /// What was heard last.
        last: String,
    },
}

/// A buyer and what came of the purchases so far.
type Run = (Buyer, Vec<Attempt>);

/// Makes a rush on a service. Runs on the caller's runtime and prints nothing.
///
/// # Errors
/// If the plan makes no sense, or the service does not take the deal.
///
/// # Panics
/// Only if a buyer's task or `shop_token` does.
pub async fn rush(plan: RushPlan) -> Result<RushReport, RushError> {
    let found = resolve_all(plan.check()?, plan.allow_remote).await?;
    let crowd = Crowd::draw(plan.seed, plan.buyers, plan.duplicates, plan.arrivals);
    let crowd = if plan.once { crowd.that_comes_once() } else { crowd };
    let admin = bearer(&plan.admin_token).ok_or(RushError::Token("admin"))?;
    let offer = Offer {
        address: Address::new(plan.seed, wall_clock()),
        stock: plan.stock,
        limit_per_customer: crowd.limit_per_customer,
        hold_seconds: plan.hold_seconds,
        opens_in: plan.opens_in,
    };
    let clock = Clock::start();
    let gateways = Gateways::new(found, plan.connections, clock);
    let world = Arc::new(make_world(&plan, clock, gateways, &offer));
    let observer = Arc::clone(&plan.observer);
    let facts = RushReport::start(&plan, &offer);

    observer.began(Phase::Preparing, u64::from(plan.buyers));
    let buyers = make_buyers(crowd.roles, plan.shop_token, &world).await?;
    observer.began(Phase::Opening, 0);
    announcement::announce(&world, &admin, &offer).await?;
    let clocks = announcement::wait_until_open(&world).await?;
    warm(&world, plan.connections.min(buyers.len())).await;

    let opened = world.clock.now().plus(DEEP_BREATH);
    observer.began(Phase::Buying, count(buyers.len()));
    let runs = match plan.once {
        true => buy_once(buyers, opened, plan.connections).await,
        false => buy(buyers, opened).await,
    };
    observer.began(Phase::Repeating, count(runs.iter().filter(|(b, _)| b.comes_late()).count()));
    let runs = buy_late(runs, &world).await;
    observer.began(Phase::AskingAgain, count(runs.iter().map(|(_, a)| tickets(a)).sum()));
    let runs = ask_again(runs).await;

    let terms = Terms {
        stock: u64::from(offer.stock),
        limit_per_customer: offer.limit_per_customer,
        hold_seconds: offer.hold_seconds,
    };
    let mut buyers: Vec<_> =
        runs.into_iter().map(|(b, attempts)| b.into_history(attempts)).collect();
    buyers.sort_unstable_by_key(|buyer| buyer.number);
    let frontier = mem::take(&mut *world.frontier.lock().unwrap_or_else(PoisonError::into_inner));
    let mut history = History { terms, opened, clocks, frontier, buyers, last_look: None };
    history.last_look = announcement::last_look(&world, history.units_owned()).await;
    observer.began(Phase::Done, 0);
    Ok(facts.finish(&history, &world))
}

fn make_world(plan: &RushPlan, clock: Clock, gateways: Gateways, offer: &Offer) -> World {
    World {
        clock,
        gateways,
        deal_id: offer.address.deal_id(),
        seed: plan.seed,
        // Jitter must not repeat with the seed: two rushes side by side would retry in step.
        dice: Dice::new(plan.seed ^ wall_clock().as_millis().unsigned_abs()),
        patience: plan.patience,
        once: plan.once,
        waits: Semaphore::new(plan.connections / WAITS_ONE_IN),
        observer: Arc::clone(&plan.observer),
        retries: Default::default(),
        frontier: Mutex::new(Frontier::default()),
    }
}

fn wall_clock() -> Timestamp {
    let passed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::EPOCH.plus(passed)
}

/// Signing costs processor time, so it happens off the async threads, and before the opening.
async fn make_buyers(
    roles: Vec<Role>,
    shop_token: ShopToken,
    world: &Arc<World>,
) -> Result<Vec<Buyer>, RushError> {
    let world = Arc::clone(world);
    let made = tokio::task::spawn_blocking(move || {
        let numbered = (0..).zip(roles);
        numbered
            .map(|(number, role)| {
                let token = bearer(&shop_token(role.customer)).ok_or(RushError::Token("shop"))?;
                world.observer.stepped();
                Ok(Buyer::new(number, role, token, Arc::clone(&world)))
            })
            .collect()
    });
    made.await.unwrap_or_else(|stopped| std::panic::resume_unwind(stopped.into_panic()))
}

async fn warm(world: &Arc<World>, connections: usize) {
    let mut opening = JoinSet::new();
    for gateway in (0..world.gateways.count()).cycle().take(connections) {
        let world = Arc::clone(world);
        opening.spawn(async move { world.gateways.warm(gateway).await });
    }
    opening.join_all().await;
}

async fn buy(buyers: Vec<Buyer>, opened: Moment) -> Vec<Run> {
    let mut buying = JoinSet::new();
    for buyer in buyers {
        buying.spawn(async move {
            let attempts = buyer.buy(opened).await;
            (buyer, attempts)
        });
    }
    buying.join_all().await
}

/// Each connection sends one purchase after the other, in the order in which they are due. Nobody
/// waits between two requests here, so this is the same crowd for far less memory and time.
async fn buy_once(buyers: Vec<Buyer>, opened: Moment, connections: usize) -> Vec<Run> {
    // Room for all from the start: that of each connection would have to grow at the same moment.
    let done = Arc::new(Mutex::new(Vec::with_capacity(buyers.len())));
    let waiting = Arc::new(Mutex::new(buyers.into_iter()));
    let mut buying = JoinSet::new();
    for _ in 0..connections {
        let (waiting, done) = (Arc::clone(&waiting), Arc::clone(&done));
        buying.spawn(async move {
            let next = || waiting.lock().unwrap_or_else(PoisonError::into_inner).next();
            while let Some(buyer) = next() {
                let attempts = buyer.buy(opened).await;
                done.lock().unwrap_or_else(PoisonError::into_inner).push((buyer, attempts));
            }
        });
    }
    buying.join_all().await;
    std::mem::take(&mut *done.lock().unwrap_or_else(PoisonError::into_inner))
}

async fn buy_late(runs: Vec<Run>, world: &Arc<World>) -> Vec<Run> {
    let start = world.clock.now();
    let (late, mut done): (Vec<Run>, Vec<Run>) =
        runs.into_iter().partition(|(buyer, _)| buyer.comes_late());
    let mut buying = JoinSet::new();
    for (buyer, mut attempts) in late {
        let due = start.plus(world.dice.up_to(LATE_WITHIN));
        buying.spawn(async move {
            attempts.push(buyer.buy_late(due).await);
            (buyer, attempts)
        });
    }
    done.extend(buying.join_all().await);
    done
}

async fn ask_again(runs: Vec<Run>) -> Vec<Run> {
    let (asked, mut done): (Vec<Run>, Vec<Run>) =
        runs.into_iter().partition(|(_, attempts)| tickets(attempts) > 0);
    let mut asking = JoinSet::new();
    for (buyer, mut attempts) in asked {
        asking.spawn(async move {
            buyer.ask_again(&mut attempts).await;
            (buyer, attempts)
        });
    }
    done.extend(asking.join_all().await);
    done
}

fn tickets(attempts: &[Attempt]) -> usize {
    attempts.iter().filter(|attempt| attempt.ticket.is_some()).count()
}

fn count(length: usize) -> u64 {
    u64::try_from(length).expect("usize fits u64")
}
