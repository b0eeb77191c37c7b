//! Pools of connections, what each connection is told when it is made, and when one is given up.
//! Nothing here waits for ever: a server may be mute without having closed anything, and then a
//! connection is only as good as the timer that watches it.

use std::num::NonZeroU32;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::time::Duration;

use sqlx::mysql::MySqlPoolOptions;
use sqlx::pool::PoolConnection;
use sqlx::{AssertSqlSafe, Connection as _, MySql, MySqlConnection, MySqlPool, Row as _};

use super::address::Address;
use super::fault::fault;
use super::options::MysqlOptions;
use crate::store::StoreError;

/// How much longer than the server the client waits, so that a server that is well answers first
/// and the connection stays.
const GRACE: Duration = Duration::from_millis(500);
/// Longest wait for the answer to "are you there".
const PING_TIMEOUT: Duration = Duration::from_millis(500);
/// The server ends a writer that says nothing for so long, in seconds, and with it the transaction
/// and its locks: a projector whose machine has died would otherwise keep the next one out.
const SILENCE: u32 = 30;
/// Connections are given up before the server ends them.
const IDLE_TIMEOUT: Duration = Duration::from_secs(20);
const _: () = assert!(IDLE_TIMEOUT.as_secs() < SILENCE as u64);

/// What connections of a pool are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Repeatable, and refused if it writes.
    Reading,
    /// Each statement sees what is committed, and locks no gaps between rows.
    Writing,
}

/// Connections for one purpose.
#[derive(Clone, Debug)]
pub(super) struct Connections {
    pool: MySqlPool,
    address: Arc<Address>,
    limit: Duration,
}

impl Connections {
    /// Up to `most` connections whose statements take `limit` at the longest. Makes none yet.
    pub(super) fn new(
        address: &Arc<Address>,
        options: &MysqlOptions,
        purpose: Purpose,
        (most, limit): (NonZeroU32, Duration),
    ) -> Self {
        let lock_seconds = options.lock_timeout.as_secs().max(1);
        let told = Told { purpose, limit, lock_seconds };
        let pool = MySqlPoolOptions::new()
            .max_connections(most.get())
            .acquire_timeout(options.acquire_timeout)
            .idle_timeout(IDLE_TIMEOUT)
            // The pool's own test has no timer.
            .test_before_acquire(false)
            .before_acquire(|connection, _| Box::pin(ping(connection)))
            .after_release(|connection, _| Box::pin(ping(connection)))
            .after_connect(move |connection, _| Box::pin(told.tell(connection)))
            .connect_lazy_with(address.first());
        address.serve(pool.clone());
        Self { pool, address: Arc::clone(address), limit }
    }

    /// A connection that is alive, within the time that the pool was given for it; once more if
    /// the address has become another meanwhile.
    pub(super) async fn lease(&self) -> Result<Lease, StoreError> {
        let edition = self.address.edition();
        let mut leased = self.pool.acquire().await;
        if let Err(refused) = &leased
            && self.address.renew(edition, refused).await
        {
            leased = self.pool.acquire().await;
        }
        Ok(Lease(Some(leased.map_err(fault)?)))
    }

    /// Waits for work on a connection. Whoever is told that it took too long must let go of that
    /// connection: nobody knows what it is in the middle of.
    pub(super) async fn within<T, E: From<StoreError>>(
        &self,
        work: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        let limit = self.limit + GRACE;
        let late = |_| StoreError::Unavailable(format!("no answer within {limit:?}").into());
        tokio::time::timeout(limit, work).await.map_err(late)?
    }

    pub(super) async fn close(&self) {
        self.pool.close().await;
    }
}

async fn ping(connection: &mut MySqlConnection) -> Result<bool, sqlx::Error> {
    let late = |_| sqlx::Error::Io(std::io::ErrorKind::TimedOut.into());
    tokio::time::timeout(PING_TIMEOUT, connection.ping()).await.map_err(late)?.map(|()| true)
}

/// A connection that goes back to its pool only if [`Lease::settle`] says so. Dropped in the middle
/// of anything (an error, a timer, a caller that went away) it is closed at once: an answer that
/// was read in half would be taken for the next question's.
pub(super) struct Lease(Option<PoolConnection<MySql>>);

impl Lease {
    /// Gives the connection back if it answered what it was asked, and passes the answer on. A
    /// refusal that says nothing against the connection is an answer too: it stands in the `Ok`.
    pub(super) fn settle<T, E>(mut self, answer: Result<T, E>) -> Result<T, E> {
        if answer.is_ok() {
            drop(self.0.take());
        }
        answer
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(connection) = self.0.take() {
            drop(connection.detach());
        }
    }
}

