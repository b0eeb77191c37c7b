//! A shop of its own on the real broker: a prefix that nobody else has, removed at the end.

use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use event_log::kafka::topics::{self, TopicPlan};
use event_log::kafka::{Connection, KafkaUrl, Sasl};
use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions};
use rdkafka::client::DefaultClientContext;
use test_servers::{Server, unique};

/// How long anything may take before the test has failed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) const LOGS: [&str; 3] = ["commands", "decisions", "dead-letters"];

pub(crate) struct Shop {
    pub(crate) connection: Connection,
    /// The listener without passwords, which tests prepare and clean up through.
    brokers: String,
}

impl Shop {
    /// Without topics.
    pub(crate) fn new(stem: &str) -> Self {
        let brokers = Server::Kafka.address();
        let url = KafkaUrl { brokers: brokers.clone(), prefix: unique(stem), tls: false };
        let client_id = stem.to_owned();
        let connection = Connection { url, sasl: Sasl::None, ca_file: None, client_id };
        Self { connection, brokers }
    }

    /// The same shop, as it is reached through another listener.
    pub(crate) fn through(&self, server: Server, tls: bool, sasl: Sasl) -> Connection {
        let prefix = self.connection.url.prefix.clone();
        let url = KafkaUrl { brokers: server.address(), prefix, tls };
        let ca_file = tls.then(|| PathBuf::from(Server::CertificateAuthority.address()));
        let client_id = self.connection.client_id.clone();
        Connection { url, sasl, ca_file, client_id }
    }

    pub(crate) async fn with_topics(stem: &str, partitions: u16) -> Self {
        let shop = Self::new(stem);
        let plan = TopicPlan::development(partitions);
        let created = topics::create(&shop.connection, plan).await.unwrap();
        assert_eq!(created.findings, []);
        shop
    }

    pub(crate) fn topics(&self) -> [String; 3] {
        LOGS.map(|log| self.connection.topic(log))
    }

    pub(crate) fn client_config(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", &self.brokers);
        config
    }

    pub(crate) fn administrator(&self) -> AdminClient<DefaultClientContext> {
        self.client_config().create().unwrap()
    }
}

impl Drop for Shop {
    fn drop(&mut self) {
        let topics = self.topics();
        let administrator = self.administrator();
        let cleaning = thread::spawn(move || {
            let names = topics.each_ref().map(String::as_str);
            let deleted = administrator.delete_topics(&names, &AdminOptions::new());
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            // A topic that was never made cannot be deleted, and that is fine.
            drop(runtime.block_on(deleted));
        });
        cleaning.join().unwrap();
    }
}

/// Asks again until the answer is the expected one.
pub(crate) async fn eventually<T: PartialEq + std::fmt::Debug>(
    expected: T,
    mut ask: impl AsyncFnMut() -> T,
) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let answer = ask().await;
        if answer == expected {
            return;
        }
        assert!(Instant::now() < deadline, "still {answer:?} instead of {expected:?}");
        tokio::task::yield_now().await;
    }
}
