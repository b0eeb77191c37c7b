//! `timedeal topics create|check`: the topics of a broker, and the beginning of a log.

use std::io::Write;
use std::process::ExitCode;

use event_log::kafka::KafkaOptions;
use event_log::kafka::topics::{self, Finding, Severity, TopicPlan};
use platform::shutdown::ShutdownToken;

use crate::broker::Broker;
use crate::cli::{DatabaseFlags, TopicsCommand, TopicsFlags};
use crate::database::Database;
use crate::genesis;
use crate::logs::Logs;
use crate::patience::Patience;

/// Name of this client in the broker's logs.
const CLIENT: &str = "timedeal-topics";

pub(crate) fn run(command: &TopicsCommand) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let (created, findings) = runtime.block_on(async {
        match command {
            TopicsCommand::Create(flags) => create(flags).await,
            TopicsCommand::Check(flags) => Ok((Vec::new(), check(flags).await?)),
        }
    })?;
    let mut out = std::io::stdout().lock();
    for topic in &created {
        writeln!(out, "created: {topic}")?;
    }
    for finding in &findings {
        writeln!(out, "{finding}")?;
    }
    if findings.is_empty() {
        writeln!(out, "the topics are as they should be")?;
    }
    Ok(if findings.iter().any(is_fault) { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

async fn check(flags: &TopicsFlags) -> anyhow::Result<Vec<Finding>> {
    let broker = Broker::of(&flags.log, CLIENT).await?;
    Ok(topics::check(&broker.connection, plan(flags)).await?)
}

fn is_fault(finding: &Finding) -> bool {
    finding.severity == Severity::Fault
}

/// Makes the topics, says which it has made, then writes the first record of every partition; not
/// into topics that were there and are no good.
async fn create(flags: &TopicsFlags) -> anyhow::Result<(Vec<String>, Vec<Finding>)> {
    let broker = Broker::of(&flags.log, CLIENT).await?;
    let created = topics::create(&broker.connection, plan(flags)).await?;
    if created.findings.iter().any(is_fault) {
        return Ok((created.topics, created.findings));
    }
    let taken = known_logs(&flags.database).await?;
    let patience = Patience::new(ShutdownToken::new());
    let kafka = broker.logs(KafkaOptions::default(), &patience).await?;
    let begun = genesis::begin(&Logs::kafka(&kafka), &taken).await;
    tokio::task::spawn_blocking(move || kafka.close()).await?;
    begun?;
    Ok((created.topics, created.findings))
}

/// Ids of logs that a read model has rows of; a new log takes another. Without a read model, none.
async fn known_logs(flags: &DatabaseFlags) -> anyhow::Result<Vec<u8>> {
    if flags.database_url.is_sqlite() {
        return Ok(Vec::new());
    }
    let store = Database::of(flags, None).await?.open_read_only().await?;
    let known = store.log_ids().await;
    store.close().await;
    Ok(known?)
}

fn plan(flags: &TopicsFlags) -> TopicPlan {
    if flags.dev {
        return TopicPlan::development(flags.topic_partitions);
    }
    TopicPlan {
        partitions: flags.topic_partitions,
        replication_factor: flags.replication_factor,
        min_insync_replicas: flags.min_insync_replicas,
    }
}
