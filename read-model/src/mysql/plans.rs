//! That pages are read along their indexes: a page costs what it shows, however long the table is.

use schemas::{CustomerId, Position, Timestamp};
use sqlx::mysql::MySqlConnection;
use sqlx::{AssertSqlSafe, Connection as _};
use test_servers::Server;
use uuid::Uuid;

use super::{MysqlOptions, MysqlStore};
use crate::sql::orders;
use crate::store::{OrderCursor, OrderFilter};

/// 20,000 orders of one customer and as many of others, in two partitions, of 20 deals.
const FILL: &str = "
INSERT INTO deals SELECT 1, UNHEX(MD5(n.i)), 0, 'p', 'k', 'n', 'd', NULL, 't', 1, 'EUR',
  1, 1, 1, 1, 1, 0, 1, 1, 0, 0, 0
FROM (WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n WHERE i < 20)
  SELECT i FROM n) AS n;
INSERT INTO orders SELECT 1, m.i % 2, n.i * 40 + m.i, UNHEX(MD5(n.i % 20 + 1)),
  IF(m.i <= 20, UNHEX(REPEAT('07', 16)), UNHEX(MD5(n.i))), UNHEX(MD5(n.i)),
  UNHEX('0000000000000007'), 1, 1, 'EUR', 1, n.i, n.i, NULL, NULL, NULL, NULL, 'held',
  NULL, NULL, NULL, 0, 0
FROM (WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n WHERE i < 1000)
  SELECT i FROM n) AS n,
  (WITH RECURSIVE m AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM m WHERE i < 40)
  SELECT i FROM m) AS m;
ANALYZE TABLE orders, deals";

const LIMIT: u32 = 50;

/// Rows and entries of indexes that this connection has read since the last time.
async fn rows_read(connection: &mut MySqlConnection) -> i64 {
    let status = "SHOW SESSION STATUS LIKE 'Handler\\_read%'";
    let counts: Vec<(String, String)> =
        sqlx::query_as(status).fetch_all(&mut *connection).await.unwrap();
    sqlx::raw_sql("FLUSH STATUS").execute(connection).await.unwrap();
    counts.iter().map(|(_, count)| count.parse::<i64>().unwrap()).sum()
}

async fn check_pages(connection: &mut MySqlConnection) {
    let customer = CustomerId(Uuid::from_bytes([7; 16]));
    let position = Position { partition: 1, offset: 20_000 };
    let after = OrderCursor { purchased_at: Timestamp::from_millis(500), log_id: 1, position };
    rows_read(connection).await;
    for after in [None, Some(after)] {
        let filter = OrderFilter { status: None, after, limit: LIMIT };
        let page = orders::of_customer(connection, customer, filter).await.unwrap();
        assert_eq!(page.len(), 50);
        let read = rows_read(connection).await;
        assert!(read < 150, "a history of {read}");
    }
    let page = orders::page(connection, 1, position, LIMIT).await.unwrap();
    assert_eq!(page.len(), 50);
    let read = rows_read(connection).await;
    assert!(read < 150, "a page of {read}");
    let keys = orders::keys(connection, 1, position, LIMIT).await.unwrap();
    assert_eq!(keys.len(), 50);
    let read = rows_read(connection).await;
    assert!(read < 250, "keys of {read}");
}

#[tokio::test]
async fn a_page_costs_what_it_shows() {
    let (server, name) = (Server::Mysql.address(), test_servers::unique("plans"));
    let mut root = MySqlConnection::connect(&server).await.unwrap();
    let create = AssertSqlSafe(format!("CREATE DATABASE {name}"));
    sqlx::raw_sql(create).execute(&mut root).await.unwrap();
    let options = MysqlOptions::new(format!("{server}/{name}"));
    MysqlStore::migrate(&options).await.unwrap();
    let mut connection = MySqlConnection::connect(&options.url).await.unwrap();
    sqlx::raw_sql(FILL).execute(&mut connection).await.unwrap();
    // Also if a check fails, the database goes.
    let checked = tokio::spawn(async move { check_pages(&mut connection).await }).await;
    let drop = AssertSqlSafe(format!("DROP DATABASE {name}"));
    sqlx::raw_sql(drop).execute(&mut root).await.unwrap();
    checked.unwrap();
}
