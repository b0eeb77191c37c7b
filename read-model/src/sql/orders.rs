//! The table of orders.

use std::sync::LazyLock;

use schemas::http::OrderStatus;
use schemas::log::RefusalCode;
use schemas::{CustomerId, DealId, Offset, Partition, Position};

use super::dialect::{Dialect, Table};
use super::values::{Bind, Columns, Row};
use super::{Connection, projections, read, read_one, shapes};
use crate::row::{KeyRow, OrderRow, PaymentRow};
use crate::store::{OrderCursor, OrderFilter, ProjectionRow, StoreError};

macro_rules! columns {
    () => {
        "log_id, partition_id, command_offset, deal_id, customer, key_digest, fingerprint, \
         quantity, unit_price_amount, unit_price_currency, ticket_key, purchased_at, decided_at, \
         client_reference, expires_at, rejection, retryable, status, payment_digest, \
         payment_amount, payment_currency, refund_due, refund_settled"
    };
}

/// What is not said to change never does once an order is decided; leaving it out spares the index
/// of histories a rewrite.
pub(super) const TABLE: Table = Table {
    name: "orders",
    columns: columns!(),
    key: "log_id, partition_id, command_offset",
    changing: &[
        "status",
        "payment_digest",
        "payment_amount",
        "payment_currency",
        "refund_due",
        "refund_settled",
    ],
    rows_max: 1_024,
};

pub(super) const AMONG: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM orders WHERE log_id = ? AND partition_id = ? AND command_offset IN ("
);

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

/// A page of a customer's history. What stands behind the table may say which index is meant, the
/// condition comes before the limit.
pub(super) fn history(index: &str, condition: &str) -> String {
    format!(
        "SELECT {} FROM orders{index} WHERE customer = ? AND purchased_at <= ? \
         AND (purchased_at, log_id, partition_id, command_offset) < (?, ?, ?, ?){condition} \
         ORDER BY purchased_at DESC, log_id DESC, partition_id DESC, command_offset DESC LIMIT ?",
        TABLE.columns
    )
}

/// Both in one statement, so both as of one moment. Without a projection there are no orders.
static ONE_AS_OF: LazyLock<String> = LazyLock::new(|| {
    let projection = projections::ONE;
    format!("SELECT * FROM ({projection}) AS projection LEFT JOIN ({ONE}) AS purchase ON TRUE")
});

pub(crate) async fn upsert<C: Connection>(
    connection: &mut C,
    rows: &[&OrderRow],
) -> Result<(), StoreError> {
    shapes::write(connection, &C::dialect().upsert_orders, rows, bind).await.map_err(C::fault)
}

/// Those of the orders that are there.
pub(crate) async fn among<C: Connection>(
    connection: &mut C,
    log_id: u8,
    partition: Partition,
    offsets: &[Offset],
) -> Result<Vec<OrderRow>, StoreError> {
    let first = move |statement| place(statement, log_id, partition);
    let each = |statement: C::Statement, offset| statement.unsigned(offset);
    let shapes = &C::dialect().orders_among;
    let rows = shapes::select(connection, shapes, offsets, (first, each)).await;
    rows.map_err(C::fault)?.iter().map(decode_row).collect()
}

pub(crate) async fn one<C: Connection>(
    connection: &mut C,
    log_id: u8,
    position: Position,
) -> Result<Option<OrderRow>, StoreError> {
    let statement = place(C::statement(ONE), log_id, position.partition).unsigned(position.offset);
    read_one(connection, statement, decode_row).await
}

/// The order and the projection of its partition.
pub(crate) async fn one_as_of<C: Connection>(
    connection: &mut C,
    log_id: u8,
    position: Position,
) -> Result<(Option<ProjectionRow>, Option<OrderRow>), StoreError> {
    let statement = place(C::statement(&ONE_AS_OF), log_id, position.partition);
    let statement = place(statement, log_id, position.partition).unsigned(position.offset);
    let decode = |row: &C::Row| {
        let mut columns = Columns::of(row);
        let projection = projections::decode(&mut columns)?;
        let order = if columns.at_null() { None } else { Some(decode(&mut columns)?) };
        Ok((Some(projection), order))
    };
    let found = read_one(connection, statement, decode).await?;
    Ok(found.unwrap_or((None, None)))
}

pub(crate) async fn page<C: Connection>(
    connection: &mut C,
    log_id: u8,
    from: Position,
    limit: u32,
) -> Result<Vec<OrderRow>, StoreError> {
    let statement = place(C::statement(PAGE), log_id, from.partition).unsigned(from.offset);
    read(connection, statement.number(limit), decode_row).await
}

