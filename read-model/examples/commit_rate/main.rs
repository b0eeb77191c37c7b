//! How many orders a second a store commits, beside a bare loop of inserts into the same tables: no
//! rows built, no filter state, nothing read back. Prints one line each, and of a server the ratio,
//! several times over: machines are noisy.
//!
//! `cargo run --release -p read-model --example commit_rate [orders] [batch] [address] [times]`,
//! where an address is like `mysql://user@host?ssl-mode=DISABLED`, without a database.

mod mysql;
mod sqlite;

use std::error::Error;
use std::time::Instant;

use read_model::{Changes, Store, fold};
use schemas::log::{Decision, Event, FilterState, OrderHeld, OrderPaid};
use schemas::{CustomerId, DealId, Digest, Fingerprint, Money, Offset, Timestamp};
use uuid::Uuid;

type Outcome<T> = Result<T, Box<dyn Error>>;

const COLUMNS: usize = 23;
/// How often a server is measured.
const TIMES: u32 = 5;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Outcome<()> {
    let mut arguments = std::env::args().skip(1);
    let mut number = |default: u64| arguments.next().map_or(Ok(default), |text| text.parse());
    let (orders, batch) = (number(200_000)?, number(1_000)?);
    match arguments.next() {
        None => sqlite::measure(orders, batch).await,
        Some(server) => {
            let times = arguments.next().map_or(Ok(TIMES), |text| text.parse())?;
            mysql::measure(&server, times, (orders, batch)).await
        }
    }
}

/// New orders and then their payments, and the seconds that the new ones took.
async fn measure(store: &dyn Store, orders: u64, batch: u64) -> Outcome<f64> {
    let (next, seconds) = project(store, 0, orders, batch, hold).await?;
    report("new orders", orders, seconds);
    let (_, paid) = project(store, next, orders, batch, pay).await?;
    report("paid orders", orders, paid);
    Ok(seconds)
}

/// An insert of so many orders.
fn insert_sql(rows: usize, tail: &str) -> String {
    let row = format!("({})", vec!["?"; COLUMNS].join(","));
    format!("INSERT INTO orders VALUES {}{tail}", vec![row; rows].join(","))
}

/// Binds the values of one order.
macro_rules! bind_order {
    ($query:expr, $offset:expr) => {{
        let id = $crate::scattered($offset).to_be_bytes().to_vec();
        let query = $query.bind(1).bind(0).bind($offset.cast_signed()).bind(vec![1_u8; 16]);
        let query = query.bind(id.clone()).bind(id).bind(vec![7_u8; 8]).bind(1).bind(1_990);
        let query = query.bind("EUR").bind(1).bind(1_000).bind(1_000).bind(None::<String>);
        let query = query.bind(61_000).bind(None::<String>).bind(None::<i64>).bind("held");
        let query = query.bind(None::<Vec<u8>>).bind(None::<i64>).bind(None::<String>);
        query.bind(0).bind(0)
    }};
}
use bind_order;

/// Fills the table in transactions of `batch` orders, in statements of `rows`; tells the seconds.
macro_rules! fill {
    ($connection:ident, $insert:ident, $rows:expr, ($orders:expr, $batch:expr)) => {{
        let (started, mut next) = (std::time::Instant::now(), 1);
        while next <= $orders {
            let last = (next + $batch - 1).min($orders);
            let mut transaction = $connection.begin().await?;
            while next <= last {
                let rows = usize::try_from(last - next + 1)?.min($rows);
                $insert(&mut transaction, next, rows).await?;
                next += u64::try_from(rows)?;
            }
            transaction.commit().await?;
        }
        started.elapsed().as_secs_f64()
    }};
}
use fill;

#[expect(clippy::print_stdout, reason = "its result is what it prints")]
fn report(what: &str, rows: u64, seconds: f64) {
    #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
    let rate = rows as f64 / seconds;
    println!("{what}: {rows} rows in {seconds:.2} s, {rate:.0} rows/s");
}

/// Commits a decision per order, and tells the next read_offset and the seconds it took, the
/// making of the changes left out.
async fn project(
    store: &dyn Store,
    from: u64,
    orders: u64,
    batch: u64,
    event: fn(Offset) -> Event,
) -> Outcome<(u64, f64)> {
    let (mut seconds, mut read_offset, mut next) = (0.0, from, 1);
    while next <= orders {
        let last = (next + batch - 1).min(orders);
        let mut changes = if read_offset == 0 { announcement() } else { Vec::new() };
        for offset in next..=last {
            let position = from + offset;
            let (after, log_time) = (position, Timestamp::from_millis(1_000));
            let events = vec![event(offset)];
            changes.extend(fold(1, 0, &Decision { offset: position, after, log_time, events }));
        }
        let expected = std::mem::replace(&mut read_offset, from + last);
        let filter = FilterState { log_id: Some(1), read_offset, ..FilterState::default() };
        let started = Instant::now();
        store.commit(0, expected, &filter, &changes).await?;
        seconds += started.elapsed().as_secs_f64();
        next = last + 1;
    }
    Ok((read_offset, seconds))
}

fn price() -> Money {
    Money { amount: 1_990, currency: "EUR".parse().expect("three capital letters") }
}

fn scattered(offset: Offset) -> u128 {
    Digest::of("example", &[&offset.to_be_bytes()]).0
}

fn hold(offset: Offset) -> Event {
    Event::OrderHeld(OrderHeld {
        deal_id: DealId(Uuid::from_u128(1)),
        customer: CustomerId(Uuid::from_u128(scattered(offset))),
        key: Digest(scattered(offset)),
        fingerprint: Fingerprint(7),
        quantity: 1,
        unit_price: price(),
        ticket_key: 1,
        purchased_at: Timestamp::from_millis(1_000),
        client_reference: None,
        expires_at: Timestamp::from_millis(61_000),
        stock_left: 1,
        held: 1,
    })
}

fn pay(order: Offset) -> Event {
    let (payment, money) = (Digest(scattered(order)), price());
    let deal_id = DealId(Uuid::from_u128(1));
    Event::OrderPaid(OrderPaid { deal_id, order, payment, money, stock_left: 1, held: 1 })
}

/// The deal that the orders are of.
fn announcement() -> Vec<Changes> {
    use schemas::log::{DealAnnounced, DealTerms, Product};
    let product = Product { name: "Lamp".into(), description: "".into(), image_url: None };
    let terms = DealTerms {
        product,
        title: "Lamp".into(),
        price: price(),
        stock: 1_000_000,
        limit_per_customer: 1,
        opens_at: Timestamp::EPOCH,
        closes_at: Timestamp::MAX,
        hold_seconds: 60,
    };
    let event = Event::DealAnnounced(DealAnnounced {
        deal_id: DealId(Uuid::from_u128(1)),
        product_id: "lamp".parse().expect("a product id"),
        deal_key: "lamp".parse().expect("a deal key"),
        terms: Box::new(terms),
    });
    let log_time = Timestamp::EPOCH;
    fold(1, 0, &Decision { offset: 0, after: 0, log_time, events: vec![event] })
}
