//! The address that connections are made by, and how it is exchanged while the store serves: a
//! password may be replaced at any time, and then the server refuses the old one. It is asked for
//! only when a connection cannot be had, for those that there are go on. Must not know where it
//! comes from, and shows it nowhere.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex as PlainMutex, PoisonError};
use std::time::Duration;

use sqlx::MySqlPool;
use sqlx::mysql::MySqlConnectOptions;
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::fault::is_refused_login;
use super::options::{AddressSource, MysqlOptions, OpenError, parse};

/// After a refused login it is asked for at most so often.
const PAUSE_REFUSED: Duration = Duration::from_secs(1);
/// After any other fault: the server may have moved, but most often it is only away.
const PAUSE_AWAY: Duration = Duration::from_secs(30);
/// Longest wait for whoever has the address.
const ASK_TIMEOUT: Duration = Duration::from_secs(5);

/// The address of all pools of a store.
pub(super) struct Address {
    source: Option<AddressSource>,
    first: MySqlConnectOptions,
    /// Whose connections are made by it.
    pools: PlainMutex<Vec<MySqlPool>>,
    /// Grows by one with each other address.
    edition: AtomicU64,
    /// Held by the one that asks.
    known: Mutex<Known>,
}

struct Known {
    url: String,
    asked: Option<Instant>,
}

impl Address {
    pub(super) fn of(options: &MysqlOptions) -> Result<Arc<Self>, OpenError> {
        Ok(Arc::new(Self {
            source: options.renewed.clone(),
            first: options.connect_options()?,
            pools: PlainMutex::default(),
            edition: AtomicU64::new(0),
            known: Mutex::new(Known { url: options.url.clone(), asked: None }),
        }))
    }

    /// What a pool begins with.
    pub(super) fn first(&self) -> MySqlConnectOptions {
        self.first.clone()
    }

    /// Later addresses are for this pool too.
    pub(super) fn serve(&self, pool: MySqlPool) {
        self.pools.lock().unwrap_or_else(PoisonError::into_inner).push(pool);
    }

    /// To be taken before a connection is asked for, and handed to [`Address::renew`].
    pub(super) fn edition(&self) -> u64 {
        self.edition.load(Ordering::Acquire)
    }

    /// After a connection could not be had by the address of `edition`: whether there is another,
    /// so that it is of use to try again.
    pub(super) async fn renew(&self, edition: u64, refused: &sqlx::Error) -> bool {
        let Some(source) = &self.source else { return false };
        let pause = if is_refused_login(refused) { PAUSE_REFUSED } else { PAUSE_AWAY };
        let mut known = self.known.lock().await;
        if self.edition() != edition {
            return true;
        }
        if known.asked.is_some_and(|asked| asked.elapsed() < pause) {
            return false;
        }
        known.asked = Some(Instant::now());
        match tokio::time::timeout(ASK_TIMEOUT, source.ask()).await {
            Ok(Ok(url)) if url == known.url => false,
            Ok(Ok(url)) => self.exchange(&mut known, url),
            Ok(Err(fault)) => {
                tracing::warn!(fault, "the database's address cannot be read again");
                false
            }
            Err(_) => {
                tracing::warn!("the database's address cannot be read again in time");
                false
            }
        }
    }

    fn exchange(&self, known: &mut Known, url: String) -> bool {
        let options = match parse(&url) {
            Ok(options) => options,
            Err(fault) => {
                tracing::warn!(%fault, "the database's new address is not taken");
                return false;
            }
        };
        known.url = url;
        for pool in &*self.pools.lock().unwrap_or_else(PoisonError::into_inner) {
            pool.set_connect_options(options.clone());
        }
        self.edition.fetch_add(1, Ordering::Release);
        tracing::info!("the database's address or password is another one from now on");
        true
    }
}

impl std::fmt::Debug for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Address").field("edition", &self.edition()).finish_non_exhaustive()
    }
}
