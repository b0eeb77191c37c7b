//! The table of orders.

use std::sync::LazyLock;

use schemas::http::OrderStatus;
use schemas::log::RefusalCode;
use schemas::{CustomerId, DealId, Offset, Partition, Position};
use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteRow;

use super::columns::{Bind as _, Columns, Statement};
use super::fault::fault;
use super::shapes::{self, Shapes};
use crate::row::{KeyRow, OrderRow, PaymentRow};
use crate::store::{OrderCursor, OrderFilter, StoreError};

macro_rules! columns {
    () => {
        "log_id, partition_id, command_offset, deal_id, customer, key_digest, fingerprint, \
         quantity, unit_price_amount, unit_price_currency, ticket_key, purchased_at, decided_at, \
         client_reference, expires_at, rejection, retryable, status, payment_digest, \
         payment_amount, payment_currency, refund_due, refund_settled"
    };
}

/// What is not named after the conflict never changes once an order is decided; leaving it out
/// spares the index of histories a rewrite.
static UPSERT: LazyLock<Shapes> = LazyLock::new(|| {
    let tail = " ON CONFLICT (log_id, partition_id, command_offset) DO UPDATE SET \
                status = excluded.status, payment_digest = excluded.payment_digest, \
                payment_amount = excluded.payment_amount, \
                payment_currency = excluded.payment_currency, \
                refund_due = excluded.refund_due, refund_settled = excluded.refund_settled";
    Shapes::insert("orders", columns!(), tail)
});

static AMONG: LazyLock<Shapes> = LazyLock::new(|| {
    let head = concat!(
        "SELECT ",
        columns!(),
        " FROM orders WHERE log_id = ? AND partition_id = ? AND command_offset IN ("
    );
    Shapes::new(head, "?", ")")
});

const ONE: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM orders WHERE log_id = ? AND partition_id = ? AND command_offset = ?"
);

const PAGE: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM orders WHERE log_id = ? AND partition_id = ? AND command_offset >= ?",
    " ORDER BY command_offset LIMIT ?"
);

macro_rules! history {
    ($condition:literal) => {
        concat!(
            "SELECT ",
            columns!(),
            " FROM orders WHERE customer = ? AND purchased_at <= ?",
            " AND (purchased_at, log_id, partition_id, command_offset) < (?, ?, ?, ?)",
            $condition,
            " ORDER BY purchased_at DESC, log_id DESC, partition_id DESC, command_offset DESC",
            " LIMIT ?"
        )
    };
}

const HISTORY: &str = history!("");
const HISTORY_OF_STATUS: &str = history!(" AND status = ?");

/// Read along the primary key: the order of the pages is that of the rows.
const KEYS: &str = "SELECT deal_id, key_digest, fingerprint, command_offset FROM orders \
                    WHERE log_id = ? AND partition_id = ? AND command_offset >= ? \
                    AND status IN ('held', 'confirmed', 'expired', 'cancelled') \
                    AND EXISTS (SELECT 1 FROM deals WHERE deals.log_id = orders.log_id \
                    AND deals.deal_id = orders.deal_id AND deals.retired = 0) \
                    ORDER BY command_offset LIMIT ?";

pub(super) async fn upsert(
    connection: &mut SqliteConnection,
    rows: &[&OrderRow],
) -> Result<(), StoreError> {
    shapes::write(connection, &UPSERT, rows, bind).await.map_err(fault)
}

/// Those of the orders that are there.
pub(super) async fn among(
    connection: &mut SqliteConnection,
    log_id: u8,
    partition: Partition,
    offsets: &[Offset],
) -> Result<Vec<OrderRow>, StoreError> {
    let first = move |statement| place(statement, log_id, partition);
    let each = |statement: Statement, offset| statement.unsigned(offset);
    let rows = shapes::select(connection, &AMONG, offsets, (first, each)).await;
    rows.map_err(fault)?.iter().map(decode).collect()
}

pub(super) async fn one(
    connection: &mut SqliteConnection,
    log_id: u8,
    position: Position,
) -> Result<Option<OrderRow>, StoreError> {
    let statement = place(sqlx::query(ONE), log_id, position.partition).unsigned(position.offset);
    let row = statement.fetch_optional(connection).await.map_err(fault)?;
    row.as_ref().map(decode).transpose()
}

pub(super) async fn page(
    connection: &mut SqliteConnection,
    log_id: u8,
    from: Position,
    limit: u32,
) -> Result<Vec<OrderRow>, StoreError> {
    let statement = place(sqlx::query(PAGE), log_id, from.partition).unsigned(from.offset);
    let rows = statement.bind(limit).fetch_all(connection).await.map_err(fault)?;
    rows.iter().map(decode).collect()
}

