//! Fronts without the product: the limit of any front, and peers behind the same one.

use std::net::SocketAddr;

use anyhow::{Result, ensure};

use super::STOCK;
use crate::call::wait_for_listener;
use crate::front::{Behind, mariadb as mariadb_till, redis as redis_till};
use crate::generator::{Answer, CONNECTIONS, Load, Pace, Tally, Verdict, Wire};
use crate::process::{Process, free_address, pin, pin_ourselves};
use crate::purchase::{Purchases, judge_admitted};
use crate::ring::Ring;
use crate::sample::{Measured, Sample};

const DEAL: &str = "7a637b87-d09a-56b3-96da-9e087dc69fca";

/// What any front of this library reaches.
pub(crate) async fn bare(ring: &Ring) -> Result<Vec<Measured>> {
    let (tally, cpu) = load(ring, Behind::Nothing, "").await?;
    Ok(vec![("front-bare", sample(&tally, cpu))])
}

/// Redis behind a front, in memory and on the disk.
pub(crate) async fn redis(ring: &Ring) -> Result<Vec<Measured>> {
    let server = ring.redis()?;
    pin(server.pid, &ring.cores.others)?;
    let mut measured = Vec::new();
    for (row, is_durable) in [("front-redis", false), ("front-redis-fsync", true)] {
        redis_till::prepare(&server.address, STOCK, is_durable).await?;
        let (tally, cpu) = load(ring, Behind::Redis, &server.address).await?;
        ensure_sold(&tally, redis_till::sold(&server.address, STOCK).await?)?;
        measured.push((row, sample(&tally, cpu)));
    }
    redis_till::prepare(&server.address, 0, false).await?;
    Ok(measured)
}

/// MariaDB behind a front.
pub(crate) async fn mariadb(ring: &Ring) -> Result<Vec<Measured>> {
    let server = ring.mariadb()?;
    pin(server.pid, &ring.cores.others)?;
    let name = ring.fresh_name("sale");
    let url = mariadb_till::prepare(&server.address, &name, STOCK).await?;
    let (tally, cpu) = load(ring, Behind::Mariadb, &url).await?;
    ensure_sold(&tally, mariadb_till::sold(&server.address, &name, STOCK).await?)?;
    Ok(vec![("front-mariadb", sample(&tally, cpu))])
}

/// A front that runs; it has the core of what is measured.
pub(super) struct Front {
    behind: Behind,
    address: SocketAddr,
    process: Process,
}

impl Front {
    pub(super) async fn start(ring: &Ring, behind: Behind, store: &str) -> Result<Self> {
        let address = free_address()?;
        let mut command = std::process::Command::new(std::env::current_exe()?);
        command.args(["front", "--listen", &address.to_string(), "--behind", &name(behind)]);
        command.args(["--store", store]);
        let process = Process::start("front", &command, &ring.cores.measured, &ring.folder)?;
        wait_for_listener(address).await?;
        Ok(Self { behind, address, process })
    }

    /// The load of all fronts, and the processor time of this one meanwhile.
    pub(super) async fn load(&self, ring: &Ring, pace: Pace) -> Result<(Tally, f64)> {
        let deals = [DEAL.to_owned()];
        let purchases = Purchases::new("/v1/purchases", ring.tokens()?, &deals, 0);
        let judge = |number: u64, answer: &Answer<'_>| match (self.behind, answer.status) {
            (Behind::Nothing, _) => judge_admitted(number, answer),
            (Behind::Redis | Behind::Mariadb, 200) => Verdict::Wanted,
            (Behind::Redis | Behind::Mariadb, _) => Verdict::Unexpected,
        };
        let load = Load {
            address: self.address,
            connections: CONNECTIONS,
            pace,
            wire: Wire::Http,
            write: &|number, out| purchases.write(number, out),
            judge: &judge,
        };
        let (tally, cpu) = load.drive_beside(self.process.pid()).await?;
        Ok((tally.checked(&name(self.behind))?, cpu))
    }
}

fn name(behind: Behind) -> String {
    let value = clap::ValueEnum::to_possible_value(&behind).expect("none is hidden");
    value.get_name().to_owned()
}

async fn load(ring: &Ring, behind: Behind, store: &str) -> Result<(Tally, f64)> {
    pin_ourselves(&ring.cores.others)?;
    Front::start(ring, behind, store).await?.load(ring, ring.closed()).await
}

fn sample(tally: &Tally, cpu: f64) -> Sample {
    Sample::rate_of(tally).with_cpu(cpu, tally.wanted)
}

/// What customers were told is what the store has sold.
fn ensure_sold(tally: &Tally, sold: u64) -> Result<()> {
    ensure!(tally.wanted == sold, "{} were told that they bought, {sold} did", tally.wanted);
    Ok(())
}
