//! The keys that sign tokens, a list with one that signs: the newer forms of `signing.json`, and
//! all that [`SigningKeyMaterial`] takes as a list of one. Must not know what a token looks like.

use super::key_file::{self, KeyFileError};
use super::{SecretBytes, SigningKeyMaterial};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// Longest name of a key.
const KID_BYTES_MAX: usize = 64;

/// A key with its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SigningKey {
    /// What stands in the header of the tokens it signs; keys of the forms without names have none.
    pub kid: Option<Box<str>>,
    /// The key itself.
    pub material: SigningKeyMaterial,
}

/// Keys that sign tokens, at least one: all verify, one signs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SigningKeys {
    keys: Vec<SigningKey>,
    signs: usize,
}

impl SigningKeys {
    /// Most keys of a list: a token without a name may be tried against all of them.
    pub const KEYS_MAX: usize = 16;

    /// One key without a name.
    pub fn single(material: SigningKeyMaterial) -> Self {
        Self { keys: vec![SigningKey { kid: None, material }], signs: 0 }
    }

    /// Reads a key file in whatever form it has.
    ///
    /// # Errors
    /// If the file cannot be read, or as of [`SigningKeys::from_bytes`].
    pub fn load(path: &Path) -> Result<Self, KeyFileError> {
        let bytes = key_file::read(path)?;
        Self::from_bytes(&bytes).map_err(|reason| KeyFileError::corrupt(path, reason))
    }

    /// Text that begins with `{` is a `signing.json` of either version; anything else is one key
    /// as [`SigningKeyMaterial::from_bytes`] takes it.
    ///
    /// # Errors
    /// What is wrong with the content, without showing it.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, String> {
        if !bytes.trim_ascii_start().starts_with(b"{") {
            return SigningKeyMaterial::from_bytes(bytes).map(Self::single);
        }
        match key_file::version(bytes)? {
            1 => {
                let file: SecretFile = key_file::from_json(bytes)?;
                let Algorithm::Hs256 = file.algorithm else {
                    return Err("version 1 knows HS256 alone".to_owned());
                };
                let secret = key_file::decode(&file.secret, "secret")?;
                Ok(Self::single(SigningKeyMaterial::Hs256(secret)))
            }
            2 => list(key_file::from_json(bytes)?),
            other => Err(format!("version {other} is unknown, this program reads 1 and 2")),
        }
    }

    /// All keys; every one verifies.
    pub fn keys(&self) -> &[SigningKey] {
        &self.keys
    }

    /// The key that signs.
    pub fn signing(&self) -> &SigningKey {
        &self.keys[self.signs]
    }
}

/// `signing.json`, version 1.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SecretFile {
    version: u32,
    algorithm: Algorithm,
    secret: String,
}

/// `signing.json`, version 2.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ListFile {
    #[serde(rename = "version")]
    _version: u32,
    keys: Vec<ListedKey>,
    signs: Option<Box<str>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ListedKey {
    kid: Box<str>,
    algorithm: Algorithm,
    secret: Option<String>,
    private_key: Option<String>,
}

#[derive(Serialize, Deserialize, Clone, Copy)]
enum Algorithm {
    #[serde(rename = "HS256")]
    Hs256,
    #[serde(rename = "EdDSA")]
    EdDsa,
}

/// What a data directory begins with: version 1, which every version of the program reads.
pub(super) fn signing_json(secret: &SecretBytes) -> Vec<u8> {
    key_file::to_json(&SecretFile {
        version: 1,
        algorithm: Algorithm::Hs256,
        secret: STANDARD.encode(secret.expose()),
    })
}

fn list(file: ListFile) -> Result<SigningKeys, String> {
    if file.keys.is_empty() || file.keys.len() > SigningKeys::KEYS_MAX {
        return Err(format!("a list has 1 to {} keys", SigningKeys::KEYS_MAX));
    }
    let mut keys: Vec<SigningKey> = Vec::new();
    for (number, listed) in (1..).zip(&file.keys) {
        let key = take(listed).map_err(|fault| format!("key {number}: {fault}"))?;
        if keys.iter().any(|known| known.kid == key.kid) {
            return Err(format!("key {number}: its kid stands twice in the list"));
        }
        keys.push(key);
    }
    let signs = match &file.signs {
        // The newest stands last.
        None => keys.len() - 1,
        Some(kid) => keys
            .iter()
            .position(|key| key.kid.as_deref() == Some(kid))
            .ok_or_else(|| "no key of the list has the kid that signs".to_owned())?,
    };
    Ok(SigningKeys { keys, signs })
}

fn take(listed: &ListedKey) -> Result<SigningKey, String> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    if !(1..=KID_BYTES_MAX).contains(&listed.kid.len()) || !listed.kid.bytes().all(allowed) {
        return Err(format!("a kid is 1 to {KID_BYTES_MAX} of A-Za-z0-9._-"));
    }
    let material = match (listed.algorithm, &listed.secret, &listed.private_key) {
        (Algorithm::Hs256, Some(secret), None) => {
            SigningKeyMaterial::Hs256(key_file::decode(secret, "secret")?)
        }
        (Algorithm::Hs256, _, _) => return Err("HS256 has a secret and no more".to_owned()),
        (Algorithm::EdDsa, None, Some(pem)) => SigningKeyMaterial::from_pem(pem)?,
        (Algorithm::EdDsa, _, _) => return Err("EdDSA has a private_key and no more".to_owned()),
    };
    Ok(SigningKey { kid: Some(listed.kid.clone()), material })
}

