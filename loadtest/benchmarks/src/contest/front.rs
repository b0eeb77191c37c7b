//! Fronts without the product: the limit of any front, and peers behind the same one.

use anyhow::{Result, ensure};

use super::STOCK;
use crate::call::wait_for_listener;
use crate::front::{Behind, mariadb as mariadb_till, redis as redis_till};
use crate::generator::{Answer, CONNECTIONS, Load, Tally, Verdict, Wire};
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

async fn load(ring: &Ring, behind: Behind, store: &str) -> Result<(Tally, f64)> {
    pin_ourselves(&ring.cores.others)?;
    let address = free_address()?;
    let mut command = std::process::Command::new(std::env::current_exe()?);
    let name = clap::ValueEnum::to_possible_value(&behind).expect("none is hidden");
    command.args(["front", "--listen", &address.to_string(), "--behind", name.get_name()]);
    command.args(["--store", store]);
    let front = Process::start("front", &command, &ring.cores.measured, &ring.folder)?;
    wait_for_listener(address).await?;
    let deals = [DEAL.to_owned()];
    let purchases = Purchases::new("/v1/purchases", ring.tokens()?, &deals, 0);
    let judge = |number: u64, answer: &Answer<'_>| match (behind, answer.status) {
        (Behind::Nothing, _) => judge_admitted(number, answer),
        (Behind::Redis | Behind::Mariadb, 200) => Verdict::Wanted,
        (Behind::Redis | Behind::Mariadb, _) => Verdict::Unexpected,
    };
    let load = Load {
        address,
        connections: CONNECTIONS,
        pace: ring.closed(),
        wire: Wire::Http,
        write: &|number, out| purchases.write(number, out),
        judge: &judge,
    };
    let (tally, cpu) = load.drive_beside(front.pid()).await?;
    Ok((tally.checked(name.get_name())?, cpu))
}

fn sample(tally: &Tally, cpu: f64) -> Sample {
    Sample::rate_of(tally).with_cpu(cpu, tally.wanted)
}

/// What customers were told is what the store has sold.
fn ensure_sold(tally: &Tally, sold: u64) -> Result<()> {
    ensure!(tally.wanted == sold, "{} were told that they bought, {sold} did", tally.wanted);
    Ok(())
}
