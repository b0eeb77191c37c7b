//! The settings of the broker as a text.
//!
//! A function of ports and paths; must not know how they were found.

use std::path::Path;

/// One port for each listener.
#[derive(Debug)]
pub(super) struct Ports {
    pub(super) controller: u16,
    pub(super) plain: u16,
    pub(super) tls: u16,
    pub(super) scram: u16,
    pub(super) oauth: u16,
}

/// What stays the same on every machine.
const FIXED: &str = "\
process.roles=broker,controller
node.id=1
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAIN
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAIN:PLAINTEXT,TLS:SSL,SCRAM:SASL_SSL,\
OAUTH:SASL_PLAINTEXT
listener.name.scram.sasl.enabled.mechanisms=SCRAM-SHA-512
listener.name.scram.scram-sha-512.sasl.jaas.config=\
org.apache.kafka.common.security.scram.ScramLoginModule required;
# Takes every token that is not signed and has not expired.
listener.name.oauth.sasl.enabled.mechanisms=OAUTHBEARER
listener.name.oauth.oauthbearer.sasl.jaas.config=\
org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required \
unsecuredLoginStringClaim_sub=\"broker\";
listener.name.oauth.oauthbearer.sasl.server.callback.handler.class=\
org.apache.kafka.common.security.oauthbearer.internals.unsecured\
.OAuthBearerUnsecuredValidatorCallbackHandler
ssl.keystore.type=PEM
offsets.topic.replication.factor=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
# Fifty partitions of each would be created by the first test that needs one.
offsets.topic.num.partitions=4
transaction.state.log.num.partitions=4
group.initial.rebalance.delay.ms=0
auto.create.topics.enable=false
";

/// All of `server.properties`.
pub(super) fn text(ports: &Ports, data: &Path, keystore: &Path) -> String {
    let Ports { controller, plain, tls, scram, oauth } = ports;
    let clients = format!(
        "PLAIN://127.0.0.1:{plain},TLS://127.0.0.1:{tls},SCRAM://127.0.0.1:{scram},\
         OAUTH://127.0.0.1:{oauth}"
    );
    format!(
        "{FIXED}controller.quorum.voters=1@127.0.0.1:{controller}\n\
         listeners={clients},CONTROLLER://127.0.0.1:{controller}\n\
         advertised.listeners={clients}\n\
         log.dirs={}\n\
         ssl.keystore.location={}\n",
        escaped(data),
        escaped(keystore)
    )
}

/// A backslash begins an escape in a file of properties.
fn escaped(path: &Path) -> String {
    path.display().to_string().replace('\\', r"\\")
}

#[cfg(test)]
mod tests {
    use super::*;

    const PORTS: Ports = Ports { controller: 1, plain: 2, tls: 3, scram: 4, oauth: 5 };

    fn value(name: &str) -> String {
        let text = text(&PORTS, Path::new("/t/a b"), Path::new(r"/t/c\d.pem"));
        let mut lines = text.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix('='));
        let value = lines.next().expect("the setting is there").to_owned();
        assert_eq!(lines.next(), None, "{name} stands there once");
        value
    }

    #[test]
    fn every_listener_is_advertised_but_the_controllers() {
        let listeners = value("listeners");
        let advertised = value("advertised.listeners");
        assert_eq!(listeners, format!("{advertised},CONTROLLER://127.0.0.1:1"));
        for listener in ["PLAIN://127.0.0.1:2", "TLS:", "SCRAM:", "OAUTH://127.0.0.1:5"] {
            assert!(advertised.contains(listener), "{listener}");
        }
        assert_eq!(value("controller.quorum.voters"), "1@127.0.0.1:1");
    }

    #[test]
    fn paths_are_written_as_properties_want_them() {
        assert_eq!(value("log.dirs"), "/t/a b");
        assert_eq!(value("ssl.keystore.location"), r"/t/c\\d.pem");
    }

    #[test]
    fn a_line_is_one_setting() {
        let text = text(&PORTS, Path::new("/t"), Path::new("/t"));
        for line in text.lines() {
            assert!(line.starts_with("# ") || line.contains('='), "{line}");
        }
        assert!(value("listener.security.protocol.map").ends_with(",OAUTH:SASL_PLAINTEXT"));
    }
}
