//! Apache Kafka: one node that is broker and controller, with a listener for each way to connect.
//! The jars come from Maven Central once.
//!
//! Must not know which topics tests create in it.

mod probe;
mod properties;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use self::properties::Ports;
use super::addresses::{
    AUTHORITY, Addresses, KAFKA, KAFKA_OAUTH, KAFKA_SCRAM, KAFKA_SCRAM_USER, KAFKA_TLS,
};
use super::certificates::Certificates;
use super::daemon::{Daemon, free_ports};
use crate::packages::{JAVA, MAVEN, Need};
use crate::programs::finish_quietly;

/// Which one is downloaded; a newer one gets a folder of its own.
pub(super) const VERSION: &str = "4.1.0";
/// The broker's jars stand in no archive of their own: Maven collects them.
const POM: &str = include_str!("kafka/pom.xml");
/// Sixteen bytes in base64; every start begins with an empty directory, so it says nothing.
const CLUSTER_ID: &str = "TimedealTestServers-0A";
/// The user of the listener with SCRAM.
const USER: &str = "timedeal";
const PASSWORD: &str = "only-for-tests";
/// Errors and warnings with their time, to standard error.
const LOGGING: [&str; 3] = [
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
    "-Dorg.slf4j.simpleLogger.showDateTime=true",
    "-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd'T'HH:mm:ss.SSSXXX",
];

pub(super) fn daemon(root: &Path) -> Daemon {
    let folder = root.join("kafka");
    let mark = folder.join("server.properties").display().to_string();
    Daemon { folder, mark }
}

pub(super) fn needs(root: &Path) -> Vec<Need> {
    if jars(root).is_dir() { vec![JAVA] } else { vec![JAVA, MAVEN] }
}

pub(super) fn start(root: &Path, certificates: &Certificates) -> Result<()> {
    let daemon = daemon(root);
    let class_path = provide_jars(root)?;
    let data = daemon.empty_folder("data")?;
    let [controller, plain, tls, scram, oauth] = free_ports()?;
    let ports = Ports { controller, plain, tls, scram, oauth };
    fs::write(&daemon.mark, properties::text(&ports, &data, &certificates.keystore))?;

    let user = format!("SCRAM-SHA-512=[name={USER},password={PASSWORD}]");
    let mut command = java(&class_path, "128m", "kafka.tools.StorageTool");
    command.args(["format", "--cluster-id", CLUSTER_ID, "--add-scram", &user]);
    command.args(["--config", &daemon.mark]);
    finish_quietly(&mut command).context("formatting the broker's data directory")?;

    let addresses = Addresses::of([
        (KAFKA, format!("127.0.0.1:{plain}")),
        (KAFKA_TLS, format!("127.0.0.1:{tls}")),
        (KAFKA_SCRAM, format!("127.0.0.1:{scram}")),
        (KAFKA_OAUTH, format!("127.0.0.1:{oauth}")),
        (KAFKA_SCRAM_USER, format!("{USER}:{PASSWORD}")),
        (AUTHORITY, certificates.authority.display().to_string()),
    ]);
    launch(&daemon, &class_path, &addresses)
}

/// Starts it with the data and on the ports that it had.
pub(super) fn start_again(root: &Path) -> Result<()> {
    let daemon = daemon(root);
    let addresses = daemon.addresses().context("this broker was never started")?;
    launch(&daemon, &provide_jars(root)?, &addresses)
}

fn launch(daemon: &Daemon, class_path: &str, addresses: &Addresses) -> Result<()> {
    let mut command = java(class_path, "768m", "kafka.Kafka");
    command.arg(&daemon.mark);
    daemon.start(command, addresses, || answers(addresses))
}

/// Lets another root use what was downloaded for this one.
pub(super) fn share_jars(from: &Path, with: &Path) -> Result<()> {
    let (here, there) = (jars(from), jars(with));
    let (Some(here), Some(there)) = (here.parent(), there.parent()) else { return Ok(()) };
    if here.is_dir() && !there.exists() {
        std::os::unix::fs::symlink(here, there).context("sharing the broker's jars")?;
    }
    Ok(())
}

/// Whether the broker has joined its own cluster, and so can create topics.
pub(super) fn answers(addresses: &Addresses) -> bool {
    let address = addresses.get(KAFKA).and_then(|address| address.parse().ok());
    address.is_some_and(|address| probe::knows_a_broker(address).unwrap_or(false))
}

fn java(class_path: &str, heap: &str, class: &str) -> Command {
    let mut command = Command::new("java");
    command.arg(format!("-Xmx{heap}")).arg("-Djava.awt.headless=true").args(LOGGING);
    command.args(["-cp", class_path, class]);
    command
}

fn jars(root: &Path) -> PathBuf {
    root.join(format!("kafka-{VERSION}")).join("jars")
}

/// Downloads the jars unless they are there; the class path that lists them one by one.
fn provide_jars(root: &Path) -> Result<String> {
    let jars = jars(root);
    if !jars.is_dir() {
        println!("servers: downloading Apache Kafka {VERSION}");
        download(&jars).context("downloading Kafka from Maven Central")?;
    }
    let mut paths = Vec::new();
    for entry in fs::read_dir(&jars)? {
        paths.push(entry?.path().display().to_string());
    }
    ensure!(!paths.is_empty(), "{} is empty: remove it and start again", jars.display());
    paths.sort();
    Ok(paths.join(":"))
}

fn download(jars: &Path) -> Result<()> {
    let folder = jars.parent().context("jars without a folder")?;
    let partial = folder.join("partial");
    fs::create_dir_all(&partial)?;
    let pom = folder.join("pom.xml");
    fs::write(&pom, POM.replace("KAFKA_VERSION", VERSION))?;
    let mut command = Command::new("mvn");
    command.args(["--batch-mode", "--quiet", "-Dstyle.color=never", "--file"]).arg(&pom);
    command.args(["dependency:copy-dependencies", "-DincludeScope=runtime"]);
    command.arg(format!("-DoutputDirectory={}", partial.display()));
    finish_quietly(&mut command)?;
    // A download that was cut off must not be taken for the whole.
    fs::rename(&partial, jars)?;
    Ok(())
}