pub(super) async fn of_customer(
    connection: &mut SqliteConnection,
    customer: CustomerId,
    filter: OrderFilter,
) -> Result<Vec<OrderRow>, StoreError> {
    let sql = if filter.status.is_some() { HISTORY_OF_STATUS } else { HISTORY };
    let mut statement = sqlx::query(sql).id(customer.0);
    statement = bind_cursor(statement, filter.after);
    if let Some(status) = filter.status {
        statement = statement.bind(status.as_str());
    }
    let rows = statement.bind(filter.limit).fetch_all(connection).await.map_err(fault)?;
    rows.iter().map(decode).collect()
}

pub(super) async fn keys(
    connection: &mut SqliteConnection,
    log_id: u8,
    from: Position,
    limit: u32,
) -> Result<Vec<KeyRow>, StoreError> {
    let statement = place(sqlx::query(KEYS), log_id, from.partition).unsigned(from.offset);
    let rows = statement.bind(limit).fetch_all(connection).await.map_err(fault)?;
    let decode = |row: &SqliteRow| {
        let mut columns = Columns::of(row);
        Ok(KeyRow {
            deal_id: DealId(columns.id()?),
            key: columns.digest()?,
            fingerprint: columns.fingerprint()?,
            offset: columns.unsigned()?,
        })
    };
    rows.iter().map(decode).collect()
}

fn place(statement: Statement, log_id: u8, partition: Partition) -> Statement {
    statement.bind(log_id).bind(partition)
}

/// Without a cursor, one that lies before every order.
fn bind_cursor(statement: Statement, after: Option<OrderCursor>) -> Statement {
    let (purchased_at, log_id, partition, offset) = match after {
        Some(OrderCursor { purchased_at, log_id, position }) => {
            let offset = position.offset.cast_signed();
            (purchased_at.as_millis(), log_id, position.partition, offset)
        }
        None => (i64::MAX, u8::MAX, Partition::MAX, i64::MAX),
    };
    statement.bind(purchased_at).bind(purchased_at).bind(log_id).bind(partition).bind(offset)
}

fn bind(statement: Statement, row: &OrderRow) -> Statement {
    let (rejection, retryable) = row.rejection.unzip();
    let payment = row.payment;
    place(statement, row.log_id, row.position.partition)
        .unsigned(row.position.offset)
        .id(row.deal_id.0)
        .id(row.customer.0)
        .digest(Some(row.key))
        .bind(row.fingerprint.0.to_be_bytes().to_vec())
        .bind(row.quantity)
        .money(row.unit_price)
        .bind(row.ticket_key)
        .time(Some(row.purchased_at))
        .time(Some(row.decided_at))
        .text(row.client_reference.as_ref().map(|it| it.as_str()))
        .time(row.expires_at)
        .bind(rejection.map(RefusalCode::as_str))
        .bind(retryable)
        .bind(row.status.as_str())
        .digest(payment.map(|it| it.payment))
        .money(payment.map(|it| it.money))
        .bind(row.refund_due)
        .bind(row.refund_settled)
}

fn decode(row: &SqliteRow) -> Result<OrderRow, StoreError> {
    let mut columns = Columns::of(row);
    Ok(OrderRow {
        log_id: columns.number()?,
        position: Position { partition: columns.number()?, offset: columns.unsigned()? },
        deal_id: DealId(columns.id()?),
        customer: CustomerId(columns.id()?),
        key: columns.digest()?,
        fingerprint: columns.fingerprint()?,
        quantity: columns.number()?,
        unit_price: columns.optional_money()?,
        ticket_key: columns.number()?,
        purchased_at: columns.time()?,
        decided_at: columns.time()?,
        client_reference: columns.optional_parsed()?,
        expires_at: columns.optional_time()?,
        rejection: decode_rejection(&mut columns)?,
        status: decode_status(&mut columns)?,
        payment: decode_payment(&mut columns)?,
        refund_due: columns.value()?,
        refund_settled: columns.value()?,
    })
}

fn decode_rejection(columns: &mut Columns<'_>) -> Result<Option<(RefusalCode, bool)>, StoreError> {
    let code = columns.listed(RefusalCode::parse)?;
    match (code, columns.value::<Option<i64>>()?) {
        (None, None) => Ok(None),
        (Some(code), Some(0)) => Ok(Some((code, false))),
        (Some(code), Some(1)) => Ok(Some((code, true))),
        (_, _) => Err(columns.bad("goes with a rejection, as 0 or 1")),
    }
}

fn decode_status(columns: &mut Columns<'_>) -> Result<OrderStatus, StoreError> {
    let status = columns.listed(OrderStatus::parse)?;
    columns.present(status.filter(|status| *status != OrderStatus::Queued))
}

fn decode_payment(columns: &mut Columns<'_>) -> Result<Option<PaymentRow>, StoreError> {
    match (columns.optional_digest()?, columns.optional_money()?) {
        (Some(payment), Some(money)) => Ok(Some(PaymentRow { payment, money })),
        (None, None) => Ok(None),
        (Some(_), None) | (None, Some(_)) => Err(columns.bad("a payment goes with its money")),
    }
}
