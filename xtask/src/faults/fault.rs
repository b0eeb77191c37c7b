//! The faults: each is done to a running system in the middle of a crowd, and undone by healing.

use std::thread;
use std::time::Duration;

use anyhow::{Result, ensure};

use crate::cluster::{Cluster, Member, Role};
use crate::programs::wait_for;
use crate::servers::{OwnServers, Server};
use crate::shopper::{Shopper, open_deal, text};

/// Longer than a session of the consumer group: whoever is silent for so long has lost its
/// partitions.
const SILENCE: Duration = Duration::from_secs(9);
/// How long a process may take to come to its fail point while a crowd buys.
const DIES_WITHIN: Duration = Duration::from_secs(30);

/// Seed, and so product, of a deal beside the crowd's.
const OTHER_SEED: u32 = 77;

/// The point that is reached when a worker stops.
const ON_STOP: &str = "before_checkpoint";

/// Points at which a process kills itself, at the so-manieth time that it comes there.
const FAIL_POINTS: [(&str, Role, &str); 5] = [
    ("after_read", Role::OrderWorker, "after_read:1"),
    ("after_append", Role::OrderWorker, "after_append:1"),
    ("before_checkpoint", Role::OrderWorker, "before_checkpoint:1"),
    ("during_takeover", Role::OrderWorker, "during_takeover:1"),
    ("in_projection", Role::Projector, "in_projection:1"),
];

/// What can happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Nothing: what the others are compared with.
    None,
    /// SIGKILL of one process of a role, which is started again at once.
    Kill(Role),
    /// A process kills itself at a named point, and is started again.
    FailPoint(&'static str),
    /// A worker stands still for longer than its session, then goes on with what it was doing.
    Zombie,
    /// Two of three workers go in order, and come back.
    ScaleInAndOut,
    /// Every worker is stopped in order and started again, one after the other.
    RollingRestart,
    /// SIGKILL of the broker, which is started again.
    KillBroker,
    /// The broker stands still for so many seconds.
    PauseBroker(u64),
    /// The broker stands still for a third of the time.
    SlowBroker,
    /// The database is killed, and comes back after so many seconds.
    DatabaseDown(u64),
}

impl Fault {
    /// All of them, the short ones for every run and the long ones for those with time.
    pub(crate) fn all(full: bool) -> Vec<Self> {
        let mut all = vec![Self::None];
        all.extend([Role::Gateway, Role::OrderWorker, Role::Projector].map(Self::Kill));
        all.extend(FAIL_POINTS.map(|(name, ..)| Self::FailPoint(name)));
        all.extend([Self::Zombie, Self::ScaleInAndOut, Self::RollingRestart]);
        all.extend([Self::KillBroker, Self::SlowBroker]);
        all.push(Self::PauseBroker(if full { 20 } else { 5 }));
        all.push(Self::DatabaseDown(if full { 60 } else { 8 }));
        all
    }

    /// As it stands in the table.
    pub(crate) fn name(self) -> String {
        match self {
            Self::None => "nothing".to_owned(),
            Self::Kill(role) => format!("kill -9 {role:?}"),
            Self::FailPoint(name) => format!("fail point {name}"),
            Self::Zombie => "worker stopped 9 s, continued".to_owned(),
            Self::ScaleInAndOut => "3 workers, 1, 3".to_owned(),
            Self::RollingRestart => "rolling restart of workers".to_owned(),
            Self::KillBroker => "kill -9 broker".to_owned(),
            Self::PauseBroker(seconds) => format!("broker paused {seconds} s"),
            Self::SlowBroker => "slow broker".to_owned(),
            Self::DatabaseDown(seconds) => format!("database down {seconds} s"),
        }
    }

    /// Does it.
    pub(crate) fn inject(self, cluster: &mut Cluster, servers: &OwnServers) -> Result<()> {
        match self {
            Self::None => Ok(()),
            Self::Kill(role) => {
                cluster.of(role)[0].kill()?;
                cluster.heal()
            }
            Self::FailPoint(name) => die_at(cluster, name),
            Self::Zombie => stand_still(cluster),
            Self::ScaleInAndOut => {
                for worker in &mut cluster.of(Role::OrderWorker)[1..] {
                    worker.stop()?;
                }
                thread::sleep(SILENCE);
                cluster.heal()
            }
            Self::RollingRestart => roll(cluster),
            Self::KillBroker => {
                servers.signal(Server::Kafka, "KILL")?;
                servers.start_again(Server::Kafka)
            }
            Self::PauseBroker(seconds) => {
                servers.signal(Server::Kafka, "STOP")?;
                thread::sleep(Duration::from_secs(seconds));
                servers.signal(Server::Kafka, "CONT")
            }
            Self::SlowBroker => slow_down(servers),
            Self::DatabaseDown(seconds) => {
                let deal_id = open_another_deal(cluster)?;
                servers.signal(Server::Mariadb, "KILL")?;
                sell_without_history(cluster, &deal_id)?;
                thread::sleep(Duration::from_secs(seconds));
                servers.start_again(Server::Mariadb)
            }
        }
    }
}

