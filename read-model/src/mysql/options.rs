//! Where the server is and how long it may take. The address is read here and shown nowhere: it may
//! hold a password.

use std::error::Error;
use std::num::NonZeroU32;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use sqlx::ConnectOptions as _;
use sqlx::mysql::{MySqlConnectOptions, MySqlSslMode};

use crate::store::StoreError;

/// Statements that a connection keeps prepared. There are fewer.
const STATEMENTS_KEPT: usize = 100;
/// What an address may say after `?`. The client would pass over anything else, and somebody who
/// wrote `ssl_mode` would believe that certificates are checked.
const PARAMETERS: [&str; 5] = ["ssl-mode", "ssl-ca", "ssl-cert", "ssl-key", "socket"];

/// How a server is reached.
#[derive(Clone)]
pub struct MysqlOptions {
    /// `mysql://user:password@host:port/database`, and after `?`, joined by `&`: `ssl-mode`
    /// (`VERIFY_IDENTITY` checks the server's certificate and its name, the default is to take
    /// whatever TLS there is), `ssl-ca`, `ssl-cert`, `ssl-key` (files), `socket`.
    pub url: String,
    /// Connections that commit.
    pub writers: NonZeroU32,
    /// Connections that answer questions. Audits and gateways that start have others.
    pub readers: NonZeroU32,
    /// Longest wait for a connection, and for one to be made.
    pub acquire_timeout: Duration,
    /// Longest time of one question. The server gives up after it, and half a second later so does
    /// the client, should the server be mute.
    pub read_timeout: Duration,
    /// Longest time of one attempt to commit.
    pub write_timeout: Duration,
    /// Longest wait for a row that somebody else has locked, in whole seconds, before the commit
    /// is tried again.
    pub lock_timeout: Duration,
    /// Where `url` is as of now, if it may change while the store is open. It is asked when a
    /// connection cannot be had, at most once a second.
    pub renewed: Option<AddressSource>,
}

type Answer = Pin<Box<dyn Future<Output = Result<String, Box<dyn Error + Send + Sync>>> + Send>>;

/// Whoever knows what an address is now. What it answers, faults too, must show no password.
#[derive(Clone)]
pub struct AddressSource(Arc<dyn Fn() -> Answer + Send + Sync>);

impl AddressSource {
    /// One that is asked by `ask`, again and again.
    pub fn new<F>(ask: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<String, Box<dyn Error + Send + Sync>>> + Send + 'static,
    {
        Self(Arc::new(move || Box::pin(ask())))
    }

    /// The address as of now, in the form of [`MysqlOptions::url`].
    ///
    /// # Errors
    /// If it cannot be had.
    pub async fn ask(&self) -> Result<String, Box<dyn Error + Send + Sync>> {
        (self.0)().await
    }
}

impl MysqlOptions {
    /// 4 writers, 8 readers; 2 seconds for a connection and a question, 30 for a commit, 5 for a
    /// lock.
    #[must_use]
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            writers: NonZeroU32::new(4).expect("4 is not 0"),
            readers: NonZeroU32::new(8).expect("8 is not 0"),
            acquire_timeout: Duration::from_secs(2),
            read_timeout: Duration::from_secs(2),
            write_timeout: Duration::from_secs(30),
            lock_timeout: Duration::from_secs(5),
            renewed: None,
        }
    }

    /// What the address says.
    pub(super) fn connect_options(&self) -> Result<MySqlConnectOptions, OpenError> {
        parse(&self.url)
    }
}