#[cfg(test)]
mod tests {
    use super::{SigningKeys, signing_json};
    use crate::secrets::{SecretBytes, SigningKeyMaterial};

    /// 32 bytes of 0x07, as base64.
    const SEVENS: &str = "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=";
    /// The example key of RFC 8410, 10.3.
    const PEM: &str = "-----BEGIN PRIVATE KEY-----\\n\
        MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\\n\
        -----END PRIVATE KEY-----\\n";

    fn sevens() -> SigningKeyMaterial {
        SigningKeyMaterial::Hs256(SecretBytes::new(vec![7; 32]))
    }

    // These bytes stand in data directories: a change of form needs a new version number.
    #[test]
    fn the_first_version_of_the_file_does_not_change() {
        let file = format!(
            "{{\n  \"version\": 1,\n  \"algorithm\": \"HS256\",\n  \"secret\": \"{SEVENS}\"\n}}\n"
        );
        let secret = SecretBytes::new(vec![7; 32]);
        assert_eq!(String::from_utf8(signing_json(&secret)).unwrap(), file);
        let read = SigningKeys::from_bytes(file.as_bytes());
        assert_eq!(read, Ok(SigningKeys::single(sevens())));
    }

    fn list(signs: &str) -> String {
        format!(
            r#" {{"version":2,"keys":[
            {{"kid":"2026-11","algorithm":"HS256","secret":"{SEVENS}"}},
            {{"kid":"2026-12","algorithm":"EdDSA","private_key":"{PEM}"}}]{signs}}}"#
        )
    }

    #[test]
    fn a_list_signs_with_the_key_that_is_named_or_else_the_last() {
        let keys = SigningKeys::from_bytes(list(r#","signs":"2026-11""#).as_bytes()).unwrap();
        assert_eq!(keys.signing().kid.as_deref(), Some("2026-11"));
        assert_eq!(keys.signing().material, sevens());
        let keys = SigningKeys::from_bytes(list("").as_bytes()).unwrap();
        assert_eq!(keys.signing().kid.as_deref(), Some("2026-12"));
        assert!(matches!(keys.signing().material, SigningKeyMaterial::EdDsaPem(_)));
        assert_eq!(keys.keys().len(), 2);
    }

    #[track_caller]
    fn check(json: &str, expect: &str) {
        let reason = SigningKeys::from_bytes(json.as_bytes()).unwrap_err();
        assert!(reason.contains(expect), "{reason}");
        assert!(!reason.contains("BwcH") && !reason.contains("hunter2"), "{reason}");
    }

    #[test]
    fn corrupt_files_are_refused_without_showing_their_content() {
        check("{", "not JSON");
        check("{\"version\": 1", "not JSON");
        check(
            r#"{"kty":"oct","k":"hunter2"}"#,
            "not the form of this file, from line 1, column 27",
        );
        check(r#"{"version":2,"algorithm":"HS256","secret":""}"#, "not the form");
        check(r#"{"version":3,"hunter2":""}"#, "version 3 is unknown, this program reads 1 and 2");
        check(r#"{"version":1,"algorithm":"hunter2","secret":""}"#, "not the form");
        check(r#"{"version":1,"algorithm":"EdDSA","secret":"hunter2"}"#, "HS256 alone");
        check(r#"{"version":1,"algorithm":"HS256","secret":"","more":1}"#, "not the form");
        check(r#"{"version":"hunter2","algorithm":"HS256","secret":""}"#, "not the form");
        check(r#"{"version":1,"algorithm":"HS256","secret":"hunter2!"}"#, "not padded base64");
        check(r#"{"version":1,"algorithm":"HS256","secret":"BwcH"}"#, "has 3 bytes");
    }

    #[test]
    fn lists_that_cannot_be_used_are_refused_without_showing_their_content() {
        check(r#"{"version":2,"keys":[]}"#, "a list has 1 to 16 keys");
        check(&list(r#","signs":"hunter2""#), "no key of the list has the kid that signs");
        check(&list(r#","more":1"#), "not the form");
        check(&list("").replace("2026-12", "2026-11"), "key 2: its kid stands twice");
        check(&list("").replace("2026-12", "hunter2 "), "key 2: a kid is 1 to 64 of");
        check(&list("").replace("2026-12", &"a".repeat(65)), "key 2: a kid is 1 to 64 of");
        check(&list("").replace("EdDSA", "HS256"), "key 2: HS256 has a secret and no more");
        check(&list("").replace("HS256", "EdDSA"), "key 1: EdDSA has a private_key and no more");
        check(&list("").replace("K2Vw", "K2Vx"), "key 2: the PEM holds no Ed25519 key");
        check(&list("").replace(SEVENS, "BwcH"), "key 1: secret has 3 bytes");
    }
}
