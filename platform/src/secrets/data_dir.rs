//! The keys that a data directory keeps in `keys/`: made once, then only read.
//!
//! The directory appears whole or not at all, so a file that is missing from it was lost and is
//! reported; it is never made anew, because every ticket and token issued before would be void.

use super::key_file::{self, KeyFileError};
use super::signing_keys::signing_json;
use super::{KeyRing, SIGNING_BYTES_MIN, SecretBytes, SecretSource, SigningKeys};
use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{self, Path, PathBuf};

/// Where the keys stand below the data directory.
const KEYS_DIR: &str = "keys";
const SIGNING_FILE: &str = "signing.json";
const TICKET_FILE: &str = "ticket.json";
const WEBHOOK_FILE: &str = "webhook.json";

/// Open to the owner alone.
const DIR_MODE: u32 = 0o700;

/// Permission bits of group and others, which a key file should not have.
const OTHERS_MODE: u32 = 0o077;

/// The keys of one data directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataDirKeys {
    /// Sign sessions; `keys/signing.json`.
    pub signing: SigningKeys,
    /// Signs tickets; `keys/ticket.json`.
    pub ticket: KeyRing,
    /// Verify webhooks, any of them, at least one; `keys/webhook.json`.
    pub webhook: Vec<SecretBytes>,
}

impl DataDirKeys {
    /// Reads the keys below `data_dir`; makes them, and the directory, if there are none yet.
    ///
    /// Whoever finds other data of its own in `data_dir` calls [`DataDirKeys::load`] instead: the
    /// keys of that data were lost then, and new ones would not fit it.
    ///
    /// # Errors
    /// If keys are there but not whole or not readable, or if they cannot be written.
    pub fn load_or_create(data_dir: &Path) -> Result<Self, KeyFileError> {
        match Self::load(data_dir) {
            Err(KeyFileError::NoKeys { .. }) => create(data_dir)?,
            loaded => return loaded,
        }
        // Read back, also because another process may have been faster.
        Self::load(data_dir)
    }

    /// Reads the keys below `data_dir` and changes nothing; works beside a running service.
    ///
    /// # Errors
    /// [`KeyFileError::NoKeys`] if `keys/` is absent or empty, else as the files demand.
    pub fn load(data_dir: &Path) -> Result<Self, KeyFileError> {
        let dir = data_dir.join(KEYS_DIR);
        if is_absent_or_empty(&dir)? {
            return Err(KeyFileError::NoKeys { path: dir });
        }
        Ok(Self {
            signing: load_file(&dir.join(SIGNING_FILE), SigningKeys::from_bytes)?,
            ticket: load_file(&dir.join(TICKET_FILE), key_file::parse_ticket)?,
            webhook: load_file(&dir.join(WEBHOOK_FILE), key_file::parse_webhook)?,
        })
    }

    /// Where the keys below `data_dir` are, to be watched for a rotation.
    pub fn sources(data_dir: &Path) -> KeySources {
        let dir = data_dir.join(KEYS_DIR);
        KeySources {
            signing: SecretSource::file(dir.join(SIGNING_FILE)),
            ticket: SecretSource::file(dir.join(TICKET_FILE)),
            webhook: SecretSource::file(dir.join(WEBHOOK_FILE)),
        }
    }
}

/// Where the keys of a gateway come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeySources {
    /// What [`SigningKeys::from_bytes`] reads.
    pub signing: SecretSource,
    /// What [`KeyRing::read`] reads.
    pub ticket: SecretSource,
    /// What [`parse_webhook`](super::parse_webhook) reads.
    pub webhook: SecretSource,
}

fn random_key() -> Result<SecretBytes, KeyFileError> {
    SecretBytes::random(SIGNING_BYTES_MIN).map_err(KeyFileError::Random)
}

