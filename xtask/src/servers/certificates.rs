//! A certificate authority for tests, and the one certificate that broker and database show.
//!
//! Must not know who shows it or who believes it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::programs::finish_quietly;

/// Longer than any target directory is kept.
const DAYS: &str = "3650";

/// Files, all PEM.
#[derive(Debug)]
pub(super) struct Certificates {
    /// What clients have to trust.
    pub(super) authority: PathBuf,
    /// For `localhost` and `127.0.0.1`.
    pub(super) certificate: PathBuf,
    pub(super) key: PathBuf,
    /// Key and certificate in one, as Kafka reads them.
    pub(super) keystore: PathBuf,
}

impl Certificates {
    /// Where they stand below `root`, whether they were made or not.
    pub(super) fn below(root: &Path) -> Self {
        let file = |name: &str| root.join("certificates").join(name);
        Self {
            authority: file("authority.pem"),
            certificate: file("server.pem"),
            key: file("server.key"),
            keystore: file("server-keystore.pem"),
        }
    }

    /// The keystore is written last.
    pub(super) fn exist(&self) -> bool {
        self.keystore.is_file()
    }

    /// Makes them unless they exist: a running server and a test must not trust different ones.
    pub(super) fn provide(&self) -> Result<()> {
        if self.exist() {
            return Ok(());
        }
        let folder = self.authority.parent().expect("it was joined to a folder");
        fs::create_dir_all(folder).context("creating the folder of certificates")?;
        let authority_key = folder.join("authority.key");
        let mut command = request("/CN=Timedeal tests", &authority_key, &self.authority);
        command.args(["-addext", "basicConstraints=critical,CA:TRUE"]);
        command.args(["-addext", "keyUsage=critical,keyCertSign,cRLSign"]);
        finish_quietly(&mut command).context("making the test authority")?;

        let mut command = request("/CN=localhost", &self.key, &self.certificate);
        command.arg("-CA").arg(&self.authority).arg("-CAkey").arg(&authority_key);
        command.args(["-addext", "basicConstraints=critical,CA:FALSE"]);
        command.args(["-addext", "keyUsage=critical,digitalSignature"]);
        command.args(["-addext", "extendedKeyUsage=serverAuth"]);
        command.args(["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]);
        finish_quietly(&mut command).context("making the servers' certificate")?;

        let pem = [fs::read_to_string(&self.key)?, fs::read_to_string(&self.certificate)?].concat();
        fs::write(&self.keystore, pem).context("writing the keystore")
    }
}

/// A new key without a password, and a certificate for it.
fn request(subject: &str, key: &Path, certificate: &Path) -> Command {
    let mut command = Command::new("openssl");
    command.args(["req", "-x509", "-noenc", "-days", DAYS, "-subj", subject]);
    command.args(["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]);
    command.arg("-keyout").arg(key).arg("-out").arg(certificate);
    command
}
