//! Secrets that do not slip out: redacted in every print, compared in constant time.
//!
//! Owns the wrapper [`Secret`], numbered keys ([`KeyRing`]), keys that sign tokens
//! ([`SigningKeys`]), the key files of a data directory ([`DataDirKeys`]), the places where secrets
//! are kept ([`SecretSource`]) and their rotation ([`SecretWatch`], [`Rotating`]). Must not know
//! what is signed with them.

#[cfg(feature = "aws")]
mod aws;
mod data_dir;
mod key_file;
mod key_ring;
mod reader;
mod rotating;
mod signing;
mod signing_keys;
mod source;
mod watch;

use std::fmt;
use subtle::ConstantTimeEq;

pub use data_dir::{DataDirKeys, KeySources};
pub use key_file::{KeyFileError, parse_webhook};
pub use key_ring::{KeyRing, KeyRingFault};
pub use reader::{SecretError, SecretReader};
pub use rotating::{Edition, Rotating};
pub use signing::SigningKeyMaterial;
pub use signing_keys::{SigningKey, SigningKeys};
pub use source::{SecretSource, SourceFault};
pub use watch::{SECRET_INTERVAL, SecretOutcome, SecretWatch, describe_metrics};

/// Fewest bytes of a secret that signs: what HS256 asks for (RFC 7518, 3.2).
pub const SIGNING_BYTES_MIN: usize = 32;

/// A value that prints as `Secret([redacted])` and has no `Display`.
#[derive(Clone)]
pub struct Secret<T>(T);

/// The bytes of a key or a shared secret.
pub type SecretBytes = Secret<Vec<u8>>;

impl<T> Secret<T> {
    /// Wraps `value`.
    pub fn new(value: T) -> Self {
        Self(value)
    }

    /// The value itself; each call is a place to look at when secrets leak.
    pub fn expose(&self) -> &T {
        &self.0
    }
}

impl SecretBytes {
    /// `length` bytes from the system's source of randomness.
    ///
    /// # Errors
    /// If the system has none to give.
    pub fn random(length: usize) -> Result<Self, getrandom::Error> {
        let mut bytes = vec![0; length];
        getrandom::fill(&mut bytes)?;
        Ok(Self(bytes))
    }

    /// The secret as text, such as a password or a URL; the line break with which editors end a
    /// file is no part of it.
    ///
    /// # Errors
    /// What is wrong with it, without showing it: it is empty, or no UTF-8.
    pub fn to_text(&self) -> Result<Secret<String>, String> {
        let text = str::from_utf8(&self.0).map_err(|_| "the secret is no text".to_owned())?;
        let line = text.strip_suffix('\n').unwrap_or(text);
        let line = line.strip_suffix('\r').unwrap_or(line);
        if line.is_empty() {
            Err("the secret is empty".to_owned())
        } else {
            Ok(Secret(line.into()))
        }
    }
}

impl<T> fmt::Debug for Secret<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Secret([redacted])")
    }
}

/// Takes a time that depends on the lengths only.
impl<T: AsRef<[u8]>> PartialEq for Secret<T> {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_ref().ct_eq(other.0.as_ref()).into()
    }
}

impl<T: AsRef<[u8]>> Eq for Secret<T> {}

#[cfg(test)]
mod tests {
    use super::{Secret, SecretBytes};

    #[test]
    fn a_secret_prints_redacted_also_inside_others() {
        let text = Secret::new("hunter2".to_owned());
        let nested = Some((SecretBytes::new(b"hunter2".to_vec()), text));
        let printed = format!("{nested:?} {nested:#?}");
        assert!(printed.contains("[redacted]"));
        assert!(!printed.contains("hunter2"));
        assert!(!printed.contains("104"));
    }

    #[test]
    fn equal_secrets_are_equal_and_others_are_not() {
        let secret = |text: &str| Secret::new(text.to_owned());
        assert_eq!(secret("hunter2"), secret("hunter2"));
        assert_ne!(secret("hunter2"), secret("hunter3"));
        assert_ne!(secret("hunter2"), secret("hunter"));
    }

    #[test]
    fn a_text_ends_before_its_line_break() {
        let text = |bytes: &[u8]| SecretBytes::new(bytes.to_vec()).to_text();
        for bytes in [&b"hunter2"[..], b"hunter2\n", b"hunter2\r\n"] {
            assert_eq!(text(bytes), Ok(Secret::new("hunter2".to_owned())));
        }
        assert_eq!(text(b" hunter2 \n\n"), Ok(Secret::new(" hunter2 \n".to_owned())));
        assert_eq!(text(b"\n"), Err("the secret is empty".to_owned()));
        assert_eq!(text(b"hunter2\xff"), Err("the secret is no text".to_owned()));
    }

    #[test]
    fn random_secrets_have_their_length_and_differ() {
        let (one, two) = (SecretBytes::random(32).unwrap(), SecretBytes::random(32).unwrap());
        assert_eq!(one.expose().len(), 32);
        assert_ne!(one, two);
    }
}
