//! The gateway: durable 202s, refusals at the door, polls. Each load is checked against what the
//! service itself says afterwards.

use std::cell::RefCell;

use anyhow::{Context, Result, ensure};

use super::front::Front;
use crate::front::Behind;
use crate::generator::{Answer, CONNECTIONS, Load, Pace, Tally, Verdict, Wire};
use crate::house::{Backend, House, Sharing};
use crate::process::pin_ourselves;
use crate::purchase::{Purchases, judge_admitted, judge_sold_out, order_id};
use crate::ring::Ring;
use crate::sample::{Measured, Sample};

/// Orders that are polled, and customers who are known when the door is warm.
const KNOWN: usize = 20_000;
/// How often so many order, at most, until there are enough to be polled.
const ROUNDS: u64 = 10;

/// The names of the rows.
struct Rows {
    admitted: &'static str,
    cold: &'static str,
    warm: &'static str,
    poll: &'static str,
}

const KAFKA: Rows = Rows {
    admitted: "gateway-kafka-202",
    cold: "gateway-kafka-refusal-cold",
    warm: "gateway-kafka-refusal-warm",
    poll: "gateway-kafka-poll",
};
const EMBEDDED: Rows = Rows {
    admitted: "gateway-embedded-202",
    cold: "gateway-embedded-refusal-cold",
    warm: "gateway-embedded-refusal-warm",
    poll: "gateway-embedded-poll",
};

/// A service and those who call it. The bare front beside it has the same core, and nothing to do
/// while the service is called.
struct Scene<'a> {
    ring: &'a Ring,
    house: House,
    bare: Front,
    tokens: &'a [String],
}

/// All loads on one service, begun with an empty log.
pub(crate) async fn run(ring: &Ring, backend: Backend) -> Result<Vec<Measured>> {
    pin_ourselves(&ring.cores.others)?;
    if backend == Backend::Kafka {
        ring.pin_stores(&ring.cores.others)?;
    }
    let rows = if backend == Backend::Kafka { KAFKA } else { EMBEDDED };
    let house = House::open(ring, backend, Sharing::Apart).await?;
    let bare = Front::start(ring, Behind::Nothing, "").await?;
    let mut scene = Scene { ring, house, bare, tokens: ring.tokens()? };
    let mut measured = scene.refuse(&rows).await?;
    let deal_ids = scene.house.announce_everywhere(ring).await?;
    let (known, poll) = scene.poll(&deal_ids).await?;
    measured.push((rows.poll, poll));
    // The front is measured, not the worker: on a broker the worker is another process, and it can
    // be left out. Its queue is long enough.
    if backend == Backend::Kafka {
        scene.house.stop_worker().await?;
    }
    let purchases = Purchases::new("/v1/purchases", scene.tokens, &deal_ids, 4);
    let write = |number: u64, out: &mut Vec<u8>| purchases.write(number, out);
    let pace = ring.closed();
    let (tally, sample) = scene.measure(rows.admitted, pace, &write, &judge_admitted).await?;
    measured.push((rows.admitted, sample));
    if backend == Backend::Kafka {
        scene.house.start_worker(ring).await?;
    }
    scene.house.confirmed(&deal_ids, known + tally.wanted).await?;
    scene.house.close().await?;
    Ok(measured)
}

