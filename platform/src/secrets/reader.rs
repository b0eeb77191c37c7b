//! Reading a secret from wherever it is. Faults name the place, never the content. Must not know
//! what the content means.

use super::key_file::{self, FILE_BYTES_MAX};
use super::{Secret, SecretBytes, SecretSource};
use std::ffi::OsString;
use std::fmt;
use std::io;
use std::os::unix::ffi::OsStringExt;
use std::path::Path;
use std::sync::Arc;

#[cfg(feature = "aws")]
use super::aws::AwsSecrets;

/// A secret that could not be had.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// There is none at this place.
    #[error("there is no secret at {0}")]
    Missing(SecretSource),
    /// The place did not give it.
    #[error("the secret at {place} cannot be read: {reason}")]
    Unreadable {
        /// The place.
        place: SecretSource,
        /// What was said there; never the content.
        reason: String,
    },
    /// It was read, and is not what it has to be.
    #[error("the secret at {place} cannot be used: {reason}")]
    Unusable {
        /// The place.
        place: SecretSource,
        /// What is wrong with it; never the content.
        reason: String,
    },
    /// The program was built without AWS.
    #[error("{0}: this build has no AWS secrets: build with --features cloud")]
    NoAws(SecretSource),
}

type Environment = Arc<dyn Fn(&str) -> Option<OsString> + Send + Sync>;

/// What reads secrets: the variables, and the way to AWS, which is looked for at the first secret
/// that is there. Clones share it.
#[derive(Clone)]
pub struct SecretReader {
    environment: Environment,
    #[cfg(feature = "aws")]
    aws: Arc<tokio::sync::OnceCell<AwsSecrets>>,
}

impl SecretReader {
    /// Reads variables of the process, and asks AWS as its environment says (region, credentials,
    /// `AWS_ENDPOINT_URL` and so on).
    pub fn of_process() -> Self {
        Self::new(|name| std::env::var_os(name))
    }

    /// Reads variables by `environment`; all else as [`SecretReader::of_process`].
    pub fn new(environment: impl Fn(&str) -> Option<OsString> + Send + Sync + 'static) -> Self {
        Self {
            environment: Arc::new(environment),
            #[cfg(feature = "aws")]
            aws: Arc::default(),
        }
    }

    /// Asks AWS by this client.
    #[cfg(feature = "aws")]
    pub fn with_aws(mut self, client: aws_sdk_secretsmanager::Client) -> Self {
        self.aws = Arc::new(tokio::sync::OnceCell::new_with(Some(AwsSecrets::new(client))));
        self
    }

    #[cfg(feature = "aws")]
    async fn read_aws(&self, place: &SecretSource, id: &str) -> Result<SecretBytes, SecretError> {
        let aws = self.aws.get_or_init(AwsSecrets::of_process).await;
        aws.read(place, id).await
    }

    #[cfg(not(feature = "aws"))]
    async fn read_aws(&self, place: &SecretSource, _id: &str) -> Result<SecretBytes, SecretError> {
        std::future::ready(Err(SecretError::NoAws(place.clone()))).await
    }

    fn read_variable(&self, place: &SecretSource, name: &str) -> Result<SecretBytes, SecretError> {
        let value = (self.environment)(name).filter(|value| !value.is_empty());
        let value = value.ok_or_else(|| SecretError::Missing(place.clone()))?;
        Ok(Secret::new(value.into_vec()))
    }
}

impl fmt::Debug for SecretReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretReader")
    }
}

impl SecretSource {
    /// Reads the secret as it is now.
    ///
    /// # Errors
    /// If it is not there, cannot be read, is over 1 MiB, or lacks the field that is named.
    pub async fn read(&self, reader: &SecretReader) -> Result<SecretBytes, SecretError> {
        match self {
            Self::Environment(name) => reader.read_variable(self, name),
            Self::File(path) => read_file(self, path).await,
            Self::AwsSecretsManager { id, field } => {
                let secret = reader.read_aws(self, id).await?;
                match field {
                    None => Ok(secret),
                    Some(field) => take_field(self, &secret, field),
                }
            }
        }
    }
}

/// By its path each time, so that links which a Secrets Store driver swaps are followed anew.
async fn read_file(place: &SecretSource, path: &Path) -> Result<SecretBytes, SecretError> {
    let path = path.to_owned();
    let read = tokio::task::spawn_blocking(move || key_file::read_bounded(&path)).await;
    let unreadable = |reason: String| SecretError::Unreadable { place: place.clone(), reason };
    match read {
        Ok(Ok(Some(bytes))) => Ok(Secret::new(bytes)),
        Ok(Ok(None)) => Err(unreadable(format!("it has over {FILE_BYTES_MAX} bytes"))),
        Ok(Err(error)) if error.kind() == io::ErrorKind::NotFound => {
            Err(SecretError::Missing(place.clone()))
        }
        Ok(Err(error)) => Err(unreadable(error.to_string())),
        Err(_stopped) => Err(unreadable("the process is stopping".to_owned())),
    }
}

