//! The JSON form of key files and their way to and from the disk. Owns the formats: files written
//! today must be read by every later version.
//!
//! Bytes of keys stand as padded standard base64. A field that this version does not know is
//! refused, because a rule that a later version wrote there would be ignored.

use super::{KeyRing, KeyRingFault, SIGNING_BYTES_MIN, SecretBytes};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// Largest key file that is read: thousands of keys fit, a wrong path does not fill the memory.
pub(super) const FILE_BYTES_MAX: u64 = 1_048_576;

/// Readable and writable by the owner alone.
const FILE_MODE: u32 = 0o600;

/// A key file or key directory that cannot be used; the message is whole, with no source behind
/// it. Keys are never made anew in its place: what
/// was issued under the old ones would be void.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// There is no such file.
    #[error("key file {path} is missing; keys are not made anew, restore it from a backup")]
    Missing {
        /// The file that was looked for.
        path: PathBuf,
    },
    /// There are no keys in the data directory.
    #[error("no keys at {path}; a service makes them when it begins a new log")]
    NoKeys {
        /// The directory that was looked for.
        path: PathBuf,
    },
    /// The operating system refused.
    #[error("cannot {action} {path}: {reason}")]
    Io {
        /// What was tried, as a verb.
        action: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// Why it failed.
        reason: io::Error,
    },
    /// The content is not what a key file holds.
    #[error("key file {path} cannot be used: {reason}")]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// What is wrong with it; never its content.
        reason: String,
    },
    /// The system gave no random bytes.
    #[error("cannot make a key: {0}")]
    Random(getrandom::Error),
}

impl KeyFileError {
    pub(super) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |reason| Self::Io { action, path: path.to_owned(), reason }
    }

    pub(super) fn corrupt(path: &Path, reason: impl Into<String>) -> Self {
        Self::Corrupt { path: path.to_owned(), reason: reason.into() }
    }
}

/// `ticket.json`.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct TicketFile {
    version: Version,
    keys: Vec<NumberedKey>,
    /// Number of the key that issues, if it is not the highest. A program that does not know this
    /// field refuses the file, rather than issue with another key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    issues: Option<u16>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct NumberedKey {
    number: u16,
    secret: String,
}

/// `webhook.json`.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WebhookFile {
    version: Version,
    secrets: Vec<String>,
}

/// The version of the two forms above.
#[derive(Serialize, Deserialize, Clone, Copy)]
#[serde(try_from = "u32", into = "u32")]
struct Version;

impl Version {
    const NUMBER: u32 = 1;
}

impl TryFrom<u32> for Version {
    type Error = String;

    fn try_from(number: u32) -> Result<Self, String> {
        if number == Self::NUMBER {
            return Ok(Self);
        }
        Err(format!("version {number} is unknown, this program reads version {}", Self::NUMBER))
    }
}

impl From<Version> for u32 {
    fn from(_: Version) -> Self {
        Version::NUMBER
    }
}

/// The version that a file says it has; whatever else stands there is not looked at.
pub(super) fn version(json: &[u8]) -> Result<u32, String> {
    #[derive(Deserialize)]
    struct Versioned {
        version: u32,
    }
    from_json::<Versioned>(json).map(|file| file.version)
}

pub(super) fn ticket_json(ring: &KeyRing) -> Vec<u8> {
    let mut keys: Vec<_> = ring
        .newest_first()
        .map(|(number, key)| NumberedKey { number, secret: STANDARD.encode(key.expose()) })
        .collect();
    keys.reverse();
    let issuing = ring.issuing().0;
    let issues = keys.last().is_some_and(|highest| highest.number != issuing).then_some(issuing);
    to_json(&TicketFile { version: Version, keys, issues })
}

pub(super) fn webhook_json(secrets: &[SecretBytes]) -> Vec<u8> {
    let secrets = secrets.iter().map(|secret| STANDARD.encode(secret.expose())).collect();
    to_json(&WebhookFile { version: Version, secrets })
}

/// The keys of a `ticket.json`. The error says what is wrong, never what stood there.
pub(super) fn parse_ticket(json: &[u8]) -> Result<KeyRing, String> {
    let file: TicketFile = from_json(json)?;
    let keys: Result<Vec<_>, String> = (file.keys.iter())
        .map(|key| Ok((key.number, decode(&key.secret, &format!("key {}", key.number))?)))
        .collect();
    let ring = KeyRing::new(keys?);
    let ring = match file.issues {
        None => ring,
        Some(number) => ring.and_then(|ring| ring.issuing_by(number)),
    };
    ring.map_err(|fault: KeyRingFault| fault.to_string())
}

/// The secrets of a `webhook.json`: any of them may sign.
///
/// # Errors
/// What is wrong with the file, without showing it.
pub fn parse_webhook(json: &[u8]) -> Result<Vec<SecretBytes>, String> {
    let file: WebhookFile = from_json(json)?;
    if file.secrets.is_empty() {
        return Err("the list of secrets is empty".to_owned());
    }
    let numbered = (1..).zip(&file.secrets);
    numbered.map(|(index, secret)| decode(secret, &format!("secret {index}"))).collect()
}

/// Reads a whole key file of at most [`FILE_BYTES_MAX`] bytes.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, KeyFileError> {
    match read_bounded(path) {
        Ok(Some(bytes)) => Ok(bytes),
        Ok(None) => Err(KeyFileError::corrupt(path, format!("it has over {FILE_BYTES_MAX} bytes"))),
        Err(reason) if reason.kind() == io::ErrorKind::NotFound => {
            Err(KeyFileError::Missing { path: path.to_owned() })
        }
        Err(reason) => Err(KeyFileError::io("read", path)(reason)),
    }
}

