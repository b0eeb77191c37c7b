//! `timedeal partition list|resume`: speaks to the ops listener of a running service.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, bail, ensure};

use crate::cli::PartitionCommand;

const PATIENCE: Duration = Duration::from_secs(10);

pub(crate) fn run(command: &PartitionCommand) -> anyhow::Result<ExitCode> {
    let body = match command {
        PartitionCommand::List(ops) => call(&ops.ops_url, "GET", "/partitions", "")?,
        PartitionCommand::Resume { partition, accept_log_time, new_log, ops } => {
            let wish = serde_json::json!({
                "accept_log_time": accept_log_time, "new_log": new_log
            });
            let path = format!("/partitions/{partition}/resume");
            call(&ops.ops_url, "POST", &path, &wish.to_string())?
        }
    };
    writeln!(std::io::stdout().lock(), "{}", body.trim_end())?;
    Ok(ExitCode::SUCCESS)
}

/// One small call over HTTP/1.0, so that the answer ends with the connection.
pub(crate) fn call(url: &str, method: &str, path: &str, body: &str) -> anyhow::Result<String> {
    let host = url.strip_prefix("http://").with_context(|| format!("{url} is not http://…"))?;
    let host = host.trim_end_matches('/');
    let mut stream = TcpStream::connect(host).with_context(|| format!("connect to {host}"))?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let length = body.len();
    write!(
        stream,
        "{method} {path} HTTP/1.0\r\nHost: {host}\r\nContent-Type: application/json\r\n\
         Content-Length: {length}\r\n\r\n{body}"
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).with_context(|| format!("read from {host}"))?;
    let (head, body) = answer.split_once("\r\n\r\n").context("not an HTTP answer")?;
    let status = head.split(' ').nth(1).context("not an HTTP answer")?;
    ensure!(!body.trim().is_empty() || status.starts_with('2'), "answered {status}");
    if !status.starts_with('2') {
        bail!("answered {status}: {}", body.trim());
    }
    Ok(body.to_owned())
}
