//! Where tests find real servers: a variable, or the file of addresses that `cargo xtask servers
//! start` leaves in the target directory. A test that needs a server and finds none fails with the
//! command to run; it is never skipped. Also a small disk for tests that fill one.
//!
//! This crate must not know how a server is started or what is kept in it.

mod small_disk;

use std::path::PathBuf;
use std::process;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

pub use small_disk::SmallDisk;

/// The file of addresses below the target directory: lines of `NAME=value`.
const ADDRESSES: &str = "test-servers/addresses";

/// What can be asked for. The value is the variable's, or else the line's in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Server {
    /// `host:port` of a broker, without TLS or passwords.
    Kafka,
    /// `host:port` of the same broker's listener with TLS.
    KafkaTls,
    /// `host:port` of the same broker's listener with TLS and SCRAM-SHA-512.
    KafkaScram,
    /// `host:port` of the same broker's listener for OAUTHBEARER, without TLS; takes any unsecured
    /// token.
    KafkaOauth,
    /// `user:password` for [`Server::KafkaScram`].
    KafkaScramUser,
    /// File of the test authority that signed the certificates of broker and database (PEM).
    CertificateAuthority,
    /// `mysql://user:password@host:port`, a user that may create databases.
    Mysql,
    /// `http://host:port` of something that answers as S3 and Secrets Manager do.
    Aws,
}

impl Server {
    /// The variable, and the name in the file.
    #[must_use]
    pub fn variable(self) -> &'static str {
        match self {
            Self::Kafka => "TIMEDEAL_TEST_KAFKA",
            Self::KafkaTls => "TIMEDEAL_TEST_KAFKA_TLS",
            Self::KafkaScram => "TIMEDEAL_TEST_KAFKA_SCRAM",
            Self::KafkaOauth => "TIMEDEAL_TEST_KAFKA_OAUTH",
            Self::KafkaScramUser => "TIMEDEAL_TEST_KAFKA_SCRAM_USER",
            Self::CertificateAuthority => "TIMEDEAL_TEST_CA",
            Self::Mysql => "TIMEDEAL_TEST_MYSQL",
            Self::Aws => "TIMEDEAL_TEST_AWS",
        }
    }

    /// The address.
    ///
    /// # Panics
    /// If there is none, with the commands to run.
    #[must_use]
    #[track_caller]
    pub fn address(self) -> String {
        let variable = self.variable();
        let set = std::env::var(variable).ok().filter(|value| !value.is_empty());
        set.or_else(|| self.listed()).unwrap_or_else(|| {
            panic!(
                "this test needs a real server: run `cargo xtask servers start`, or set {variable}"
            )
        })
    }

    fn listed(self) -> Option<String> {
        let file = std::fs::read_to_string(target_directory().join(ADDRESSES)).ok()?;
        let line = file.lines().find_map(|line| line.strip_prefix(self.variable()));
        line?.strip_prefix('=').map(str::to_owned)
    }
}

/// A name that no other test has, of letters, digits and `_`: for topics and databases.
#[must_use]
pub fn unique(stem: &str) -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    format!("{stem}_{}_{}_{number}", since.as_millis(), process::id())
}

/// Where cargo builds, as `cargo xtask servers` sees it too.
fn target_directory() -> PathBuf {
    let set = std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..");
    match set {
        Some(path) if path.is_absolute() => path,
        Some(path) => root.join(path),
        None => root.join("target"),
    }
}

#[cfg(test)]
mod tests {
    use super::unique;

    #[test]
    fn names_differ() {
        assert_ne!(unique("a"), unique("a"));
    }
}
