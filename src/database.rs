//! The read model by its flags: a file in the data directory, or a MySQL database.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, bail};
use platform::secrets::Secret;
use read_model::{
    AddressSource, MysqlOptions, MysqlStore, OpenError, SqliteOptions, SqliteStore, Store,
    StoreError,
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
            _ => {
                let mut options = MysqlOptions::new(address(flags).await?);
                if may_change(flags) {
                    options.renewed = Some(source(flags.clone()));
                }
                Ok(Self::Mysql(options))
            }
        }
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

/// The address of a server as the flags say it now, password and all.
async fn address(flags: &DatabaseFlags) -> anyhow::Result<String> {
    let url = match flags.database_url.0.expose().as_str() {
        url if url.starts_with("mysql://") => Secret::new(url.to_owned()),
        place => secret::text_at(place)
            .await
            .context("--database-url is sqlite, mysql://…, or file:, env: or aws-sm: with that")?,
    };
    match &flags.database_password {
        Some(source) => {
            let password = secret::text(source).await.context("the database's password")?;
            with_password(url.expose(), password.expose())
        }
        None => Ok(url.expose().clone()),
    }
}

/// Whoever reads that address again.
fn source(flags: DatabaseFlags) -> AddressSource {
    AddressSource::new(move || {
        let flags = flags.clone();
        async move { address(&flags).await.map_err(|fault| in_full(&*fault).into()) }
    })
}

/// Whether a part of it stands anywhere but on the command line.
fn may_change(flags: &DatabaseFlags) -> bool {
    flags.database_password.is_some() || !flags.database_url.0.expose().starts_with("mysql://")
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
    use clap::Parser;

    use super::{Database, with_password};
    use crate::cli::DatabaseFlags;

    #[derive(Parser)]
    struct Flags {
        #[command(flatten)]
        database: DatabaseFlags,
    }

    async fn options(flags: &[String]) -> read_model::MysqlOptions {
        let words = std::iter::once("database").chain(flags.iter().map(String::as_str));
        let flags = Flags::try_parse_from(words).unwrap();
        match Database::of(&flags.database, None).await.unwrap() {
            Database::Mysql(options) => options,
            Database::Sqlite(path) => panic!("{}", path.display()),
        }
    }

    #[tokio::test]
    async fn a_password_in_a_file_is_read_as_often_as_somebody_asks() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("password");
        std::fs::write(&path, "hunter2\n").unwrap();
        let flags = [
            "--database-url=mysql://shop@db/orders".to_owned(),
            format!("--database-password=file:{}", path.display()),
        ];
        let options = options(&flags).await;
        assert_eq!(options.url, "mysql://shop:hunter2@db/orders");
        let source = options.renewed.unwrap();
        std::fs::write(&path, "hunter3").unwrap();
        assert_eq!(source.ask().await.unwrap(), "mysql://shop:hunter3@db/orders");
        std::fs::remove_file(&path).unwrap();
        let gone = source.ask().await.unwrap_err().to_string();
        assert!(gone.contains("the database's password: there is no secret at"), "{gone}");
        assert!(!gone.contains("hunter"), "{gone}");
    }

    #[tokio::test]
    async fn an_address_in_a_file_is_read_again_and_one_in_full_is_not() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("address");
        std::fs::write(&path, "mysql://shop:hunter2@db/orders").unwrap();
        let in_file = options(&[format!("--database-url=file:{}", path.display())]).await;
        assert_eq!(in_file.url, "mysql://shop:hunter2@db/orders");
        std::fs::write(&path, "mysql://shop:hunter3@other/orders").unwrap();
        let asked = in_file.renewed.unwrap().ask().await.unwrap();
        assert_eq!(asked, "mysql://shop:hunter3@other/orders");
        let in_full = options(&["--database-url=mysql://shop:word@db/orders".to_owned()]).await;
        assert!(in_full.renewed.is_none());
    }

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
