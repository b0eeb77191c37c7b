//! Measures the worker on the embedded log: so many purchases of one hot deal wait in the commands
//! log, and one worker takes the partition over and decides them, durably. Three rounds.
//!
//! `decision_rate [PURCHASES]`
#![allow(clippy::print_stdout, reason = "an example reports on stdout")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use decision_log::genesis_record;
use event_log::{EmbeddedLogs, Log, Options, Record};
use object_store::memory::InMemory;
use order_worker::{PartitionBoard, PartitionWorker, Snapshots, Step, WorkerOptions, WorkerParts};
use platform::clock::{Clock, SystemClock};
use schemas::log::{AnnounceDeal, Command, DealTerms, Genesis, PlacePurchase, Product};
use schemas::{CustomerId, DealId, Digest, Fingerprint, Money, Timestamp};
use uuid::Uuid;

const ROUNDS: u32 = 3;
/// Purchases appended at a time while preparing.
const GROUP: u64 = 1_000;

#[tokio::main]
async fn main() {
    let purchases = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(200_000);
    for round in 1..=ROUNDS {
        let (took, takeover) = measure(purchases).await;
        let rate = u128::from(purchases) * 1_000 / took.as_millis().max(1);
        println!("round {round}: {purchases} decided in {took:.2?}, {rate}/s");
        println!("round {round}: taken over again without a snapshot in {takeover:.2?}");
    }
}

async fn measure(purchases: u64) -> (Duration, Duration) {
    let directory = tempfile::tempdir().expect("a directory");
    let clock = SystemClock::new();
    let wall: event_log::Clock = Arc::new(move || Timestamp::from_millis(clock.now_millis()));
    let logs = EmbeddedLogs::open(directory.path(), Options::new(1, wall)).expect("a new log");
    let (commands, decisions) = (logs.commands(), logs.decisions());
    let genesis = genesis_record(&Genesis { log_id: 1, partitions: 1 });
    for log in [&commands, &decisions] {
        log.append(0, vec![genesis.clone()]).await.expect("the log takes it");
    }
    prepare(&*commands, purchases, Timestamp::from_millis(clock.now_millis())).await;
    let decided = decide_all(&commands, &decisions, purchases).await;
    // A second worker without a snapshot reads all of it before it owns the partition.
    let read = decide_all(&commands, &decisions, 0).await;
    logs.close();
    (decided, read)
}

/// A deal with a unit for everybody, and their purchases.
async fn prepare(commands: &dyn Log, purchases: u64, now: Timestamp) {
    let (product_id, deal_key) = ("hot".parse().expect("a name"), "now".parse().expect("a name"));
    let deal_id = DealId::of(&product_id, &deal_key);
    let product = Product { name: "Hot".into(), description: "".into(), image_url: None };
    let terms = Box::new(DealTerms {
        product,
        title: "Hot".into(),
        price: Money { amount: 1_990, currency: "EUR".parse().expect("three letters") },
        stock: purchases,
        limit_per_customer: 1,
        opens_at: now,
        closes_at: now.plus(Duration::from_secs(3_600)),
        hold_seconds: 0,
    });
    let (ticket_key, received_at, actor, admission) = (1, now, Uuid::nil(), None);
    let announce =
        AnnounceDeal { product_id, deal_key, terms, ticket_key, received_at, actor, admission };
    append(commands, vec![Command::AnnounceDeal(Box::new(announce))]).await;
    let mut left = purchases;
    while left > 0 {
        let group = left.min(GROUP);
        append(commands, (0..group).map(|_| purchase(deal_id, now)).collect()).await;
        left -= group;
    }
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

async fn append(commands: &dyn Log, batch: Vec<Command>) {
    let record =
        |command: Command| Record { payload: command.encode().into(), ..Record::default() };
    let records = batch.into_iter().map(record).collect();
    commands.append(0, records).await.expect("the log takes it");
}

/// Takes over and steps until `purchases` are decided and read back, or, if there are none to wait
/// for, until it owns the partition.
async fn decide_all(commands: &Arc<dyn Log>, decisions: &Arc<dyn Log>, purchases: u64) -> Duration {
    let board = Arc::new(PartitionBoard::new(1));
    let parts = WorkerParts {
        partition: 0,
        worker: "measured".into(),
        commands: Arc::clone(commands),
        decisions: Arc::clone(decisions),
        snapshots: Snapshots::new(Arc::new(InMemory::new()), 1),
        clock: Arc::new(SystemClock::new()),
        board: Arc::clone(&board),
    };
    let mut worker = PartitionWorker::new(parts, WorkerOptions::default(), 1);
    let start = Instant::now();
    loop {
        if worker.step().await == Step::Idle {
            if board.list()[0].decided_next > purchases {
                return start.elapsed();
            }
            worker.wait().await;
        }
    }
}
