//! `--demo`: a deal that opens seconds later, and what a newcomer needs to know.

use std::io::Write;
use std::net::SocketAddr;
use std::time::Duration;

use event_log::{Record, partition_of};
use schemas::log::{AnnounceDeal, Command, DealTerms, Product};
use schemas::{DealId, DealKey, Money, ProductId, Timestamp};
use uuid::Uuid;

use crate::data_dir::DataDir;
use crate::role::StoreBase;

const OPENS_IN: Duration = Duration::from_secs(10);
const OPEN_FOR: Duration = Duration::from_secs(24 * 60 * 60);

/// Announces the demo deal unless a deal can still be bought; tells which deal that is.
pub(crate) async fn announce(on: &StoreBase, ticket_key: u16) -> anyhow::Result<DealId> {
    let now = Timestamp::from_millis(on.base.clock.now_millis());
    let mut deals = on.store.deals(on.base.log_id).await?.1;
    deals.retain(|deal| {
        deal.stock_left > 0 && !deal.closed && !deal.paused && deal.terms.closes_at > now
    });
    if let Some(deal) = deals.first() {
        return Ok(deal.deal_id);
    }
    let product_id: ProductId = "demo-lamp".parse().expect("the name is within its limits");
    let deal_key: DealKey =
        format!("demo-{}", now.as_millis() / 1_000).parse().expect("digits are allowed");
    let deal_id = DealId::of(&product_id, &deal_key);
    let command = Command::AnnounceDeal(Box::new(AnnounceDeal {
        product_id: product_id.clone(),
        deal_key,
        terms: Box::new(terms(now)),
        ticket_key,
        received_at: now,
        actor: Uuid::nil(),
        admission: None,
    }));
    let key = product_id.as_str().as_bytes().to_vec();
    let commands = &on.base.logs.commands;
    let partition = partition_of(&key, commands.partitions());
    let record = Record { key: key.into(), payload: command.encode().into(), ..Record::default() };
    commands.append(partition, vec![record]).await?;
    Ok(deal_id)
}

fn terms(now: Timestamp) -> DealTerms {
    let opens_at = now.plus(OPENS_IN);
    DealTerms {
        product: Product {
            name: "Paper lamp".into(),
            description: "A lamp of folded paper. Only a hundred were made.".into(),
            image_url: None,
        },
        title: "A hundred lamps at noon".into(),
        price: Money { amount: 1_990, currency: "EUR".parse().expect("three capital letters") },
        stock: 100,
        limit_per_customer: 2,
        opens_at,
        closes_at: opens_at.plus(OPEN_FOR),
        hold_seconds: 120,
    }
}

/// Says on stdout where the page is, how to buy from a terminal, and where the data is. A stdout
/// that nobody reads is no reason to stop.
pub(crate) fn greet(listen: SocketAddr, data_dir: &DataDir, deal_id: DealId) {
    let program = std::env::args().next().unwrap_or_else(|| "timedeal".to_owned());
    let data = data_dir.path().display();
    let text = format!(
        "\
The shop:  http://{listen}/
Buy one:   curl -sS 'http://{listen}/v1/purchases?wait=10' \\
             -H \"Authorization: Bearer $({program} token --data-dir {data})\" \\
             -H 'Content-Type: application/json' -H \"Idempotency-Key: $(date +%s%N)\" \\
             -d '{{\"deal_id\":\"{deal_id}\",\"quantity\":1}}'
A crowd:   {program} rush --url http://{listen} --data-dir {data}
The data:  {data}
"
    );
    let mut out = std::io::stdout().lock();
    if out.write_all(text.as_bytes()).and_then(|()| out.flush()).is_err() {
        tracing::debug!("nobody reads stdout");
    }
}