/// Reads a whole file; none if it has more than [`FILE_BYTES_MAX`] bytes.
pub(super) fn read_bounded(path: &Path) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    // One byte more than allowed tells a file that is too long from one that just fits.
    File::open(path)?.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes)?;
    Ok((bytes.len() as u64 <= FILE_BYTES_MAX).then_some(bytes))
}

/// Writes a new file, for its owner alone, and returns once it is on the disk.
pub(super) fn write_new(path: &Path, content: &[u8]) -> Result<(), KeyFileError> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(FILE_MODE);
    let mut file = options.open(path).map_err(KeyFileError::io("create", path))?;
    file.write_all(content).and_then(|()| file.sync_all()).map_err(KeyFileError::io("write", path))
}

pub(super) fn to_json(file: &impl Serialize) -> Vec<u8> {
    let mut json = serde_json::to_vec_pretty(file).expect("plain fields always serialize");
    json.push(b'\n');
    json
}

pub(super) fn from_json<'a, T: Deserialize<'a>>(json: &'a [u8]) -> Result<T, String> {
    serde_json::from_slice(json).map_err(|error| match error.classify() {
        // Messages of these two quote no value, only what was expected and where.
        serde_json::error::Category::Syntax | serde_json::error::Category::Eof => {
            format!("not JSON: {error}")
        }
        // These may quote a value (`invalid type: string "..."`), which may be a key.
        serde_json::error::Category::Data | serde_json::error::Category::Io => {
            let (line, column) = (error.line(), error.column());
            format!("not the form of this file, from line {line}, column {column}")
        }
    })
}

pub(super) fn decode(text: &str, what: &str) -> Result<SecretBytes, String> {
    let bytes = STANDARD.decode(text).map_err(|_| format!("{what} is not padded base64"))?;
    if bytes.len() < SIGNING_BYTES_MIN {
        let found = bytes.len();
        return Err(format!("{what} has {found} bytes, fewer than {SIGNING_BYTES_MIN}"));
    }
    Ok(SecretBytes::new(bytes))
}

#[cfg(test)]
mod tests {
    use super::{KeyRing, SecretBytes, parse_ticket, parse_webhook, ticket_json, webhook_json};

    /// 32 bytes of 0x07, as base64.
    const SEVENS: &str = "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=";

    fn sevens() -> SecretBytes {
        SecretBytes::new(vec![7; 32])
    }

    // These bytes stand in data directories: a change of form needs a new version number.
    #[test]
    fn the_forms_on_disk_do_not_change() {
        let ring = KeyRing::new([(1, sevens()), (2, sevens())]).unwrap();
        let ticket = format!(
            r#"{{"version":1,"keys":[{{"number":1,"secret":"{SEVENS}"}},
               {{"number":2,"secret":"{SEVENS}"}}]}}"#
        );
        assert_eq!(parse_ticket(ticket.as_bytes()), Ok(ring.clone()));
        assert_eq!(parse_ticket(&ticket_json(&ring)), Ok(ring));
        let webhook = format!(r#"{{"version":1,"secrets":["{SEVENS}"]}}"#);
        assert_eq!(parse_webhook(webhook.as_bytes()), Ok(vec![sevens()]));
        assert_eq!(parse_webhook(&webhook_json(&[sevens()])), Ok(vec![sevens()]));
    }

    #[test]
    fn tickets_of_one_key_are_written_as_ever() {
        let ring = KeyRing::new([(1, sevens())]).unwrap();
        let written = format!(
            "{{\n  \"version\": 1,\n  \"keys\": [\n    {{\n      \"number\": 1,\n      \
             \"secret\": \"{SEVENS}\"\n    }}\n  ]\n}}\n"
        );
        assert_eq!(String::from_utf8(ticket_json(&ring)).unwrap(), written);
    }

    #[test]
    fn another_key_than_the_highest_may_issue() {
        let ring = KeyRing::new([(1, sevens()), (2, sevens())]).unwrap().issuing_by(1).unwrap();
        assert_eq!(ring.issuing().0, 1);
        assert!(String::from_utf8(ticket_json(&ring)).unwrap().contains("\"issues\": 1"));
        assert_eq!(parse_ticket(&ticket_json(&ring)), Ok(ring));
    }

    #[track_caller]
    fn check(json: &str, expect: &str) {
        let reason = parse_ticket(json.as_bytes()).unwrap_err();
        assert!(reason.contains(expect), "{reason}");
        assert!(!reason.contains("BwcH") && !reason.contains("hunter2"), "{reason}");
    }

    #[test]
    fn corrupt_files_are_refused_without_showing_their_content() {
        check("", "not JSON");
        check(r#"{"version":2,"keys":[]}"#, "not the form");
        check(r#"{"version":1,"keys":["hunter2"]}"#, "not the form");
        check(r#"{"version":1,"keys":[],"hunter2":1}"#, "not the form");
        check(r#"{"version":1,"keys":[]}"#, "empty");
        let one = format!(r#"{{"version":1,"keys":[{{"number":1,"secret":"{SEVENS}"}}]"#);
        check(&format!(r#"{one},"issues":2}}"#), "key number 2, which is to issue, is not there");
        check(&format!(r#"{one},"issues":"hunter2"}}"#), "not the form");
        assert!(parse_webhook(br#"{"version":1,"secrets":[]}"#).unwrap_err().contains("empty"));
    }
}