fn is_absent_or_empty(dir: &Path) -> Result<bool, KeyFileError> {
    match fs::read_dir(dir) {
        Ok(mut entries) => Ok(entries.next().is_none()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(true),
        Err(error) => Err(KeyFileError::io("open", dir)(error)),
    }
}

fn load_file<T>(path: &Path, parse: fn(&[u8]) -> Result<T, String>) -> Result<T, KeyFileError> {
    let bytes = key_file::read(path)?;
    warn_if_open_to_others(path);
    parse(&bytes).map_err(|reason| KeyFileError::corrupt(path, reason))
}

/// Only a warning: mounted secrets of orchestrators are often readable by a group, on purpose.
fn warn_if_open_to_others(path: &Path) {
    let mode = fs::metadata(path).map(|metadata| metadata.permissions().mode() & 0o777);
    if let Ok(mode) = mode
        && mode & OTHERS_MODE != 0
    {
        let mode = format!("{mode:o}");
        tracing::warn!(path = %path.display(), mode, "key file is open to other users");
    }
}

/// Writes all files into a directory of another name, then renames it: a crash leaves no half of a
/// set, and of two processes that do this at once, one wins with its whole set.
fn create(data_dir: &Path) -> Result<(), KeyFileError> {
    create_data_dir(data_dir)?;
    let draft = draft_dir(data_dir)?;
    let target = data_dir.join(KEYS_DIR);
    let written = write_draft(&draft).and_then(|()| publish(&draft, &target));
    if let Err(error) = written {
        // What stands in the draft was never used; the first error is the one to report.
        drop(fs::remove_dir_all(&draft));
        // A rename onto a directory that holds files fails: somebody else's set is there.
        return if is_absent_or_empty(&target)? { Err(error) } else { Ok(()) };
    }
    tracing::info!(path = %target.display(), "made new keys");
    Ok(())
}

/// Creates the directory so that it is still there after a power cut, like all that is made above.
fn create_data_dir(data_dir: &Path) -> Result<(), KeyFileError> {
    let absolute = path::absolute(data_dir).map_err(KeyFileError::io("create", data_dir))?;
    let missing: Vec<&Path> = absolute.ancestors().take_while(|it| !it.is_dir()).collect();
    fs::create_dir_all(&absolute).map_err(KeyFileError::io("create", data_dir))?;
    missing.into_iter().filter_map(Path::parent).try_for_each(sync_dir)
}

fn draft_dir(data_dir: &Path) -> Result<PathBuf, KeyFileError> {
    let number = getrandom::u64().map_err(KeyFileError::Random)?;
    let draft = data_dir.join(format!("{KEYS_DIR}.{number:016x}.draft"));
    let mut builder = DirBuilder::new();
    builder.mode(DIR_MODE).create(&draft).map_err(KeyFileError::io("create", &draft))?;
    Ok(draft)
}

fn write_draft(draft: &Path) -> Result<(), KeyFileError> {
    let first = (KeyRing::FIRST_NUMBER, random_key()?);
    let ring = KeyRing::new([first]).expect("one key of full length is a ring");
    key_file::write_new(&draft.join(SIGNING_FILE), &signing_json(&random_key()?))?;
    key_file::write_new(&draft.join(TICKET_FILE), &key_file::ticket_json(&ring))?;
    key_file::write_new(&draft.join(WEBHOOK_FILE), &key_file::webhook_json(&[random_key()?]))?;
    sync_dir(draft)
}

fn publish(draft: &Path, target: &Path) -> Result<(), KeyFileError> {
    fs::rename(draft, target).map_err(KeyFileError::io("create", target))?;
    sync_dir(target.parent().expect("the keys stand below the data directory"))
}

fn sync_dir(dir: &Path) -> Result<(), KeyFileError> {
    File::open(dir).and_then(|file| file.sync_all()).map_err(KeyFileError::io("sync", dir))
}

#[cfg(test)]
mod tests {
    use super::{DataDirKeys, KEYS_DIR, KeyFileError, SIGNING_FILE, TICKET_FILE};
    use crate::secrets::{
        KeyRing, SecretBytes, SecretReader, SigningKeyMaterial, SigningKeys, parse_webhook,
    };
    use std::fs;
    use std::os::unix::fs::PermissionsExt;
    use std::path::Path;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    fn secret(keys: &DataDirKeys) -> &SecretBytes {
        match &keys.signing.signing().material {
            SigningKeyMaterial::Hs256(secret) => secret,
            SigningKeyMaterial::EdDsaPem(_) => panic!("a data directory begins with a secret"),
        }
    }

    #[test]
    fn keys_are_made_once_and_then_read() {
        let dir = tempfile::tempdir().unwrap();
        let data_dir = dir.path().join("fresh/data");
        let made = DataDirKeys::load_or_create(&data_dir).unwrap();
        assert_eq!(DataDirKeys::load_or_create(&data_dir).unwrap(), made);
        assert_eq!(DataDirKeys::load(&data_dir).unwrap(), made);
        assert_eq!(secret(&made).expose().len(), 32);
        assert_eq!(made.ticket.issuing().0, 1);
        assert_ne!(made.ticket.issuing().1, secret(&made));
        assert_ne!(&made.webhook[0], secret(&made));
        let other = DataDirKeys::load_or_create(dir.path()).unwrap();
        assert_ne!(other.signing, made.signing);
    }

    #[test]
    fn key_files_are_open_to_their_owner_alone_and_no_draft_is_left() {
        let dir = tempfile::tempdir().unwrap();
        DataDirKeys::load_or_create(dir.path()).unwrap();
        let keys = dir.path().join(KEYS_DIR);
        assert_eq!(mode(&keys), 0o700);
        let files: Vec<_> = fs::read_dir(&keys).unwrap().map(|file| file.unwrap()).collect();
        assert_eq!(files.len(), 3);
        files.iter().for_each(|file| assert_eq!(mode(&file.path()), 0o600));
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn loading_alone_makes_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let error = DataDirKeys::load(dir.path()).unwrap_err();
        assert!(matches!(error, KeyFileError::NoKeys { .. }), "{error}");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_lost_file_is_reported_and_not_made_anew() {
        let dir = tempfile::tempdir().unwrap();
        DataDirKeys::load_or_create(dir.path()).unwrap();
        let ticket = dir.path().join(KEYS_DIR).join(TICKET_FILE);
        fs::remove_file(&ticket).unwrap();
        let error = DataDirKeys::load_or_create(dir.path()).unwrap_err();
        assert!(error.to_string().contains("ticket.json is missing"), "{error}");
        assert!(!ticket.exists());
    }

    #[test]
    fn a_corrupt_file_is_reported_and_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        DataDirKeys::load_or_create(dir.path()).unwrap();
        let signing = dir.path().join(KEYS_DIR).join(SIGNING_FILE);
        fs::write(&signing, "{\"version\": 1").unwrap();
        let error = DataDirKeys::load_or_create(dir.path()).unwrap_err();
        assert!(error.to_string().contains("signing.json cannot be used: not JSON"), "{error}");
        assert_eq!(fs::read_to_string(&signing).unwrap(), "{\"version\": 1");
    }

    #[test]
    fn an_unreadable_place_is_reported() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join(KEYS_DIR), "a file where a directory belongs").unwrap();
        let error = DataDirKeys::load_or_create(dir.path()).unwrap_err();
        assert!(matches!(error, KeyFileError::Io { action: "open", .. }), "{error}");
    }

    #[test]
    fn of_two_that_make_keys_at_once_both_get_the_same() {
        let dir = tempfile::tempdir().unwrap();
        let load = || DataDirKeys::load_or_create(dir.path()).unwrap();
        let (one, two) = std::thread::scope(|scope| {
            let other = scope.spawn(load);
            (load(), other.join().unwrap())
        });
        assert_eq!(one, two);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn the_signing_file_serves_as_a_signing_key() {
        let dir = tempfile::tempdir().unwrap();
        let keys = DataDirKeys::load_or_create(dir.path()).unwrap();
        let path = dir.path().join(KEYS_DIR).join(SIGNING_FILE);
        assert_eq!(SigningKeys::load(&path).unwrap(), keys.signing);
    }

    #[tokio::test]
    async fn its_sources_are_the_files_that_it_wrote() {
        let dir = tempfile::tempdir().unwrap();
        let keys = DataDirKeys::load_or_create(dir.path()).unwrap();
        let sources = DataDirKeys::sources(dir.path());
        let reader = SecretReader::of_process();
        let signing = sources.signing.read(&reader).await.unwrap();
        assert_eq!(SigningKeys::from_bytes(signing.expose()), Ok(keys.signing));
        let ticket = sources.ticket.read(&reader).await.unwrap();
        assert_eq!(KeyRing::read(ticket.expose(), None), Ok(keys.ticket));
        let webhook = sources.webhook.read(&reader).await.unwrap();
        assert_eq!(parse_webhook(webhook.expose()), Ok(keys.webhook));
    }
}