/// What an address says.
pub(super) fn parse(url: &str) -> Result<MySqlConnectOptions, OpenError> {
    let refuse = |why: &str| Err(OpenError::Address(why.into()));
    if !url.starts_with("mysql://") {
        return refuse("it does not begin with mysql://");
    }
    let query = url.split_once('?').map_or("", |(_, query)| query);
    let names = || {
        let parameters = query.split('&').filter(|it| !it.is_empty());
        parameters.map(|it| it.split_once('=').map_or(it, |(name, _)| name))
    };
    if names().any(|name| !PARAMETERS.contains(&name)) {
        return refuse("after ? only ssl-mode, ssl-ca, ssl-cert, ssl-key and socket may stand");
    }
    let parsed = url.parse::<MySqlConnectOptions>();
    let options = parsed.map_err(|fault| OpenError::Address(fault.to_string().into()))?;
    if options.get_database().is_none() {
        return refuse("it names no database");
    }
    let mode = options.get_ssl_mode();
    let verifies = matches!(mode, MySqlSslMode::VerifyCa | MySqlSslMode::VerifyIdentity);
    if names().any(|name| name == "ssl-ca") && !verifies {
        return refuse("ssl-ca is of use only with ssl-mode VERIFY_IDENTITY or VERIFY_CA");
    }
    Ok(options.statement_cache_capacity(STATEMENTS_KEPT).disable_statement_logging())
}

impl std::fmt::Debug for MysqlOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { writers, readers, acquire_timeout, read_timeout, .. } = self;
        f.debug_struct("MysqlOptions")
            .field("writers", writers)
            .field("readers", readers)
            .field("acquire_timeout", acquire_timeout)
            .field("read_timeout", read_timeout)
            .finish_non_exhaustive()
    }
}

/// Why a read model on a server was not opened or migrated.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The address cannot be used, whatever the server says.
    #[error("the address of the read model cannot be used: {0}")]
    Address(Box<str>),
    /// The tables are missing or older than this program, or a migration was cut off.
    #[error(
        "the read model's tables are of version {found}, not {expected}: run `timedeal migrate`"
    )]
    Outdated {
        /// The newest migration that was done; 0: none.
        found: i64,
        /// The newest one of this program.
        expected: i64,
    },
    /// The tables are of a newer program, and of a series that this one cannot live with.
    #[error(
        "the read model's tables are of version {found}, this program knows {expected} and all \
         later ones of its thousand"
    )]
    Newer {
        /// The newest migration that was done.
        found: i64,
        /// The newest one of this program.
        expected: i64,
    },
    /// The server does not answer, or holds something else.
    #[error(transparent)]
    Store(#[from] StoreError),
}

#[cfg(test)]
mod tests {
    use super::{MysqlOptions, OpenError};

    #[track_caller]
    fn check(url: &str, refused: Option<&str>) {
        let options = MysqlOptions::new(url);
        assert!(!format!("{options:?}").contains("s3cret"));
        let outcome = options.connect_options();
        let text = outcome.err().map(|fault| format!("{fault} {fault:?}"));
        assert!(text.as_ref().is_none_or(|text| !text.contains("s3cret")), "{text:?}");
        match (text, refused) {
            (None, None) => {}
            (Some(text), Some(part)) => assert!(text.contains(part), "{text}"),
            (text, _) => panic!("{url}: {text:?}"),
        }
    }

    #[test]
    fn addresses_are_judged_without_being_shown() {
        check("mysql://u:s3cret@h/db", None);
        check("mysql://u:s3cret@h:1/db?ssl-mode=VERIFY_IDENTITY&ssl-ca=/a.pem", None);
        check("mysql://u:s3cret@h/db?ssl-mode=required&ssl-cert=/a.pem&ssl-key=/b.pem", None);
        check("postgres://u:s3cret@h/db", Some("mysql://"));
        check("mysql://u:s3cret@h", Some("no database"));
        check("mysql://u:s3cret@h/", Some("no database"));
        check("mysql://u:s3cret@h:port/db", Some("cannot be used"));
        check("mysql://u:s3cret@h/db?ssl_mode=VERIFY_IDENTITY", Some("may stand"));
        check("mysql://u:pa?s3cret=1@h/db", Some("may stand"));
        check("mysql://u:s3cret@h/db?ssl-mode=whatever", Some("ssl_mode"));
        check("mysql://u:s3cret@h/db?ssl-ca=/a.pem", Some("only with"));
    }

    #[test]
    fn what_to_do_about_old_tables_is_said() {
        let fault = OpenError::Outdated { found: 0, expected: 7 };
        assert!(fault.to_string().ends_with("run `timedeal migrate`"));
    }
}
