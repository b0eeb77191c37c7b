//! A commands log that is full before anybody decides: deals, and purchases of customers who have
//! bought nothing yet, one unit each. The last tenth finds nothing left. Must not know which log.

use std::collections::VecDeque;
use std::time::Duration;

use anyhow::Result;
use event_log::{Log, Receipt, Record, partition_of};
use schemas::log::{AnnounceDeal, Command, DealTerms, PlacePurchase, Product};
use schemas::{CustomerId, DealId, Digest, Fingerprint, Money, Partition, ProductId, Timestamp};
use uuid::Uuid;

/// Records of one append, and appends that wait.
const GROUP: usize = 1_000;
const WAITING: usize = 8;
/// Of ten customers so many get what they want.
const SERVED_OF_TEN: u64 = 9;

/// What stands in the log, behind the first record of each partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Filled {
    /// Next offset of each partition.
    pub(crate) ends: Vec<u64>,
    /// Purchases in all.
    pub(crate) purchases: u64,
    /// Units in all: as many can be sold, to as many customers.
    pub(crate) stock: u64,
}

/// Announces so many deals, each of a product of its own, then appends purchases of them in turn.
/// The log has to have begun, with nothing but its first records.
pub(crate) async fn fill(log: &dyn Log, deals: u64, purchases: u64) -> Result<Filled> {
    let now = wall_clock();
    let each = purchases.div_ceil(deals);
    let stock = each * SERVED_OF_TEN / 10;
    let mut ends = vec![1; usize::from(log.partitions())];
    let places: Vec<(Partition, DealId)> =
        (0..deals).map(|number| place_of(number, log.partitions())).collect();
    for number in 0..deals {
        let partition = places[usize::try_from(number)?].0;
        ends[usize::from(partition)] += 1;
        log.append(partition, vec![record(&announcement(number, stock, now))]).await?;
    }
    let mut groups: Vec<Vec<Record>> = vec![Vec::new(); ends.len()];
    let mut waiting: VecDeque<Receipt> = VecDeque::new();
    for number in 0..each * deals {
        let (partition, deal_id) = places[usize::try_from(number % deals)?];
        let group = &mut groups[usize::from(partition)];
        group.push(record(&purchase(deal_id, now)));
        ends[usize::from(partition)] += 1;
        if group.len() == GROUP {
            waiting.push_back(log.append(partition, std::mem::take(group)));
        }
        if waiting.len() > WAITING
            && let Some(receipt) = waiting.pop_front()
        {
            receipt.await?;
        }
    }
    for (partition, group) in (0..).zip(groups) {
        if !group.is_empty() {
            waiting.push_back(log.append(partition, group));
        }
    }
    for receipt in waiting {
        receipt.await?;
    }
    Ok(Filled { ends, purchases: each * deals, stock: stock * deals })
}

/// Id of the first of the deals.
pub(crate) fn first_deal() -> Uuid {
    deal_of(&product(0)).0
}

pub(crate) fn wall_clock() -> Timestamp {
    let since = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
    Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

fn product(number: u64) -> ProductId {
    format!("bench-{number}").parse().expect("letters, digits and a hyphen")
}

fn place_of(number: u64, partitions: Partition) -> (Partition, DealId) {
    let product = product(number);
    let partition = partition_of(product.to_string().as_bytes(), partitions);
    (partition, deal_of(&product))
}

fn deal_of(product: &ProductId) -> DealId {
    DealId::of(product, &"bench".parse().expect("letters"))
}

fn announcement(number: u64, stock: u64, now: Timestamp) -> Command {
    let named = Product { name: "Bench".into(), description: "".into(), image_url: None };
    let terms = DealTerms {
        product: named,
        title: "Bench".into(),
        price: Money { amount: 1_990, currency: "EUR".parse().expect("three letters") },
        stock,
        limit_per_customer: 1,
        opens_at: now,
        closes_at: now.plus(Duration::from_secs(24 * 60 * 60)),
        hold_seconds: 0,
    };
    Command::AnnounceDeal(Box::new(AnnounceDeal {
        product_id: product(number),
        deal_key: "bench".parse().expect("letters"),
        terms: Box::new(terms),
        ticket_key: 1,
        received_at: now,
        actor: Uuid::nil(),
        admission: None,
    }))
}

fn purchase(deal_id: DealId, received_at: Timestamp) -> Command {
    let customer = Uuid::new_v4();
    Command::PlacePurchase(Box::new(PlacePurchase {
        deal_id,
        customer: CustomerId(customer),
        key: Digest::of_key(customer, "1"),
        fingerprint: Fingerprint(1),
        quantity: 1,
        client_reference: None,
        ticket_key: 1,
        received_at,
        actor: customer,
        admission: None,
    }))
}

fn record(command: &Command) -> Record {
    Record { payload: command.encode().into(), ..Record::default() }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use decision_log::genesis_record;
    use event_log::{EmbeddedLogs, Options};
    use schemas::log::Genesis;

    use super::*;

    #[tokio::test]
    async fn a_tenth_of_the_customers_finds_nothing_left() {
        let folder = tempfile::tempdir().unwrap();
        let logs =
            EmbeddedLogs::open(folder.path(), Options::new(2, Arc::new(wall_clock))).unwrap();
        let log = logs.commands();
        for partition in 0..2 {
            let genesis = genesis_record(&Genesis { log_id: 1, partitions: 2 });
            log.append(partition, vec![genesis]).await.unwrap();
        }
        let filled = fill(&*log, 4, 4_000).await.unwrap();
        assert_eq!((filled.purchases, filled.stock), (4_000, 3_600));
        for partition in 0..2 {
            let end = log.end(partition).await.unwrap();
            assert_eq!(end, filled.ends[usize::from(partition)]);
        }
        assert_eq!(filled.ends.iter().sum::<u64>(), 2 + 4 + 4_000);
    }
}
