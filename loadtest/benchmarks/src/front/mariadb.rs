//! The sale in MariaDB: the order's row first, then the stock, so that the row that everybody wants
//! is locked for one statement and the commit only.

use anyhow::{Context, Result, ensure};
use sqlx::mysql::{MySqlConnectOptions, MySqlPool, MySqlPoolOptions};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _};

use super::Sale;

/// Connections; more only wait for the same row's lock.
pub(crate) const POOL: u32 = 32;
/// What the server says when a customer has an order already.
const DUPLICATE: &str = "23000";

/// A pool of connections that keep their prepared statements.
#[derive(Clone)]
pub(super) struct Till(MySqlPool);

impl Till {
    pub(super) async fn open(url: &str) -> Result<Self> {
        let options = url.parse::<MySqlConnectOptions>()?.disable_statement_logging();
        let pool = MySqlPoolOptions::new().min_connections(POOL).max_connections(POOL);
        // A question before each use would be a fifth round trip.
        let pool = pool.test_before_acquire(false).connect_with(options).await?;
        Ok(Self(pool))
    }

    pub(super) async fn sell(&self, customer: &str) -> Result<Sale> {
        let mut transaction = self.0.begin().await?;
        let insert = sqlx::query("INSERT INTO orders (deal, customer) VALUES (1, ?)");
        let inserted = insert.bind(customer).execute(&mut *transaction).await;
        if let Err(sqlx::Error::Database(fault)) = &inserted
            && fault.code().as_deref() == Some(DUPLICATE)
        {
            transaction.rollback().await?;
            return Ok(Sale::Repeated);
        }
        inserted?;
        let take = "UPDATE deals SET stock = stock - 1 WHERE id = 1 AND stock > 0";
        let taken = sqlx::query(take).execute(&mut *transaction).await?.rows_affected();
        if taken == 0 {
            transaction.rollback().await?;
            return Ok(Sale::SoldOut);
        }
        transaction.commit().await?;
        Ok(Sale::Sold)
    }
}

/// A database of this name with one deal; its address.
pub(crate) async fn prepare(server: &str, name: &str, stock: u64) -> Result<String> {
    let mut root = server.parse::<MySqlConnectOptions>()?.connect().await.context("MariaDB")?;
    for statement in [
        format!("CREATE DATABASE {name}"),
        format!("CREATE TABLE {name}.deals (id INT PRIMARY KEY, stock BIGINT NOT NULL)"),
        format!(
            "CREATE TABLE {name}.orders (deal INT NOT NULL, customer CHAR(16) NOT NULL, \
             PRIMARY KEY (deal, customer)) CHARACTER SET ascii"
        ),
        format!("INSERT INTO {name}.deals VALUES (1, {stock})"),
    ] {
        sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut root).await?;
    }
    root.close().await?;
    Ok(with_database(server, name))
}

/// How many units were sold, and to how many customers; these have to be as many. Then the
/// database goes.
pub(crate) async fn sold(server: &str, name: &str, stock: u64) -> Result<u64> {
    let mut root = server.parse::<MySqlConnectOptions>()?.connect().await?;
    let sql = |text: &str| AssertSqlSafe(text.replace("NAME", name));
    let left: i64 =
        sqlx::query_scalar(sql("SELECT stock FROM NAME.deals")).fetch_one(&mut root).await?;
    let orders: i64 =
        sqlx::query_scalar(sql("SELECT COUNT(*) FROM NAME.orders")).fetch_one(&mut root).await?;
    sqlx::raw_sql(sql("DROP DATABASE NAME")).execute(&mut root).await?;
    root.close().await?;
    ensure!(u64::try_from(left + orders)? == stock, "{stock} units, {left} left, {orders} orders");
    Ok(u64::try_from(orders)?)
}

/// The address of a database of a server; parameters come last.
pub(crate) fn with_database(server: &str, name: &str) -> String {
    match server.split_once('?') {
        Some((host, parameters)) => format!("{host}/{name}?{parameters}"),
        None => format!("{server}/{name}"),
    }
}

/// Its version.
pub(crate) async fn version(server: &str) -> Result<String> {
    let mut root = server.parse::<MySqlConnectOptions>()?.connect().await?;
    let version = sqlx::query_scalar("SELECT VERSION()").fetch_one(&mut root).await?;
    root.close().await?;
    Ok(version)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn every_customer_gets_one_unit_while_there_are_any() {
        let server = test_servers::Server::Mysql.address();
        let name = test_servers::unique("bench_sale");
        let url = prepare(&server, &name, 2).await.unwrap();
        let till = Till::open(&url).await.unwrap();
        let mut heard = Vec::new();
        for customer in ["a", "a", "b", "c", "a"] {
            heard.push(till.sell(customer).await.unwrap());
        }
        let expected = [Sale::Sold, Sale::Repeated, Sale::Sold, Sale::SoldOut, Sale::Repeated];
        assert_eq!(heard, expected);
        assert_eq!(sold(&server, &name, 2).await.unwrap(), 2);
    }

    #[test]
    fn a_database_stands_before_the_parameters() {
        let with = |server| with_database(server, "shop");
        assert_eq!(with("mysql://h:1?ssl-mode=DISABLED"), "mysql://h:1/shop?ssl-mode=DISABLED");
        assert_eq!(with("mysql://h:1"), "mysql://h:1/shop");
    }
}
