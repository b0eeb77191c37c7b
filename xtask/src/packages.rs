//! Programs that a task needs: which are missing here, and how they get here. As root on Debian
//! they are installed, all at once; otherwise one message says everything that is to be done.
//!
//! Must not know which task needs what.

use std::collections::BTreeSet;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::Command;

use anyhow::{Result, ensure};

use crate::programs::{finish, is_installed};

/// Kafka 4 runs on nothing older.
const JAVA_VERSION_MIN: u32 = 17;

/// Something that has to be on this machine.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Need {
    what: &'static str,
    /// Debian's and Ubuntu's name.
    package: &'static str,
    is_met: fn() -> bool,
}

pub(crate) const JAVA: Need = Need {
    what: "java 17 or later",
    package: "default-jre-headless",
    is_met: || java_version().is_some_and(|version| version >= JAVA_VERSION_MIN),
};
pub(crate) const MAVEN: Need =
    Need { what: "mvn", package: "maven", is_met: || is_installed("mvn") };
/// The packages of programs only: the whole ones would start a database on the system's port.
pub(crate) const MARIADB_SERVER: Need = Need {
    what: "mariadbd and mariadb-install-db",
    package: "mariadb-server-core",
    is_met: || is_installed("mariadbd") && is_installed("mariadb-install-db"),
};
pub(crate) const MARIADB_CLIENT: Need = Need {
    what: "mariadb",
    package: "mariadb-client-core",
    is_met: || is_installed("mariadb") && is_installed("my_print_defaults"),
};
pub(crate) const PYTHON: Need = Need {
    what: "python3 with venv",
    package: "python3-venv",
    is_met: || succeeds(Command::new("python3").args(["-c", "import venv, ensurepip"])),
};
/// Not the package `redis-server`: it would start a service on the system's port.
pub(crate) const REDIS_TOOLS: Need = Need {
    what: "redis-server",
    package: "redis-tools",
    is_met: || crate::servers::redis::program().is_some(),
};
pub(crate) const OPENSSL: Need =
    Need { what: "openssl", package: "openssl", is_met: || is_installed("openssl") };
pub(crate) const VALGRIND: Need =
    Need { what: "valgrind", package: "valgrind", is_met: || is_installed("valgrind") };

/// Sees to it that every need of a task is met; `who` needs them, as in "the test servers".
pub(crate) fn provide(who: &str, needs: &[Need]) -> Result<()> {
    let mut missing = unmet(needs);
    if !missing.is_empty() && is_root() && is_installed("apt-get") {
        install(who, &missing)?;
        missing = unmet(needs);
    }
    ensure!(missing.is_empty(), "{}", what_to_do(who, &missing));
    Ok(())
}

fn unmet(needs: &[Need]) -> Vec<Need> {
    needs.iter().copied().filter(|need| !(need.is_met)()).collect()
}

fn install(who: &str, missing: &[Need]) -> Result<()> {
    let packages = packages(missing);
    println!("installing {} for {who}", words(&packages));
    finish(Command::new("apt-get").args(["update", "-qq"]))?;
    let mut command = Command::new("apt-get");
    command.args(["install", "-y", "-qq", "--no-install-recommends"]).args(&packages);
    finish(command.env("DEBIAN_FRONTEND", "noninteractive"))
}

fn what_to_do(who: &str, missing: &[Need]) -> String {
    let list: String = missing.iter().map(|need| format!("\n  {}", need.what)).collect();
    format!(
        "{who} need programs that are not installed here:{list}\n\
         On Debian or Ubuntu, run:\n  \
         sudo apt-get update\n  \
         sudo apt-get install -y --no-install-recommends {}",
        words(&packages(missing))
    )
}

fn packages(needs: &[Need]) -> BTreeSet<&'static str> {
    needs.iter().map(|need| need.package).collect()
}

fn words(packages: &BTreeSet<&'static str>) -> String {
    packages.iter().copied().collect::<Vec<_>>().join(" ")
}

/// Whether we may write as root does; the owner of our own process says so.
pub(crate) fn is_root() -> bool {
    Path::new("/proc/self").metadata().is_ok_and(|metadata| metadata.uid() == 0)
}

fn succeeds(command: &mut Command) -> bool {
    command.output().is_ok_and(|output| output.status.success())
}

fn java_version() -> Option<u32> {
    let output = Command::new("java").arg("-version").output().ok()?;
    major_version(&String::from_utf8_lossy(&output.stderr))
}

/// Of `openjdk version "17.0.15" 2025-04-15`; Java 8 calls itself 1.8.
fn major_version(said: &str) -> Option<u32> {
    let version = said.split('"').nth(1)?;
    version.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEVER: fn() -> bool = || false;

    #[test]
    fn one_message_lists_all_that_is_missing_with_what_to_run() {
        let needs = [
            Need { is_met: NEVER, ..JAVA },
            Need { is_met: || true, ..MAVEN },
            Need { is_met: NEVER, ..PYTHON },
            Need { is_met: NEVER, ..PYTHON },
        ];

        let missing = unmet(&needs[..3]);

        assert_eq!(
            what_to_do("the test servers", &missing),
            "the test servers need programs that are not installed here:\n  \
             java 17 or later\n  python3 with venv\nOn Debian or Ubuntu, run:\n  \
             sudo apt-get update\n  \
             sudo apt-get install -y --no-install-recommends default-jre-headless python3-venv"
        );
        assert_eq!(packages(&needs[2..]).len(), 1);
    }

    #[test]
    fn nothing_is_installed_where_every_need_is_met() {
        provide("tests", &[Need { is_met: || true, ..MAVEN }]).unwrap();
    }

    #[test]
    fn the_version_of_java_is_read_from_what_it_says() {
        assert_eq!(major_version("openjdk version \"17.0.15\" 2025-04-15\n"), Some(17));
        assert_eq!(major_version("openjdk version \"21\" 2023-09-19"), Some(21));
        assert_eq!(major_version("openjdk version \"22-ea\" 2024"), Some(22));
        assert_eq!(major_version("java version \"1.8.0_402\""), Some(1));
        assert_eq!(major_version("java: command not found"), None);
    }
}
