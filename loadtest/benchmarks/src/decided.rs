//! What stands in a decisions log once all is decided, and how long it took by the log's own times,
//! which cost nobody anything while they are taken. Must not know who decided.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use event_log::{Log, ReadLimits, Stored};
use schemas::log::{DecisionsRecord, Event, decode_decisions_record};
use schemas::{Offset, Partition, Timestamp};
use tokio::time::timeout;

use crate::prefill::Filled;

/// They have been acknowledged before anybody reads.
const RECORDS_WITHIN: Duration = Duration::from_secs(30);
const LIMITS: ReadLimits = ReadLimits { records_max: 4_096, bytes_max: 4 << 20 };

/// When the first and the last of so many records were appended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) records: u64,
    pub(crate) first: Timestamp,
    pub(crate) last: Timestamp,
}

impl Span {
    /// Records a second, from the first to the last.
    #[allow(clippy::cast_precision_loss, reason = "a few millions")]
    pub(crate) fn rate(&self) -> Result<f64> {
        let millis = self.last.as_millis() - self.first.as_millis();
        ensure!(millis > 0, "all {} records have one time: too few to tell a rate", self.records);
        Ok(self.records as f64 * 1_000.0 / millis as f64)
    }

    /// One record more.
    pub(crate) fn note(span: &mut Option<Self>, at: Timestamp) {
        match span {
            Some(span) => {
                span.records += 1;
                span.first = span.first.min(at);
                span.last = span.last.max(at);
            }
            None => *span = Some(Self { records: 1, first: at, last: at }),
        }
    }
}

/// Reads all decisions and checks them against what was asked: one for each command, in their
/// order, as many units sold as there were, each to another customer.
pub(crate) async fn check(log: &dyn Log, filled: &Filled) -> Result<Span> {
    let (mut span, mut sold, mut refused) = (None, 0, 0);
    let mut buyers = BTreeMap::new();
    for (partition, &commands_end) in (0..).zip(&filled.ends) {
        let mut decided_next = 1;
        let (mut next, end) = (0, log.end(partition).await?);
        while next < end {
            for stored in read(log, partition, next).await? {
                next = stored.offset + 1;
                let DecisionsRecord::Decision(decision) = decode_decisions_record(&stored.payload)?
                else {
                    continue;
                };
                let order = format!("{partition}: {} after {decided_next}", decision.offset);
                ensure!(decision.offset == decided_next, "decisions out of order, {order}");
                decided_next += 1;
                Span::note(&mut span, stored.log_time);
                for event in &decision.events {
                    if let Event::OrderConfirmed(order) = event {
                        sold += 1;
                        *buyers.entry((order.deal_id.0, order.customer.0)).or_insert(0) += 1;
                    } else if matches!(event, Event::OrderRejected(_)) {
                        refused += 1;
                    } else {
                        ensure!(matches!(event, Event::DealAnnounced(_)), "{event:?}");
                    }
                }
            }
        }
        ensure!(decided_next == commands_end, "{partition}: {decided_next} of {commands_end}");
    }
    ensure!(sold == filled.stock, "{sold} units sold of {}", filled.stock);
    ensure!(buyers.values().all(|&units| units == 1), "a customer has more than one unit");
    ensure!(sold + refused == filled.purchases, "{sold} sold and {refused} refused");
    span.context("no decision at all")
}

/// What stands there, once there is something.
async fn read(log: &dyn Log, partition: Partition, from: Offset) -> Result<Vec<Stored>> {
    let is_there = timeout(RECORDS_WITHIN, log.wait(partition, from)).await;
    is_there.with_context(|| format!("no record at {from} of partition {partition}"))?;
    Ok(log.read(partition, from, LIMITS).await?.records)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_told_from_the_first_to_the_last_record() {
        let mut span = None;
        for millis in [2_000, 1_000, 3_000, 3_000] {
            Span::note(&mut span, Timestamp::from_millis(millis));
        }
        assert!((span.unwrap().rate().unwrap() - 2.0).abs() < 1e-9);
        let mut at_once = None;
        Span::note(&mut at_once, Timestamp::from_millis(5));
        assert!(at_once.unwrap().rate().is_err());
    }
}