impl Deref for Lease {
    type Target = MySqlConnection;

    fn deref(&self) -> &MySqlConnection {
        self.0.as_ref().expect("taken only at the end")
    }
}

impl DerefMut for Lease {
    fn deref_mut(&mut self) -> &mut MySqlConnection {
        self.0.as_mut().expect("taken only at the end")
    }
}

/// What a new connection is told.
#[derive(Clone, Copy)]
struct Told {
    purpose: Purpose,
    limit: Duration,
    lock_seconds: u64,
}

impl Told {
    async fn tell(self, connection: &mut MySqlConnection) -> Result<(), sqlx::Error> {
        let version = sqlx::raw_sql("SELECT VERSION()").fetch_one(&mut *connection).await?;
        let mariadb = version.try_get::<String, _>(0)?.contains("MariaDB");
        let sql = AssertSqlSafe(self.settings(mariadb));
        sqlx::raw_sql(sql).execute(connection).await.map(drop)
    }

    fn settings(self, mariadb: bool) -> String {
        let Self { purpose, limit, lock_seconds } = self;
        // The first is for locks of tables, which wait a day or a year by default.
        let all = format!(
            "SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION', \
             SESSION lock_wait_timeout = {lock_seconds}, \
             SESSION innodb_lock_wait_timeout = {lock_seconds}"
        );
        match purpose {
            Purpose::Reading => {
                let limit = if mariadb {
                    format!("SESSION max_statement_time = {:.3}", limit.as_secs_f64())
                } else {
                    format!("SESSION max_execution_time = {}", limit.as_millis().max(1))
                };
                format!(
                    "{all}, {limit}; \
                     SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"
                )
            }
            Purpose::Writing => format!(
                "{all}, SESSION wait_timeout = {SILENCE}; \
                 SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED, READ WRITE"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;
    use std::time::Duration;

    use sqlx::AssertSqlSafe;
    use test_servers::Server;

    use super::{Connections, Purpose, Told};
    use crate::mysql::MysqlOptions;
    use crate::mysql::address::Address;

    /// What a connection for this purpose finds a variable to be.
    async fn check(purpose: Purpose, variables: &[(&str, &str)]) {
        let mut options = MysqlOptions::new(format!("{}/mysql", Server::Mysql.address()));
        options.lock_timeout = Duration::from_secs(7);
        let limits = (NonZeroU32::MIN, Duration::from_millis(2_500));
        let address = Address::of(&options).unwrap();
        let connections = Connections::new(&address, &options, purpose, limits);
        let mut lease = connections.lease().await.unwrap();
        for (names, expected) in variables {
            let query = format!("SHOW SESSION VARIABLES WHERE variable_name IN ({names})");
            let query = sqlx::query_as(AssertSqlSafe(query));
            let (_, value): (String, String) = query.fetch_one(&mut *lease).await.unwrap();
            assert!(expected.split('|').any(|it| it == value), "{names}: {value}");
        }
        drop(lease);
        connections.close().await;
    }

    #[tokio::test]
    async fn readers_are_stopped_by_the_server_and_repeat_their_reads() {
        let isolation = ("'tx_isolation', 'transaction_isolation'", "REPEATABLE-READ");
        let limit = ("'max_statement_time', 'max_execution_time'", "2.500000|2500");
        let writes = ("'tx_read_only', 'transaction_read_only'", "ON");
        check(Purpose::Reading, &[isolation, limit, writes, ("'lock_wait_timeout'", "7")]).await;
    }

    #[tokio::test]
    async fn writers_wait_briefly_and_are_ended_when_they_say_nothing() {
        let isolation = ("'tx_isolation', 'transaction_isolation'", "READ-COMMITTED");
        let waits = ("'innodb_lock_wait_timeout'", "7");
        check(Purpose::Writing, &[isolation, waits, ("'wait_timeout'", "30")]).await;
    }

    #[test]
    fn mysql_and_mariadb_have_their_own_names_for_a_limit() {
        let limit = Duration::from_millis(1_500);
        let told = Told { purpose: Purpose::Reading, limit, lock_seconds: 5 };
        assert!(told.settings(false).contains("SESSION max_execution_time = 1500;"));
        assert!(told.settings(true).contains("SESSION max_statement_time = 1.500;"));
    }
}