impl Scene<'_> {
    /// A deal that is sold out, and customers who come for the first time, then again and again.
    async fn refuse(&self, rows: &Rows) -> Result<Vec<Measured>> {
        let deal_ids = [self.house.announce(self.ring, "gone", 1).await?];
        let last = Purchases::new("/v1/purchases?wait=10", self.tokens, &deal_ids, 0);
        let write_last = |number: u64, out: &mut Vec<u8>| last.write(number, out);
        let judge = |_: u64, answer: &Answer<'_>| match answer.says("confirmed") {
            true => Verdict::Wanted,
            false => Verdict::Unexpected,
        };
        self.load(Pace::Count(1), &write_last, &judge).await?.0.checked("the last unit")?;
        self.house.confirmed(&deal_ids, 1).await?;

        let mut measured = Vec::new();
        let all = u64::try_from(self.tokens.len())?;
        let loads = [
            (rows.cold, Pace::Count(all), self.tokens),
            (rows.warm, self.ring.closed(), &self.tokens[..KNOWN]),
        ];
        for (phase, (row, pace, tokens)) in (1..).zip(loads) {
            let purchases = Purchases::new("/v1/purchases", tokens, &deal_ids, phase);
            let write = |number: u64, out: &mut Vec<u8>| purchases.write(number, out);
            let (_, sample) = self.measure(row, pace, &write, &judge_sold_out).await?;
            measured.push((row, sample));
        }
        self.house.confirmed(&deal_ids, 1).await?;
        Ok(measured)
    }

    /// Orders that are decided, asked for by their customers; how many, and the figure.
    async fn poll(&self, deal_ids: &[String]) -> Result<(u64, Sample)> {
        let purchases = Purchases::new("/v1/purchases", self.tokens, deal_ids, 3);
        let (order_ids, mut known) = (RefCell::new(Vec::with_capacity(KNOWN)), 0);
        let count = u64::try_from(KNOWN)?;
        // Some are turned away; polled by few customers, each would come too often.
        for first in (0..ROUNDS).map(|round| round * count) {
            let write = |number: u64, out: &mut Vec<u8>| purchases.write(first + number, out);
            let judge = |number: u64, answer: &Answer<'_>| {
                let verdict = judge_admitted(number, answer);
                if let (Verdict::Wanted, Some(order_id)) = (verdict, order_id(answer)) {
                    order_ids.borrow_mut().push((first + number, order_id));
                }
                verdict
            };
            let (tally, _) = self.load(Pace::Count(count), &write, &judge).await?;
            known += tally.checked("orders to poll")?.wanted;
            if known >= count / 2 {
                break;
            }
        }
        self.house.confirmed(deal_ids, known).await?;

        let order_ids = order_ids.into_inner();
        ensure!(order_ids.len() >= KNOWN / 2, "{} orders are too few to poll", order_ids.len());
        let requests = order_ids.iter().map(|(number, order_id)| self.question(*number, order_id));
        let requests = requests.collect::<Result<Vec<_>>>()?;
        let write = |number: u64, out: &mut Vec<u8>| {
            let index = usize::try_from(number).expect("a count fits the memory");
            out.extend_from_slice(requests[index % requests.len()].as_bytes());
        };
        let pace = self.ring.closed();
        Ok((known, self.measure("polls", pace, &write, &judge_polled).await?.1))
    }

    fn question(&self, number: u64, order_id: &str) -> Result<String> {
        let index = usize::try_from(number)? % self.tokens.len();
        let token = self.tokens.get(index).context("a customer")?;
        let line = format!("GET /v1/orders/{order_id} HTTP/1.1\r\nhost: 127.0.0.1\r\n");
        Ok(format!("{line}authorization: Bearer {token}\r\n\r\n"))
    }

    /// A load with what it comes to, and what the bare front does just before and just after.
    async fn measure(
        &self,
        what: &str,
        pace: Pace,
        write: &dyn Fn(u64, &mut Vec<u8>),
        judge: &dyn Fn(u64, &Answer<'_>) -> Verdict,
    ) -> Result<(Tally, Sample)> {
        let bare = async || {
            let (tally, _) = self.bare.load(self.ring, self.ring.briefly()).await?;
            anyhow::Ok(tally.rate())
        };
        let before = bare().await?;
        let (tally, cpu) = self.load(pace, write, judge).await?;
        let tally = tally.checked(what)?;
        let bare = f64::midpoint(before, bare().await?);
        let sample = Sample::rate_of(&tally).with_cpu(cpu, tally.wanted + tally.turned_away);
        Ok((tally, sample.beside("front-bare", bare)))
    }

    /// A load and the processor time of the gateway meanwhile.
    async fn load(
        &self,
        pace: Pace,
        write: &dyn Fn(u64, &mut Vec<u8>),
        judge: &dyn Fn(u64, &Answer<'_>) -> Verdict,
    ) -> Result<(Tally, f64)> {
        let (address, wire) = (self.house.address, Wire::Http);
        let load = Load { address, connections: CONNECTIONS, pace, wire, write, judge };
        load.drive_beside(self.house.gateway.pid()).await
    }
}

/// 200 with an order that is confirmed.
fn judge_polled(_: u64, answer: &Answer<'_>) -> Verdict {
    match answer.status == 200 && answer.says("\"status\":\"confirmed\"") {
        true => Verdict::Wanted,
        false => Verdict::Unexpected,
    }
}
