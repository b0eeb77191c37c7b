//! The tables of deals and products.

use schemas::log::{DealTerms, Product};
use schemas::{DealId, ProductId};

use super::dialect::Table;
use super::values::{Bind, Columns, Row};
use super::{Connection, read, read_one, shapes};
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
pub(super) const TABLE: Table = Table {
    name: "deals",
    columns: columns!(),
    key: "log_id, deal_id",
    changing: &[
        "partition_id",
        "product_id",
        "deal_key",
        "product_name",
        "product_description",
        "product_image_url",
        "title",
        "price_amount",
        "price_currency",
        "stock",
        "limit_per_customer",
        "opens_at",
        "closes_at",
        "hold_seconds",
        "adjusted",
        "stock_left",
        "held",
        "paused",
        "closed",
        "retired",
    ],
    rows_max: 64,
};

pub(super) const PRODUCTS: Table = Table {
    name: "products",
    columns: "product_id, name, description, image_url",
    key: "product_id",
    changing: &["name", "description", "image_url"],
    rows_max: 64,
};

pub(super) const AMONG: &str =
    concat!("SELECT ", columns!(), " FROM deals WHERE log_id = ? AND deal_id IN (");

const OF_LOG: &str =
    concat!("SELECT ", columns!(), " FROM deals WHERE log_id = ? ORDER BY deal_id");

const NEWEST: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM deals WHERE deal_id = ?",
    " ORDER BY (SELECT ordinal FROM logs WHERE logs.log_id = deals.log_id) DESC LIMIT 1"
);

pub(crate) async fn upsert<C: Connection>(
    connection: &mut C,
    rows: &[&DealRow],
) -> Result<(), StoreError> {
    shapes::write(connection, &C::dialect().upsert_deals, rows, bind).await.map_err(C::fault)
}

pub(crate) async fn upsert_products<C: Connection>(
    connection: &mut C,
    rows: &[&ProductRow],
) -> Result<(), StoreError> {
    let shapes = &C::dialect().upsert_products;
    shapes::write(connection, shapes, rows, bind_product).await.map_err(C::fault)
}

/// Those of the deals that are there.
pub(crate) async fn among<C: Connection>(
    connection: &mut C,
    log_id: u8,
    deals: &[DealId],
) -> Result<Vec<DealRow>, StoreError> {
    let first = move |statement: C::Statement| statement.number(log_id);
    let each = |statement: C::Statement, deal: DealId| statement.id(deal.0);
    let shapes = &C::dialect().deals_among;
    let rows = shapes::select(connection, shapes, deals, (first, each)).await;
    rows.map_err(C::fault)?.iter().map(decode).collect()
}

pub(crate) async fn of_log<C: Connection>(
    connection: &mut C,
    log_id: u8,
) -> Result<Vec<DealRow>, StoreError> {
    read(connection, C::statement(OF_LOG).number(log_id), decode).await
}

pub(crate) async fn newest<C: Connection>(
    connection: &mut C,
    deal_id: DealId,
) -> Result<Option<DealRow>, StoreError> {
    read_one(connection, C::statement(NEWEST).id(deal_id.0), decode).await
}

fn bind<S: Bind>(statement: S, row: &DealRow) -> S {
    let terms = &row.terms;
    statement
        .number(row.log_id)
        .number(row.partition)
        .id(row.deal_id.0)
        .text(Some(row.product_id.as_str()))
        .text(Some(row.deal_key.as_str()))
        .text(Some(&terms.product.name))
        .text(Some(&terms.product.description))
        .text(terms.product.image_url.as_deref())
        .text(Some(&terms.title))
        .money(Some(terms.price))
        .unsigned(terms.stock)
        .number(terms.limit_per_customer)
        .time(Some(terms.opens_at))
        .time(Some(terms.closes_at))
        .number(terms.hold_seconds)
        .number(row.adjusted)
        .unsigned(row.stock_left)
        .unsigned(row.held)
        .number(row.paused)
        .number(row.closed)
        .number(row.retired)
}

fn bind_product<S: Bind>(statement: S, row: &ProductRow) -> S {
    statement
        .text(Some(row.product_id.as_str()))
        .text(Some(&row.product.name))
        .text(Some(&row.product.description))
        .text(row.product.image_url.as_deref())
}

fn decode(row: &impl Row) -> Result<DealRow, StoreError> {
    let mut columns = Columns::of(row);
    Ok(DealRow {
        log_id: columns.number()?,
        partition: columns.number()?,
        deal_id: DealId(columns.id()?),
        product_id: columns.parsed::<ProductId>()?,
        deal_key: columns.parsed()?,
        terms: decode_terms(&mut columns)?,
        adjusted: columns.integer()?,
        stock_left: columns.number()?,
        held: columns.number()?,
        paused: columns.flag()?,
        closed: columns.flag()?,
        retired: columns.flag()?,
    })
}

fn decode_terms(columns: &mut Columns<'_, impl Row>) -> Result<DealTerms, StoreError> {
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
