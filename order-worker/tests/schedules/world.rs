//! A partition's logs, clock and snapshots in memory, and the people who use them.

use std::sync::Arc;
use std::time::Duration;

use decision_log::{Entry, Reader, Verdict, genesis_record};
use event_log::{Log, ReadLimits, Record, SimulatedLog};
use futures_executor::block_on;
use object_store::memory::InMemory;
use order_worker::{PartitionBoard, PartitionWorker, Snapshots, Step, WorkerOptions, WorkerParts};
use platform::clock::{Clock, ManualClock};
use schemas::log::{
    AnnounceDeal, Command, DealTerms, Decision, Event, FilterState, Genesis, PlacePurchase, Product,
};
use schemas::{CustomerId, DealId, Digest, Fingerprint, Money, Timestamp};
use uuid::Uuid;

/// Start of every test's wall time.
pub(crate) const NOON: i64 = 1_800_000_000_000;
const LIMITS: ReadLimits = ReadLimits { records_max: 4_096, bytes_max: 1 << 22 };

pub(crate) struct World {
    pub(crate) clock: ManualClock,
    pub(crate) commands: SimulatedLog,
    pub(crate) decisions: SimulatedLog,
    pub(crate) store: Arc<InMemory>,
    pub(crate) board: Arc<PartitionBoard>,
    buyers: std::cell::Cell<u128>,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with_log_clock_behind(Duration::ZERO)
    }

    /// The workers' clock is ahead of the logs' by `ahead`.
    pub(crate) fn with_log_clock_behind(ahead: Duration) -> Self {
        let clock = ManualClock::new(NOON);
        let source = clock.clone();
        let behind = i64::try_from(ahead.as_millis()).unwrap();
        let log_clock: event_log::Clock =
            Arc::new(move || Timestamp::from_millis(source.now_millis() - behind));
        let commands = SimulatedLog::new("commands", 1, Arc::clone(&log_clock));
        let decisions = SimulatedLog::new("decisions", 1, log_clock);
        let genesis = genesis_record(&Genesis { log_id: 7, partitions: 1 });
        commands.append_raw(0, genesis.clone());
        decisions.append_raw(0, genesis);
        let board = Arc::new(PartitionBoard::new(1));
        let (store, buyers) = (Arc::new(InMemory::new()), std::cell::Cell::new(1));
        Self { clock, commands, decisions, store, board, buyers }
    }

    /// How much time has passed.
    pub(crate) fn clock_millis(&self) -> u64 {
        self.clock.elapsed_millis()
    }

    pub(crate) fn snapshots(&self) -> Snapshots {
        Snapshots::new(self.store.clone(), 7)
    }

    pub(crate) fn worker(&self, seed: u64, options: WorkerOptions) -> PartitionWorker {
        PartitionWorker::new(self.parts(), options, seed)
    }

    pub(crate) fn parts(&self) -> WorkerParts {
        WorkerParts {
            partition: 0,
            worker: "the-same-name".into(),
            commands: Arc::new(self.commands.clone()),
            decisions: Arc::new(self.decisions.clone()),
            snapshots: self.snapshots(),
            clock: Arc::new(self.clock.clone()),
            board: Arc::clone(&self.board),
        }
    }

    pub(crate) fn send(&self, command: &Command) {
        self.send_bytes(command.encode());
    }

    pub(crate) fn send_bytes(&self, payload: Vec<u8>) {
        self.commands.append_raw(0, Record { payload: payload.into(), ..Record::default() });
    }

    pub(crate) fn announce(&self, stock: u64, hold_seconds: u32) -> DealId {
        let (product_id, deal_key) = ("sku".parse().unwrap(), "noon".parse().unwrap());
        let deal_id = DealId::of(&product_id, &deal_key);
        let opens_at = Timestamp::from_millis(NOON - 60_000);
        let product = Product { name: "A".into(), description: "".into(), image_url: None };
        let terms = Box::new(DealTerms {
            product,
            title: "A".into(),
            price: Money { amount: 100, currency: "EUR".parse().unwrap() },
            stock,
            limit_per_customer: 1,
            opens_at,
            closes_at: opens_at.plus(Duration::from_secs(86_400)),
            hold_seconds,
        });
        let (received_at, actor) = (opens_at, Uuid::nil());
        self.send(&Command::AnnounceDeal(Box::new(AnnounceDeal {
            product_id,
            deal_key,
            terms,
            ticket_key: 1,
            received_at,
            actor,
            admission: None,
        })));
        deal_id
    }

    /// A purchase of one unit by somebody new.
    pub(crate) fn buy(&self, deal_id: DealId) {
        let buyer = self.buyers.replace(self.buyers.get() + 1);
        let customer = CustomerId(Uuid::from_u128(buyer));
        self.send(&Command::PlacePurchase(Box::new(PlacePurchase {
            deal_id,
            customer,
            key: Digest(buyer),
            fingerprint: Fingerprint(1),
            quantity: 1,
            client_reference: None,
            ticket_key: 1,
            received_at: Timestamp::from_millis(NOON),
            actor: customer.0,
            admission: None,
        })));
    }

    /// Every record of the decisions log, judged as any reader judges it.
    pub(crate) fn entries(&self) -> (Vec<Entry>, FilterState) {
        let log: Arc<dyn Log> = Arc::new(self.decisions.clone());
        let mut reader = Reader::new(log, 0, FilterState::default(), LIMITS);
        let mut entries = Vec::new();
        loop {
            let more = block_on(reader.next()).unwrap();
            if more.is_empty() {
                return (entries, reader.state().clone());
            }
            entries.extend(more);
        }
    }

    pub(crate) fn effective(&self) -> Vec<Decision> {
        let effective = |entry| match entry {
            Entry::Decision { decision, verdict: Verdict::Effective, .. } => Some(decision),
            Entry::Decision { .. } | Entry::Owner(..) | Entry::Genesis => None,
        };
        self.entries().0.into_iter().filter_map(effective).collect()
    }

    pub(crate) fn verdicts(&self, wanted: Verdict) -> usize {
        let is = |entry: &&Entry| match entry {
            Entry::Decision { verdict, .. } | Entry::Owner(_, verdict) => *verdict == wanted,
            Entry::Genesis => false,
        };
        self.entries().0.iter().filter(is).count()
    }

    /// Every command has exactly one effective decision, in order (promises I2 and I3).
    #[track_caller]
    pub(crate) fn assert_all_decided(&self) {
        let end = block_on(self.commands.end(0)).unwrap();
        let decided: Vec<u64> = self.effective().iter().map(|it| it.offset).collect();
        assert_eq!(decided, (1..end).collect::<Vec<u64>>());
    }

    pub(crate) fn confirmed(&self) -> usize {
        let events = |decision: Decision| decision.events;
        let confirmed = |event: &Event| matches!(event, Event::OrderConfirmed(_));
        self.effective().into_iter().flat_map(events).filter(confirmed).count()
    }
}

