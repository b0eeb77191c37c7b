//! The whole path: a purchase that waits for its decision, by arrivals that wait for nobody. First
//! what the service takes at most, then the latency below that.

use std::time::Duration;

use anyhow::Result;

use crate::generator::{CONNECTIONS, Load, Pace, Tally, Wire};
use crate::house::{Backend, House, Sharing};
use crate::process::pin_ourselves;
use crate::purchase::{Purchases, judge_confirmed};
use crate::ring::Ring;
use crate::sample::{Measured, Sample};

/// Connections of an open loop: so many may be slow before an arrival waits for a free one.
const OPEN_CONNECTIONS: usize = 1_000;
const SHARE_OF_CAPACITY: f64 = 0.8;

/// The names of the rows, a median and two tails for each rate.
struct Rows {
    capacity: &'static str,
    latencies: [[&'static str; 3]; 3],
}

const KAFKA: Rows = Rows {
    capacity: "path-kafka-capacity",
    latencies: [
        ["path-kafka-500-p50", "path-kafka-500-p99", "path-kafka-500-p999"],
        ["path-kafka-2000-p50", "path-kafka-2000-p99", "path-kafka-2000-p999"],
        ["path-kafka-80%-p50", "path-kafka-80%-p99", "path-kafka-80%-p999"],
    ],
};
const EMBEDDED: Rows = Rows {
    capacity: "path-embedded-capacity",
    latencies: [
        ["path-embedded-500-p50", "path-embedded-500-p99", "path-embedded-500-p999"],
        ["path-embedded-2000-p50", "path-embedded-2000-p99", "path-embedded-2000-p999"],
        ["path-embedded-80%-p50", "path-embedded-80%-p99", "path-embedded-80%-p999"],
    ],
};

/// All rates on one service with all its roles; nobody is kept apart.
pub(crate) async fn run(ring: &Ring, backend: Backend) -> Result<Vec<Measured>> {
    pin_ourselves(&ring.cores.all)?;
    if backend == Backend::Kafka {
        ring.pin_stores(&ring.cores.all)?;
    }
    let rows = if backend == Backend::Kafka { KAFKA } else { EMBEDDED };
    let house = House::open(ring, backend, Sharing::Together).await?;
    let projector = match backend {
        Backend::Kafka => Some(house.start_projector(ring).await?),
        Backend::Embedded => None,
    };
    let deal_ids = [house.announce(ring, "hot", crate::house::STOCK).await?];
    let mut sold = 0;
    let mut load = async |phase: u16, pace: Pace, connections: usize, row: &str| -> Result<Tally> {
        let target = "/v1/purchases?wait=20";
        let purchases = Purchases::new(target, ring.tokens()?, &deal_ids, phase);
        let write = |number: u64, out: &mut Vec<u8>| purchases.write(number, out);
        let (address, wire, judge) = (house.address, Wire::Http, &judge_confirmed);
        let load = Load { address, connections, pace, wire, write: &write, judge };
        let tally = load.drive().await?.checked(row)?;
        sold += tally.wanted;
        house.confirmed(&deal_ids, sold).await?;
        Ok(tally)
    };
    let tally = load(1, ring.closed(), CONNECTIONS, rows.capacity).await?;
    let capacity = tally.rate();
    let mut measured = vec![(rows.capacity, Sample::rate_of(&tally))];
    let rates = [500.0, 2_000.0, (capacity * SHARE_OF_CAPACITY).max(1.0)];
    for (phase, (per_second, names)) in (2..).zip(rates.into_iter().zip(rows.latencies)) {
        let counted = ring.counted.max(Duration::from_secs(1));
        let pace = Pace::Open { per_second, counted };
        let tally = load(phase, pace, OPEN_CONNECTIONS, names[0]).await?;
        for (name, percent) in names.into_iter().zip([50.0, 99.0, 99.9]) {
            let sample = Sample::of(tally.latency_ms(percent)).with("per_second", per_second);
            measured.push((name, sample.with("turned_away_share", tally.turned_away_share())));
        }
    }
    if let Some(projector) = projector {
        projector.stop().await?;
    }
    house.close().await?;
    Ok(measured)
}
