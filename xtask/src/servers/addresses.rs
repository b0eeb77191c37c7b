//! Addresses as tests read them: lines of `NAME=value` in a file that is replaced as a whole.
//!
//! Must not know which server has which address.

use std::fmt::{self, Display};
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

/// The names, as the crate `test-servers` asks for them.
pub(super) const KAFKA: &str = "TIMEDEAL_TEST_KAFKA";
pub(super) const KAFKA_TLS: &str = "TIMEDEAL_TEST_KAFKA_TLS";
pub(super) const KAFKA_SCRAM: &str = "TIMEDEAL_TEST_KAFKA_SCRAM";
pub(super) const KAFKA_OAUTH: &str = "TIMEDEAL_TEST_KAFKA_OAUTH";
pub(super) const KAFKA_SCRAM_USER: &str = "TIMEDEAL_TEST_KAFKA_SCRAM_USER";
pub(super) const AUTHORITY: &str = "TIMEDEAL_TEST_CA";
pub(super) const MYSQL: &str = "TIMEDEAL_TEST_MYSQL";
pub(super) const AWS: &str = "TIMEDEAL_TEST_AWS";
/// No test asks for it.
pub(super) const REDIS: &str = "TIMEDEAL_BENCH_REDIS";

/// Names and their values, in the order in which they were put in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Addresses(Vec<(String, String)>);

impl Addresses {
    /// Of these.
    pub(super) fn of<const N: usize>(entries: [(&str, String); N]) -> Self {
        Self(entries.map(|(name, value)| (name.to_owned(), value)).into())
    }

    /// The value of a name.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Takes over what the other has; a name that both have is kept once.
    pub(super) fn merge(&mut self, other: Self) {
        for (name, value) in other.0 {
            if self.get(&name).is_none() {
                self.0.push((name, value));
            }
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Reads a file; `None` if there is none.
    pub(super) fn read(path: &Path) -> Option<Self> {
        fs::read_to_string(path).ok().map(|text| Self::parse(&text))
    }

    /// Lines without `=` say nothing.
    fn parse(text: &str) -> Self {
        let entries = text.lines().filter_map(|line| line.split_once('='));
        Self(entries.map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
    }

    /// Replaces the file: a test that reads meanwhile sees the old one or the new one.
    pub(super) fn write(&self, path: &Path) -> Result<()> {
        let new = path.with_extension("new");
        fs::write(&new, self.to_string())
            .and_then(|()| fs::rename(&new, path))
            .with_context(|| format!("writing {}", path.display()))
    }

    /// For a shell's `eval`.
    pub(super) fn exports(&self) -> String {
        let line = |(name, value): &(String, String)| format!("export {name}={}\n", quoted(value));
        self.0.iter().map(line).collect()
    }
}

impl Display for Addresses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|(name, value)| writeln!(f, "{name}={value}"))
    }
}

/// As one word of a shell.
fn quoted(value: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/:.@_-".contains(c);
    if value.chars().all(plain) {
        return value.to_owned();
    }
    format!("'{}'", value.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn two() -> Addresses {
        Addresses::of([(KAFKA, "127.0.0.1:9".to_owned()), (AUTHORITY, "/a b/it's=ca".to_owned())])
    }

    #[test]
    fn what_is_written_is_read_back_and_leaves_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("addresses");
        assert_eq!(Addresses::read(&path), None);

        two().write(&path).unwrap();

        let text = fs::read_to_string(&path).unwrap();
        assert_eq!(text, "TIMEDEAL_TEST_KAFKA=127.0.0.1:9\nTIMEDEAL_TEST_CA=/a b/it's=ca\n");
        assert_eq!(Addresses::read(&path), Some(two()));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_name_that_two_servers_have_is_listed_once() {
        let mut all = two();
        all.merge(Addresses::of([(AUTHORITY, "/other".to_owned()), (AWS, "http://a".to_owned())]));

        assert_eq!(all.get(AUTHORITY), Some("/a b/it's=ca"));
        assert_eq!(all.get(AWS), Some("http://a"));
        assert_eq!(all.to_string().lines().count(), 3);
    }

    #[test]
    fn a_shell_reads_an_exported_value_as_one_word() {
        let script = format!("{}printf %s \"$TIMEDEAL_TEST_CA\"", two().exports());
        let output = std::process::Command::new("sh").args(["-c", &script]).output().unwrap();
        assert_eq!(String::from_utf8(output.stdout).unwrap(), "/a b/it's=ca");
        assert!(two().exports().starts_with("export TIMEDEAL_TEST_KAFKA=127.0.0.1:9\n"));
    }

    #[test]
    fn the_names_are_those_that_tests_ask_for() {
        let asked = include_str!("../../../test-servers/src/lib.rs");
        let names =
            [KAFKA, KAFKA_TLS, KAFKA_SCRAM, KAFKA_OAUTH, KAFKA_SCRAM_USER, AUTHORITY, MYSQL, AWS];
        for name in names {
            assert!(asked.contains(&format!("=> \"{name}\"")), "{name}");
        }
        assert_eq!(asked.matches("=> \"TIMEDEAL_TEST_").count(), names.len());
    }
}
