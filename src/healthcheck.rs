//! `timedeal healthcheck`: whether a process may be sent work, for images that have no shell to ask
//! with. Must not know what a process waits for.

use std::io::Write;
use std::process::ExitCode;

use crate::cli::OpsFlags;
use crate::partition::call;

/// Says what the process says of itself.
///
/// # Errors
/// If it is not ready, with its reason, or does not answer.
pub(crate) fn run(flags: &OpsFlags) -> anyhow::Result<ExitCode> {
    let answer = call(&flags.ops_url, "GET", "/readyz", "")?;
    writeln!(std::io::stdout().lock(), "{}", answer.trim_end())?;
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use async_trait::async_trait;
    use gateway::{
        Operations, PartitionControl, PartitionRow, Ready, ResumeOptions, ResumeRefusal,
    };
    use platform::shutdown::ShutdownToken;
    use tokio::net::TcpListener;

    use super::*;

    /// A process without partitions.
    struct NoPartitions;

    #[async_trait]
    impl PartitionControl for NoPartitions {
        async fn list(&self) -> Vec<PartitionRow> {
            Vec::new()
        }

        async fn resume(&self, _: u16, _: ResumeOptions) -> Result<(), ResumeRefusal> {
            Err(ResumeRefusal::Unknown)
        }
    }

    /// Asks a process that says `ready` of itself.
    async fn ask(ready: Ready) -> Result<ExitCode, String> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let ops_url = format!("http://{}", listener.local_addr().unwrap());
        let shown = Operations {
            readiness: Arc::new(move || ready.clone()),
            metrics_text: Arc::new(String::new),
            partitions: Arc::new(NoPartitions),
        };
        let stop = ShutdownToken::new();
        let server = tokio::spawn(gateway::serve_operations(listener, shown, stop.clone()));
        let flags = OpsFlags { ops_url };
        let answer = tokio::task::spawn_blocking(move || run(&flags)).await.unwrap();
        stop.trigger();
        server.await.unwrap().unwrap();
        answer.map_err(|fault| format!("{fault:#}"))
    }

    #[tokio::test]
    async fn a_process_that_is_ready_is_healthy() {
        assert_eq!(ask(Ready::Yes).await, Ok(ExitCode::SUCCESS));
    }

    #[tokio::test]
    async fn a_process_that_waits_is_not_and_says_for_what() {
        let refused = ask(Ready::No("waiting for the read model".into())).await.unwrap_err();
        assert_eq!(refused, "answered 503: waiting for the read model");
    }

    #[tokio::test]
    async fn a_process_that_is_not_there_is_not_healthy() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let ops_url = format!("http://{}", listener.local_addr().unwrap());
        drop(listener);
        assert!(run(&OpsFlags { ops_url }).unwrap_err().to_string().contains("connect to"));
    }
}