fn die_at(cluster: &mut Cluster, name: &str) -> Result<()> {
    let point = FAIL_POINTS.into_iter().find(|(known, ..)| *known == name);
    let (_, role, setting) = point.expect("faults are made from this table");
    // All of the role: whoever gets the busy partition is to die.
    let Cluster { ground, members, .. } = cluster;
    for member in members.iter_mut().filter(|member| member.role == role) {
        member.stop()?;
        member.start(ground, Some(setting))?;
    }
    if name == ON_STOP {
        // A small crowd is not worth a snapshot before a worker stops.
        for member in members.iter().filter(|member| member.role == role) {
            member.wait_until_ready()?;
            member.signal("TERM")?;
        }
    }
    wait_for(DIES_WITHIN, || {
        let mut dead = false;
        for member in members.iter_mut().filter(|member| member.role == role) {
            dead |= !member.is_running()?;
        }
        Ok(dead)
    })?;
    // Those that live on would die later, in the middle of the next fault.
    for member in members.iter_mut().filter(|member| member.role == role) {
        if member.is_running()? {
            member.kill()?;
        }
    }
    cluster.heal()
}

fn stand_still(cluster: &mut Cluster) -> Result<()> {
    let workers = cluster.of(Role::OrderWorker);
    let busiest = |member: &&&mut Member| {
        let decided = member.metric("timedeal_worker_decisions_total").unwrap_or(0.0);
        // Counts are whole.
        decided as u64
    };
    let worker = workers.iter().max_by_key(busiest);
    let worker = worker.expect("there are three workers");
    worker.signal("STOP")?;
    thread::sleep(SILENCE);
    worker.signal("CONT")
}

fn roll(cluster: &mut Cluster) -> Result<()> {
    let count = cluster.of(Role::OrderWorker).len();
    for index in 0..count {
        cluster.of(Role::OrderWorker)[index].stop()?;
        cluster.heal()?;
    }
    Ok(())
}

/// A deal that is not the crowd's, which counts what its buyers have.
fn open_another_deal(cluster: &mut Cluster) -> Result<String> {
    let folder = cluster.ground.folder.display().to_string();
    let (urls, seed) = (cluster.urls(), OTHER_SEED.to_string());
    let rush = ["rush", "--url", &urls, "--data-dir", &folder, "--seed", &seed];
    let few = ["--buyers", "1", "--stock", "100"];
    cluster.ground.timedeal(&[&rush[..], &few[..]].concat())?;
    let gateway = cluster.of(Role::Gateway)[0].public;
    open_deal(gateway, Some(&format!("rush-{OTHER_SEED}")))
}

/// While the database is down a purchase is decided and found, and only what it alone has is
/// refused, by its name.
fn sell_without_history(cluster: &mut Cluster, deal_id: &str) -> Result<()> {
    let gateway = cluster.of(Role::Gateway)[0].public;
    let shopper = Shopper::new(gateway, &cluster.ground.token()?);
    let order = shopper.buy(deal_id, "without-history")?;
    let found = shopper.call(&format!("GET /v1/orders/{}", text(&order, "order_id")?), &[], "")?;
    ensure!(found.status == 200, "a fresh order without the database: {found:?}");
    let history = shopper.call("GET /v1/orders", &[], "")?;
    ensure!(
        history.status == 503 && history.body.contains("history-unavailable"),
        "history without the database: {history:?}"
    );
    Ok(())
}

fn slow_down(servers: &OwnServers) -> Result<()> {
    const ROUNDS: u32 = 20;
    for _ in 0..ROUNDS {
        servers.signal(Server::Kafka, "STOP")?;
        thread::sleep(Duration::from_millis(150));
        servers.signal(Server::Kafka, "CONT")?;
        thread::sleep(Duration::from_millis(300));
    }
    Ok(())
}