pub(crate) async fn of_customer<C: Connection>(
    connection: &mut C,
    customer: CustomerId,
    filter: OrderFilter,
) -> Result<Vec<OrderRow>, StoreError> {
    let Dialect { history, history_of_status, .. } = C::dialect();
    let sql = if filter.status.is_some() { history_of_status } else { history };
    let mut statement = C::statement(sql).id(customer.0);
    statement = bind_cursor(statement, filter.after);
    if let Some(status) = filter.status {
        statement = statement.text(Some(status.as_str()));
    }
    read(connection, statement.number(filter.limit), decode_row).await
}

pub(crate) async fn keys<C: Connection>(
    connection: &mut C,
    log_id: u8,
    from: Position,
    limit: u32,
) -> Result<Vec<KeyRow>, StoreError> {
    let statement = place(C::statement(C::dialect().keys), log_id, from.partition);
    let decode = |row: &C::Row| {
        let mut columns = Columns::of(row);
        Ok(KeyRow {
            deal_id: DealId(columns.id()?),
            key: columns.digest()?,
            fingerprint: columns.fingerprint()?,
            offset: columns.unsigned()?,
        })
    };
    read(connection, statement.unsigned(from.offset).number(limit), decode).await
}

fn place<S: Bind>(statement: S, log_id: u8, partition: Partition) -> S {
    statement.number(log_id).number(partition)
}

/// Without a cursor, one that lies before every order.
fn bind_cursor<S: Bind>(statement: S, after: Option<OrderCursor>) -> S {
    let (purchased_at, log_id, partition, offset) = match after {
        Some(OrderCursor { purchased_at, log_id, position }) => {
            let offset = position.offset.cast_signed();
            (purchased_at.as_millis(), log_id, position.partition, offset)
        }
        None => (i64::MAX, u8::MAX, Partition::MAX, i64::MAX),
    };
    let statement = statement.number(purchased_at).number(purchased_at);
    statement.number(log_id).number(partition).number(offset)
}

fn bind<S: Bind>(statement: S, row: &OrderRow) -> S {
    let (rejection, retryable) = row.rejection.unzip();
    let payment = row.payment;
    place(statement, row.log_id, row.position.partition)
        .unsigned(row.position.offset)
        .id(row.deal_id.0)
        .id(row.customer.0)
        .digest(Some(row.key))
        .bytes(Some(&row.fingerprint.0.to_be_bytes()))
        .number(row.quantity)
        .money(row.unit_price)
        .number(row.ticket_key)
        .time(Some(row.purchased_at))
        .time(Some(row.decided_at))
        .text(row.client_reference.as_ref().map(|it| it.as_str()))
        .time(row.expires_at)
        .text(rejection.map(RefusalCode::as_str))
        .integer(retryable.map(i64::from))
        .text(Some(row.status.as_str()))
        .digest(payment.map(|it| it.payment))
        .money(payment.map(|it| it.money))
        .number(row.refund_due)
        .number(row.refund_settled)
}

fn decode_row(row: &impl Row) -> Result<OrderRow, StoreError> {
    decode(&mut Columns::of(row))
}

fn decode(columns: &mut Columns<'_, impl Row>) -> Result<OrderRow, StoreError> {
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
        rejection: decode_rejection(columns)?,
        status: decode_status(columns)?,
        payment: decode_payment(columns)?,
        refund_due: columns.integer()?,
        refund_settled: columns.integer()?,
    })
}

fn decode_rejection(
    columns: &mut Columns<'_, impl Row>,
) -> Result<Option<(RefusalCode, bool)>, StoreError> {
    let code = columns.listed(RefusalCode::parse)?;
    match (code, columns.optional_integer()?) {
        (None, None) => Ok(None),
        (Some(code), Some(0)) => Ok(Some((code, false))),
        (Some(code), Some(1)) => Ok(Some((code, true))),
        (_, _) => Err(columns.bad("goes with a rejection, as 0 or 1")),
    }
}

fn decode_status(columns: &mut Columns<'_, impl Row>) -> Result<OrderStatus, StoreError> {
    let status = columns.listed(OrderStatus::parse)?;
    columns.present(status.filter(|status| *status != OrderStatus::Queued))
}

fn decode_payment(columns: &mut Columns<'_, impl Row>) -> Result<Option<PaymentRow>, StoreError> {
    match (columns.optional_digest()?, columns.optional_money()?) {
        (Some(payment), Some(money)) => Ok(Some(PaymentRow { payment, money })),
        (None, None) => Ok(None),
        (Some(_), None) | (None, Some(_)) => Err(columns.bad("a payment goes with its money")),
    }
}