fn take_field(
    place: &SecretSource,
    secret: &SecretBytes,
    field: &str,
) -> Result<SecretBytes, SecretError> {
    let fault =
        |reason: &str| SecretError::Unusable { place: place.clone(), reason: reason.to_owned() };
    let object: serde_json::Map<String, serde_json::Value> =
        serde_json::from_slice(secret.expose()).map_err(|_| fault("it is no JSON object"))?;
    let text = object.get(field).and_then(serde_json::Value::as_str);
    let text = text.ok_or_else(|| fault("it has no text in the field that is named"))?;
    Ok(Secret::new(text.as_bytes().to_vec()))
}

#[cfg(test)]
mod tests {
    use super::{SecretError, SecretReader, take_field};
    use crate::secrets::{SecretBytes, SecretSource};
    use std::fs;
    use std::os::unix::fs::symlink;

    fn reader() -> SecretReader {
        SecretReader::new(|name| match name {
            "SET" => Some("hunter2".into()),
            "EMPTY" => Some("".into()),
            _ => None,
        })
    }

    async fn read(source: &str) -> Result<SecretBytes, SecretError> {
        source.parse::<SecretSource>().unwrap().read(&reader()).await
    }

    #[tokio::test]
    async fn variables_are_read_and_those_without_a_value_are_missing() {
        assert_eq!(read("env:SET").await.unwrap().expose(), b"hunter2");
        for source in ["env:UNSET", "env:EMPTY"] {
            let error = read(source).await.unwrap_err();
            assert_eq!(error.to_string(), format!("there is no secret at {source}"));
        }
    }

    #[tokio::test]
    async fn a_file_is_followed_through_links_that_are_swapped() {
        let dir = tempfile::tempdir().unwrap();
        // As the Secrets Store CSI driver mounts: key → ..data/key, ..data → a directory.
        for (version, content) in [("..1", "one"), ("..2", "two")] {
            fs::create_dir(dir.path().join(version)).unwrap();
            fs::write(dir.path().join(version).join("key"), content).unwrap();
        }
        symlink("..1", dir.path().join("..data")).unwrap();
        symlink("..data/key", dir.path().join("key")).unwrap();
        let source = format!("file:{}", dir.path().join("key").display());
        assert_eq!(read(&source).await.unwrap().expose(), b"one");
        symlink("..2", dir.path().join("..next")).unwrap();
        fs::rename(dir.path().join("..next"), dir.path().join("..data")).unwrap();
        assert_eq!(read(&source).await.unwrap().expose(), b"two");
    }

    #[tokio::test]
    async fn files_that_are_not_there_or_too_long_are_faults_that_name_them() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("key");
        let source = format!("file:{}", path.display());
        let error = read(&source).await.unwrap_err();
        assert!(matches!(error, SecretError::Missing(_)) && error.to_string().contains(&source));
        fs::write(&path, vec![b'x'; 1_048_577]).unwrap();
        let error = read(&source).await.unwrap_err().to_string();
        assert!(error.contains(&source) && error.contains("over 1048576 bytes"), "{error}");
        let error = read(&format!("file:{}", dir.path().display())).await.unwrap_err();
        assert!(matches!(error, SecretError::Unreadable { .. }), "{error}");
    }

    #[test]
    fn a_field_is_taken_out_and_faults_do_not_show_its_neighbours() {
        let place: SecretSource = "aws-sm:shop#password".parse().unwrap();
        let take = |json: &str| {
            take_field(&place, &SecretBytes::new(json.as_bytes().to_vec()), "password")
        };
        let taken = take(r#"{"user":"shop","password":"hunter2"}"#).unwrap();
        assert_eq!(taken.expose(), b"hunter2");
        for json in ["hunter2", r#"["hunter2"]"#, r#"{"p":"hunter2"}"#, r#"{"password":2}"#] {
            let error = take(json).unwrap_err();
            assert!(error.to_string().contains("aws-sm:shop#password"), "{error}");
            assert!(!format!("{error} {error:?}").contains("hunter2"), "{error:?}");
        }
    }

    #[cfg(not(feature = "aws"))]
    #[tokio::test]
    async fn a_build_without_aws_says_which_build_has_it() {
        let error = read("aws-sm:shop").await.unwrap_err().to_string();
        assert!(error.contains("this build has no AWS secrets: build with --features cloud"));
    }
}
