//! One signing key in the forms in which people have them: a bare secret, a PEM. Owns the rule that
//! tells the forms apart; must not know what a token looks like.

use super::{SIGNING_BYTES_MIN, SecretBytes};
use base64::Engine;
use base64::alphabet;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};

/// Padding as it comes: tools differ.
const LENIENT: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
const ANY_STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);
const ANY_URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, LENIENT);

const PEM_BEGIN_ANY: &str = "-----BEGIN ";
const PEM_BEGIN: &str = "-----BEGIN PRIVATE KEY-----";
const PEM_END: &str = "-----END PRIVATE KEY-----";

/// The algorithm identifier of Ed25519 in a PKCS#8 key: OID 1.3.101.112 (RFC 8410, 3).
const ED25519_IDENTIFIER: [u8; 7] = [0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70];

/// A key that signs tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SigningKeyMaterial {
    /// A shared secret of at least [`SIGNING_BYTES_MIN`] bytes.
    Hs256(SecretBytes),
    /// The text of an Ed25519 private key in PKCS#8, PEM-encoded.
    EdDsaPem(SecretBytes),
}

impl SigningKeyMaterial {
    /// Tells the form by the content; the first that fits:
    ///
    /// 1. text that begins with `-----BEGIN`: a PEM, which must hold an Ed25519 key in PKCS#8;
    /// 2. text of hexadecimal digits alone, and nothing else, is a secret as it stands;
    /// 3. text that is base64 (either alphabet, padded or not) of at least
    ///    [`SIGNING_BYTES_MIN`] bytes: those bytes;
    /// 4. anything else of at least [`SIGNING_BYTES_MIN`] bytes is a secret as it stands.
    ///
    /// White space around text does not count.
    ///
    /// # Errors
    /// What is wrong with the content, without showing it.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, String> {
        let Ok(text) = std::str::from_utf8(bytes).map(str::trim) else {
            return take_secret(bytes);
        };
        if text.starts_with(PEM_BEGIN_ANY) {
            return Self::from_pem(text);
        }
        // `openssl rand -hex 32` would pass for base64, but its users mean the text.
        if text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return take_secret(text.as_bytes());
        }
        let decoded = ANY_STANDARD.decode(text).or_else(|_| ANY_URL_SAFE.decode(text)).ok();
        match decoded.filter(|decoded| decoded.len() >= SIGNING_BYTES_MIN) {
            Some(decoded) => take_secret(&decoded),
            None => take_secret(text.as_bytes()),
        }
    }

    /// An Ed25519 private key in PKCS#8, PEM-encoded, and nothing else.
    ///
    /// # Errors
    /// What is wrong with the text, without showing it.
    pub fn from_pem(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let body = text.strip_prefix(PEM_BEGIN).and_then(|rest| rest.strip_suffix(PEM_END));
        let Some(body) = body else {
            return Err("the PEM holds no single PRIVATE KEY (PKCS#8)".to_owned());
        };
        let compact: String = body.split_whitespace().collect();
        let der =
            STANDARD.decode(compact).map_err(|_| "the PEM is not base64 inside".to_owned())?;
        if !der.windows(ED25519_IDENTIFIER.len()).any(|window| window == ED25519_IDENTIFIER) {
            return Err("the PEM holds no Ed25519 key".to_owned());
        }
        let mut pem = text.as_bytes().to_vec();
        pem.push(b'\n');
        Ok(Self::EdDsaPem(SecretBytes::new(pem)))
    }
}

fn take_secret(bytes: &[u8]) -> Result<SigningKeyMaterial, String> {
    if bytes.len() < SIGNING_BYTES_MIN {
        let found = bytes.len();
        return Err(format!("the secret has {found} bytes, fewer than {SIGNING_BYTES_MIN}"));
    }
    Ok(SigningKeyMaterial::Hs256(SecretBytes::new(bytes.to_vec())))
}

#[cfg(test)]
mod tests {
    use super::SigningKeyMaterial::{self, EdDsaPem, Hs256};
    use crate::secrets::SecretBytes;

    /// The example key of RFC 8410, 10.3.
    const ED25519_PEM: &str = "-----BEGIN PRIVATE KEY-----\n\
        MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n\
        -----END PRIVATE KEY-----\n";

    #[track_caller]
    fn check_secret(content: &[u8], expect: &[u8]) {
        let expected = Hs256(SecretBytes::new(expect.to_vec()));
        assert!(SigningKeyMaterial::from_bytes(content) == Ok(expected));
    }

    #[track_caller]
    fn check_fault(content: &[u8], expect: &str) {
        assert_eq!(SigningKeyMaterial::from_bytes(content), Err(expect.to_owned()));
    }

    #[test]
    fn a_pem_of_ed25519_is_kept_as_text() {
        let expected = EdDsaPem(SecretBytes::new(ED25519_PEM.as_bytes().to_vec()));
        assert_eq!(SigningKeyMaterial::from_bytes(ED25519_PEM.as_bytes()), Ok(expected));
    }

    #[test]
    fn other_pems_are_refused() {
        let rsa = ED25519_PEM.replace("PRIVATE KEY", "RSA PRIVATE KEY");
        check_fault(rsa.as_bytes(), "the PEM holds no single PRIVATE KEY (PKCS#8)");
        let other = ED25519_PEM.replace("K2Vw", "K2Vx");
        check_fault(other.as_bytes(), "the PEM holds no Ed25519 key");
        let broken = ED25519_PEM.replace("MC4C", "M!4C");
        check_fault(broken.as_bytes(), "the PEM is not base64 inside");
    }

    #[test]
    fn base64_of_enough_bytes_is_decoded() {
        let sevens = "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc";
        check_secret(format!("{sevens}=\n").as_bytes(), &[7; 32]);
        check_secret(sevens.as_bytes(), &[7; 32]);
        check_secret("_".repeat(44).as_bytes(), &[0xff; 33]);
        check_secret("/".repeat(44).as_bytes(), &[0xff; 33]);
    }

    #[test]
    fn other_secrets_are_taken_as_they_stand() {
        check_secret(&[0xfe; 32], &[0xfe; 32]);
        let hex = "0123456789abcdef".repeat(4);
        check_secret(hex.as_bytes(), hex.as_bytes());
        let words = "correct horse battery staple, and more";
        check_secret(format!(" {words}\r\n").as_bytes(), words.as_bytes());
        // Decoded these are 24 bytes, too short; as text they are 32.
        check_secret(&[b'Z'; 32], &[b'Z'; 32]);
    }

    #[test]
    fn short_secrets_are_refused() {
        check_fault(b"", "the secret has 0 bytes, fewer than 32");
        check_fault(b"hunter2", "the secret has 7 bytes, fewer than 32");
        check_fault(&[0xfe; 31], "the secret has 31 bytes, fewer than 32");
    }
}
