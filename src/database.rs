//! The read model by its flags: a file in the data directory, or a MySQL database.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, bail};
use read_model::{
    MysqlOptions, MysqlStore, OpenError, SqliteOptions, SqliteStore, Store, StoreError,
};

use crate::broker::in_full;
use crate::cli::DatabaseFlags;
use crate::data_dir::DataDir;
use crate::patience::{Obstacle, Patience};
use crate::secret;

/// Which read model.
pub(crate) enum Database {
    /// A file, which is made if it is not there.
    Sqlite(PathBuf),
    /// A database on a server.
    Mysql(MysqlOptions),
}

impl Database {
    /// The read model that the flags name; a file only beside a data directory.
    ///
    /// # Errors
    /// If they name none, or its address cannot be read.
    pub(crate) async fn of(
        flags: &DatabaseFlags,
        data_dir: Option<&DataDir>,
    ) -> anyhow::Result<Self> {
        match flags.database_url.0.expose().as_str() {
            "sqlite" => match data_dir {
                Some(data_dir) => Ok(Self::Sqlite(data_dir.read_model())),
                None => bail!("a file is one process's own: --database-url mysql://… is needed"),
            },
            url if url.starts_with("mysql://") => Self::mysql(url, flags).await,
            place => {
                let url = secret::text_at(place).await.context(
                    "--database-url is sqlite, mysql://…, or file:, env: or aws-sm: with that",
                )?;
                Self::mysql(&url, flags).await
            }
        }
    }

    async fn mysql(url: &str, flags: &DatabaseFlags) -> anyhow::Result<Self> {
        let url = match &flags.database_password {
            Some(source) => {
                let password = secret::text(source).await.context("the database's password")?;
                with_password(url, &password)?
            }
            None => url.to_owned(),
        };
        Ok(Self::Mysql(MysqlOptions::new(url)))
    }

    /// Opens it for reading and writing; a server is waited for.
    pub(crate) async fn open(&self, patience: &Patience) -> anyhow::Result<Arc<dyn Store>> {
        match self {
            Self::Sqlite(path) => {
                let opened = SqliteStore::open(path, SqliteOptions::default()).await;
                let store = opened.with_context(|| {
                    let path = path.display();
                    format!("open {path}, which is rebuilt from the log if it is moved away")
                })?;
                Ok(Arc::new(store))
            }
            Self::Mysql(options) => {
                let connect = async || MysqlStore::connect(options).await.map_err(obstacle);
                Ok(Arc::new(patience.wait_for(connect).await?))
            }
        }
    }

    /// Opens it for reading alone, now or not at all.
    pub(crate) async fn open_read_only(&self) -> anyhow::Result<Arc<dyn Store>> {
        match self {
            Self::Sqlite(path) => Ok(Arc::new(SqliteStore::open_read_only(path).await?)),
            Self::Mysql(options) => Ok(Arc::new(MysqlStore::open_read_only(options).await?)),
        }
    }

    /// Brings its tables up to date; a file's are whenever it is opened.
    pub(crate) async fn migrate(&self) -> anyhow::Result<()> {
        match self {
            Self::Sqlite(path) => {
                SqliteStore::open(path, SqliteOptions::default()).await?.close().await;
            }
            Self::Mysql(options) => MysqlStore::migrate(options).await?,
        }
        Ok(())
    }
}

/// Whether it is of use to wait.
fn obstacle(fault: OpenError) -> Obstacle {
    match fault {
        OpenError::Outdated { .. } | OpenError::Store(StoreError::Unavailable(_)) => {
            Obstacle::ForNow(in_full(&fault))
        }
        OpenError::Address(_)
        | OpenError::Newer { .. }
        | OpenError::Store(StoreError::Damaged(_)) => Obstacle::ForGood(fault.into()),
    }
}

/// `mysql://user@host…` with a password behind the user, whatever characters it has.
fn with_password(url: &str, password: &str) -> anyhow::Result<String> {
    let rest = url.strip_prefix("mysql://").context("an address begins with mysql://")?;
    let (user, place) = rest.split_once('@').context("an address with a password has a user")?;
    if user.contains(':') {
        bail!("there are two passwords: one in the address and one of --database-password");
    }
    let mut encoded = String::new();
    for byte in password.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                encoded.push(char::from(byte));
            }
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    Ok(format!("mysql://{user}:{encoded}@{place}"))
}

#[cfg(test)]
mod tests {
    use super::with_password;

    #[test]
    fn a_password_of_any_characters_fits_into_an_address() {
        let url = with_password("mysql://shop@db:3306/orders", "a@b:c/d?é").unwrap();
        assert_eq!(url, "mysql://shop:a%40b%3Ac%2Fd%3F%C3%A9@db:3306/orders");
    }

    #[test]
    fn one_password_is_enough() {
        for url in ["mysql://shop:word@db/orders", "mysql://db/orders", "db/orders"] {
            let refused = with_password(url, "hunter2").unwrap_err().to_string();
            assert!(!refused.contains("hunter2"), "{refused}");
        }
    }
}
