//! How fast the embedded log appends, beside a bare SQLite insert loop in the same run: the same
//! table, the same payload, the same records per transaction, `synchronous=FULL` on both sides.
//!
//! `cargo run --release -p event-log --example append_rate [directory]` (the default is a directory
//! below the system's temporary one). Rates depend on the disk; the ratio is what to look at.

#![allow(clippy::print_stdout, reason = "its output is its purpose")]
#![allow(clippy::unwrap_used, reason = "a measurement that cannot go on has failed")]

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use event_log::{Clock, EmbeddedLogs, Options, Receipt, Record, headers};
use rusqlite::Connection;
use schemas::Timestamp;

const PAYLOAD_BYTES: usize = 320;
const KEY: &[u8] = b"sneaker-42";
const TRACE: &[u8] = b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

/// Records per transaction, and how many transactions.
const SHAPES: [(usize, usize); 3] = [(1, 2_000), (100, 1_000), (1_000, 300)];

/// Groups that may wait for the writer: enough that it never waits for this thread.
const PENDING_GROUPS: usize = 8;

/// Each measurement is made this often, taking turns; the best counts.
const ROUNDS: usize = 3;

fn main() {
    let below = std::env::args_os().nth(1).map_or_else(std::env::temp_dir, PathBuf::from);
    let directory = below.join(format!("append-rate-{}", std::process::id()));
    println!("records/s, {PAYLOAD_BYTES} B of payload, best of {ROUNDS}");
    println!(
        "{:>9} {:>12} {:>12} {:>12} {:>7}",
        "per group", "bare", "one append", "appends", "ratio"
    );
    for (group, groups) in SHAPES {
        let mut best = [0.0_f64; 3];
        for round in 0..ROUNDS {
            let place = |name: &str| directory.join(format!("{name}-{group}-{round}"));
            let rates = [
                bare(&place("bare"), group, groups),
                whole(&place("whole"), group, groups),
                single(&place("single"), group, groups),
            ];
            for (best, rate) in best.iter_mut().zip(rates) {
                *best = best.max(rate);
            }
        }
        let [bare, whole, single] = best;
        let ratio = whole.min(single) / bare;
        println!("{group:>9} {bare:>12.0} {whole:>12.0} {single:>12.0} {ratio:>7.2}");
    }
    std::fs::remove_dir_all(directory).unwrap();
}

fn payload() -> Bytes {
    Bytes::from(vec![b'x'; PAYLOAD_BYTES])
}

fn record(payload: &Bytes) -> Record {
    Record {
        key: Bytes::from_static(KEY),
        headers: headers([("traceparent", Bytes::from_static(TRACE))]),
        payload: payload.clone(),
    }
}

fn rate(records: usize, took: Duration) -> f64 {
    records as f64 / took.as_secs_f64()
}

/// A prepared insert in a loop, a transaction for each group.
fn bare(directory: &Path, group: usize, groups: usize) -> f64 {
    std::fs::create_dir_all(directory).unwrap();
    let mut file = Connection::open(directory.join("bare.sqlite")).unwrap();
    file.pragma_update(None, "journal_mode", "WAL").unwrap();
    file.pragma_update(None, "synchronous", "FULL").unwrap();
    file.execute_batch(
        "CREATE TABLE records (offset INTEGER PRIMARY KEY, log_time INTEGER NOT NULL,
         key BLOB NOT NULL, headers BLOB NOT NULL, payload BLOB NOT NULL)",
    )
    .unwrap();
    let (payload, headers) = (payload(), [b"\x0btraceparent\x37", TRACE].concat());
    let started = Instant::now();
    let mut offset = 0_i64;
    for _ in 0..groups {
        let transaction = file.transaction().unwrap();
        {
            let mut insert =
                transaction.prepare_cached("INSERT INTO records VALUES (?, ?, ?, ?, ?)").unwrap();
            for _ in 0..group {
                insert.execute((offset, 1_i64, KEY, &headers[..], &payload[..])).unwrap();
                offset += 1;
            }
        }
        transaction.commit().unwrap();
    }
    rate(group * groups, started.elapsed())
}

fn open(directory: &Path, group: usize) -> EmbeddedLogs {
    let clock: Clock = Arc::new(|| {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        Timestamp::from_millis(since.as_millis() as i64)
    });
    let options = Options { group_records_max: group, ..Options::new(4, clock) };
    EmbeddedLogs::open(directory, options).unwrap()
}

/// Each append is a whole group, as an order-worker writes its decisions.
fn whole(directory: &Path, group: usize, groups: usize) -> f64 {
    let (logs, payload) = (open(directory, group), payload());
    let log = logs.decisions();
    measure(
        group * groups,
        PENDING_GROUPS,
        (0..groups).map(|_| log.append(0, (0..group).map(|_| record(&payload)).collect())),
    )
}

/// Each append is one record, as gateways write commands; the writer makes the groups.
fn single(directory: &Path, group: usize, groups: usize) -> f64 {
    let (logs, payload) = (open(directory, group), payload());
    let log = logs.commands();
    let appends = (0..group * groups).map(|_| log.append(0, vec![record(&payload)]));
    measure(group * groups, PENDING_GROUPS * group, appends)
}

/// Appends with at most `pending_max` receipts open.
fn measure(records: usize, pending_max: usize, appends: impl Iterator<Item = Receipt>) -> f64 {
    let started = Instant::now();
    let mut pending: VecDeque<Receipt> = VecDeque::new();
    for receipt in appends {
        if pending.len() >= pending_max {
            block_on(pending.pop_front().expect("there are pending ones")).unwrap();
        }
        pending.push_back(receipt);
    }
    for receipt in pending {
        block_on(receipt).unwrap();
    }
    rate(records, started.elapsed())
}

/// Runs a future on this thread, without any runtime.
fn block_on<T>(future: impl Future<Output = T>) -> T {
    struct Unpark(std::thread::Thread);
    impl std::task::Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Arc::new(Unpark(std::thread::current())).into();
    let mut context = std::task::Context::from_waker(&waker);
    let mut future = std::pin::pin!(future);
    loop {
        if let std::task::Poll::Ready(value) = future.as_mut().poll(&mut context) {
            return value;
        }
        std::thread::park();
    }
}