/// Options under which nothing waits that need not.
pub(crate) fn eager() -> WorkerOptions {
    let batch = ReadLimits { records_max: 1, ..WorkerOptions::default().batch };
    WorkerOptions { batch, ..WorkerOptions::default() }
}

/// Steps until there is nothing to do.
pub(crate) fn settle(worker: &mut PartitionWorker) {
    while block_on(worker.step()) == Step::Busy {}
}

/// Steps until there is nothing to do, although the worker has to start over on the way.
pub(crate) fn settle_over(world: &World, worker: &mut PartitionWorker) {
    for _ in 0..8 {
        settle(worker);
        pass(world, worker, Duration::from_secs(8));
    }
    settle(worker);
}

/// Lets the tasks of this test's runtime go on until something is so.
pub(crate) async fn until(so: impl Fn() -> bool) {
    const TURNS_MAX: usize = 10_000;
    for _ in 0..TURNS_MAX {
        if so() {
            return;
        }
        tokio::task::yield_now().await;
    }
    panic!("it has not come to that in {TURNS_MAX} turns");
}

/// Lets time pass for a worker that waits.
pub(crate) fn pass(world: &World, worker: &mut PartitionWorker, time: Duration) {
    let mut waiting = std::pin::pin!(worker.wait());
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    if waiting.as_mut().poll(&mut context).is_pending() {
        world.clock.advance(time);
        // Whatever waits for longer is dropped here and waits anew with the next call.
        let _done: bool = waiting.as_mut().poll(&mut context).is_ready();
    }
}
