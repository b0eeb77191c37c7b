//! The sale in Redis: a script that checks and takes in one step, called by its hash over one
//! connection that all requests share, which is how its users are told to do it.

use anyhow::{Context, Result, ensure};
use redis::aio::MultiplexedConnection;
use redis::{Client, cmd};

use super::Sale;

/// 1: sold; 0: sold out; 2: this customer has bought before.
pub(crate) const SCRIPT: &str = "\
local left = tonumber(redis.call('GET', KEYS[1]))
if left <= 0 then return 0 end
if redis.call('SADD', KEYS[2], ARGV[1]) == 0 then return 2 end
redis.call('DECR', KEYS[1])
return 1";
/// Units left.
pub(crate) const STOCK: &str = "stock";
/// Who has bought.
pub(crate) const BUYERS: &str = "buyers";

/// A connection that pipelines by itself what comes at once.
#[derive(Clone)]
pub(super) struct Till {
    connection: MultiplexedConnection,
    script: String,
}

impl Till {
    pub(super) async fn open(address: &str) -> Result<Self> {
        let mut connection = connect(address).await?;
        let script = load(&mut connection).await?;
        Ok(Self { connection, script })
    }

    pub(super) async fn sell(&self, customer: &str) -> Result<Sale> {
        let mut call = cmd("EVALSHA");
        call.arg(&self.script).arg(2).arg(STOCK).arg(BUYERS).arg(customer);
        match call.query_async::<i64>(&mut self.connection.clone()).await? {
            1 => Ok(Sale::Sold),
            0 => Ok(Sale::SoldOut),
            _ => Ok(Sale::Repeated),
        }
    }
}

/// An empty Redis with this stock; writes every step to the disk before it answers, or none. The
/// hash of the script.
pub(crate) async fn prepare(address: &str, stock: u64, is_durable: bool) -> Result<String> {
    let mut connection = connect(address).await?;
    let mut tell = async |words: &[&str]| -> Result<()> {
        let mut command = cmd(words[0]);
        command.arg(&words[1..]);
        command.query_async::<()>(&mut connection).await.with_context(|| words.join(" "))
    };
    tell(&["FLUSHALL"]).await?;
    tell(&["CONFIG", "SET", "appendfsync", if is_durable { "always" } else { "everysec" }]).await?;
    tell(&["CONFIG", "SET", "appendonly", if is_durable { "yes" } else { "no" }]).await?;
    tell(&["SET", STOCK, &stock.to_string()]).await?;
    let script = load(&mut connection).await?;
    while is_durable && is_rewriting(&mut connection).await? {
        tokio::time::sleep(crate::process::ASK_EVERY).await;
    }
    Ok(script)
}

/// How many units were sold, and to how many customers; these have to be as many.
pub(crate) async fn sold(address: &str, stock: u64) -> Result<u64> {
    let mut connection = connect(address).await?;
    let left: u64 = cmd("GET").arg(STOCK).query_async(&mut connection).await?;
    let buyers: u64 = cmd("SCARD").arg(BUYERS).query_async(&mut connection).await?;
    ensure!(left + buyers == stock, "{stock} units, {left} left, {buyers} buyers");
    Ok(buyers)
}

/// Its version.
pub(crate) async fn version(address: &str) -> Result<String> {
    let said = information(&mut connect(address).await?, "server").await?;
    Ok(field(&said, "redis_version").context("no redis_version")?.to_owned())
}

async fn connect(address: &str) -> Result<MultiplexedConnection> {
    let client = Client::open(format!("redis://{address}/"))?;
    client.get_multiplexed_async_connection().await.with_context(|| format!("Redis at {address}"))
}

async fn load(connection: &mut MultiplexedConnection) -> Result<String> {
    Ok(cmd("SCRIPT").arg("LOAD").arg(SCRIPT).query_async(connection).await?)
}

/// Turning the file on begins with a copy of what there is.
async fn is_rewriting(connection: &mut MultiplexedConnection) -> Result<bool> {
    let said = information(connection, "persistence").await?;
    Ok(["aof_rewrite_in_progress", "aof_rewrite_scheduled"]
        .into_iter()
        .any(|name| field(&said, name) != Some("0")))
}

async fn information(connection: &mut MultiplexedConnection, part: &str) -> Result<String> {
    Ok(cmd("INFO").arg(part).query_async(connection).await?)
}

fn field<'a>(said: &'a str, name: &str) -> Option<&'a str> {
    said.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::field;

    #[test]
    fn a_field_is_found_by_its_whole_name() {
        let said = "# Server\r\nredis_version_x:1\r\nredis_version:8.0.2\r\n";
        assert_eq!(field(said, "redis_version"), Some("8.0.2"));
        assert_eq!(field(said, "redis"), None);
    }
}
