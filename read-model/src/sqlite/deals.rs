//! The tables of deals and products.

use std::sync::LazyLock;

use schemas::log::{DealTerms, Product};
use schemas::{DealId, ProductId};
use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteRow;

use super::columns::{Bind as _, Columns, Statement};
use super::fault::fault;
use super::shapes::{self, Shapes};
use crate::row::{DealRow, ProductRow};
use crate::store::StoreError;

macro_rules! columns {
    () => {
        "log_id, partition_id, deal_id, product_id, deal_key, product_name, product_description, \
         product_image_url, title, price_amount, price_currency, stock, limit_per_customer, \
         opens_at, closes_at, hold_seconds, adjusted, stock_left, held, paused, closed, retired"
    };
}

/// All that an announcement may replace is replaced.
static UPSERT: LazyLock<Shapes> = LazyLock::new(|| {
    let tail = " ON CONFLICT (log_id, deal_id) DO UPDATE SET \
                partition_id = excluded.partition_id, product_id = excluded.product_id, \
                deal_key = excluded.deal_key, product_name = excluded.product_name, \
                product_description = excluded.product_description, \
                product_image_url = excluded.product_image_url, title = excluded.title, \
                price_amount = excluded.price_amount, price_currency = excluded.price_currency, \
                stock = excluded.stock, limit_per_customer = excluded.limit_per_customer, \
                opens_at = excluded.opens_at, closes_at = excluded.closes_at, \
                hold_seconds = excluded.hold_seconds, adjusted = excluded.adjusted, \
                stock_left = excluded.stock_left, held = excluded.held, \
                paused = excluded.paused, closed = excluded.closed, retired = excluded.retired";
    Shapes::insert("deals", columns!(), tail)
});

static UPSERT_PRODUCT: LazyLock<Shapes> = LazyLock::new(|| {
    let tail = " ON CONFLICT (product_id) DO UPDATE SET name = excluded.name, \
                description = excluded.description, image_url = excluded.image_url";
    Shapes::insert("products", "product_id, name, description, image_url", tail)
});

static AMONG: LazyLock<Shapes> = LazyLock::new(|| {
    let head = concat!("SELECT ", columns!(), " FROM deals WHERE log_id = ? AND deal_id IN (");
    Shapes::new(head, "?", ")")
});

const OF_LOG: &str =
    concat!("SELECT ", columns!(), " FROM deals WHERE log_id = ? ORDER BY deal_id");

const NEWEST: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM deals WHERE deal_id = ?",
    " ORDER BY (SELECT ordinal FROM logs WHERE logs.log_id = deals.log_id) DESC LIMIT 1"
);

pub(super) async fn upsert(
    connection: &mut SqliteConnection,
    rows: &[&DealRow],
) -> Result<(), StoreError> {
    shapes::write(connection, &UPSERT, rows, bind).await.map_err(fault)
}

pub(super) async fn upsert_products(
    connection: &mut SqliteConnection,
    rows: &[&ProductRow],
) -> Result<(), StoreError> {
    shapes::write(connection, &UPSERT_PRODUCT, rows, bind_product).await.map_err(fault)
}

/// Those of the deals that are there.
pub(super) async fn among(
    connection: &mut SqliteConnection,
    log_id: u8,
    deals: &[DealId],
) -> Result<Vec<DealRow>, StoreError> {
    let first = move |statement: Statement| statement.bind(log_id);
    let each = |statement: Statement, deal: DealId| statement.id(deal.0);
    let rows = shapes::select(connection, &AMONG, deals, (first, each)).await;
    rows.map_err(fault)?.iter().map(decode).collect()
}

pub(super) async fn of_log(
    connection: &mut SqliteConnection,
    log_id: u8,
) -> Result<Vec<DealRow>, StoreError> {
    let rows = sqlx::query(OF_LOG).bind(log_id).fetch_all(connection).await.map_err(fault)?;
    rows.iter().map(decode).collect()
}

pub(super) async fn newest(
    connection: &mut SqliteConnection,
    deal_id: DealId,
) -> Result<Option<DealRow>, StoreError> {
    let row = sqlx::query(NEWEST).id(deal_id.0).fetch_optional(connection).await;
    row.map_err(fault)?.as_ref().map(decode).transpose()
}

fn bind(statement: Statement, row: &DealRow) -> Statement {
    let terms = &row.terms;
    statement
        .bind(row.log_id)
        .bind(row.partition)
        .id(row.deal_id.0)
        .text(Some(row.product_id.as_str()))
        .text(Some(row.deal_key.as_str()))
        .text(Some(&terms.product.name))
        .text(Some(&terms.product.description))
        .text(terms.product.image_url.as_deref())
        .text(Some(&terms.title))
        .money(Some(terms.price))
        .unsigned(terms.stock)
        .bind(terms.limit_per_customer)
        .time(Some(terms.opens_at))
        .time(Some(terms.closes_at))
        .bind(terms.hold_seconds)
        .bind(row.adjusted)
        .unsigned(row.stock_left)
        .unsigned(row.held)
        .bind(row.paused)
        .bind(row.closed)
        .bind(row.retired)
}

fn bind_product(statement: Statement, row: &ProductRow) -> Statement {
    statement
        .text(Some(row.product_id.as_str()))
        .text(Some(&row.product.name))
        .text(Some(&row.product.description))
        .text(row.product.image_url.as_deref())
}

fn decode(row: &SqliteRow) -> Result<DealRow, StoreError> {
    let mut columns = Columns::of(row);
    Ok(DealRow {
        log_id: columns.number()?,
        partition: columns.number()?,
        deal_id: DealId(columns.id()?),
        product_id: columns.parsed::<ProductId>()?,
        deal_key: columns.parsed()?,
        terms: decode_terms(&mut columns)?,
        adjusted: columns.value()?,
        stock_left: columns.number()?,
        held: columns.number()?,
        paused: columns.flag()?,
        closed: columns.flag()?,
        retired: columns.flag()?,
    })
}

fn decode_terms(columns: &mut Columns<'_>) -> Result<DealTerms, StoreError> {
    Ok(DealTerms {
        product: Product {
            name: columns.text()?,
            description: columns.text()?,
            image_url: columns.optional_text()?,
        },
        title: columns.text()?,
        price: columns.money()?,
        stock: columns.number()?,
        limit_per_customer: columns.number()?,
        opens_at: columns.time()?,
        closes_at: columns.time()?,
        hold_seconds: columns.number()?,
    })
}
