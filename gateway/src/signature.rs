//! Signatures of payment notices: `t=<unix seconds>,v1=<hex>`, where v1 is the HMAC-SHA256 of
//! `t + "." + raw body`. Several `v1` may stand there while a secret is being replaced. Pure: the
//! present is handed in. Must not know what a notice says.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// How far the time of a signature may be from the present, in seconds, either way.
pub const TOLERANCE_SECONDS: u64 = 300;
/// Most signatures looked at: no honest sender has more secrets at once.
const SIGNATURES_MAX: usize = 8;

/// Why a signature was not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureFault {
    /// It is missing a part, or fits neither secret.
    #[error("the signature does not fit the body")]
    Invalid,
    /// It fits, but its time is too far from the present.
    #[error("the signature is too old")]
    Stale,
}

/// Checks the header against the raw body. `secrets` are all that are valid now; `now_seconds` is
/// Unix time.
///
/// # Errors
/// If no signature fits, or the one that does is too far from the present.
pub fn verify(
    secrets: &[impl AsRef<[u8]>],
    header: &str,
    body: &[u8],
    now_seconds: i64,
) -> Result<(), SignatureFault> {
    let (time, signatures) = parse(header).ok_or(SignatureFault::Invalid)?;
    let seconds: i64 = time.parse().map_err(|_| SignatureFault::Invalid)?;
    let fits = |secret: &[u8]| {
        let signed = mac(secret, time, body);
        signatures.iter().any(|signature| signed.clone().verify_slice(signature).is_ok())
    };
    if !secrets.iter().any(|secret| fits(secret.as_ref())) {
        return Err(SignatureFault::Invalid);
    }
    // Only after the signature fits, so that a forger learns nothing of this clock.
    if now_seconds.abs_diff(seconds) > TOLERANCE_SECONDS {
        return Err(SignatureFault::Stale);
    }
    Ok(())
}

/// The header that signs `body` at `now_seconds`.
#[must_use]
pub fn sign(secret: &[u8], now_seconds: i64, body: &[u8]) -> String {
    let time = now_seconds.to_string();
    let signed = mac(secret, &time, body).finalize().into_bytes();
    let mut header = format!("t={time},v1=");
    for byte in &signed {
        header.extend([byte >> 4, byte & 0xf].map(hex_digit));
    }
    header
}

fn mac(secret: &[u8], time: &str, body: &[u8]) -> Hmac<Sha256> {
    let keyed = Hmac::new_from_slice(secret).expect("HMAC takes any length");
    Mac::chain_update(keyed, time).chain_update(b".").chain_update(body)
}

fn parse(header: &str) -> Option<(&str, Vec<[u8; 32]>)> {
    let (mut time, mut signatures) = (None, Vec::new());
    for part in header.split(',') {
        match part.trim().split_once('=')? {
            ("t", _) if time.is_some() => return None,
            ("t", value) => time = Some(value),
            ("v1", value) if signatures.len() < SIGNATURES_MAX => signatures.push(unhex(value)?),
            ("v1", _) => return None,
            // A later scheme beside this one is not this one's affair.
            _ => {}
        }
    }
    Some((time?, signatures))
}

fn hex_digit(digit: u8) -> char {
    char::from_digit(u32::from(digit), 16).expect("four bits are one hexadecimal digit")
}

fn unhex(text: &str) -> Option<[u8; 32]> {
    let digits: Vec<u8> =
        text.chars().map(|c| u8::try_from(c.to_digit(16)?).ok()).collect::<Option<_>>()?;
    let (pairs, []) = digits.as_chunks::<2>() else { return None };
    let bytes: Vec<u8> = pairs.iter().map(|[high, low]| high << 4 | low).collect();
    bytes.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::{SignatureFault, sign, verify};

    const BODY: &[u8] = br#"{"payment_id":"p1"}"#;
    const NOW: i64 = 1_700_000_000;

    #[track_caller]
    fn check(header: &str, body: &[u8], now: i64, expected: Result<(), SignatureFault>) {
        assert_eq!(verify(&[b"new".as_slice(), b"old"], header, body, now), expected, "{header}");
    }

    #[test]
    fn the_header_is_what_other_languages_compute() {
        // echo -n '1700000000.{"payment_id":"p1"}' | openssl dgst -sha256 -hmac new
        let expected = "t=1700000000,v1=\
            1414c2905977380d95883d37ad9c4b165f9b6b1ae07b414581d2f2502e96a9f3";
        assert_eq!(sign(b"new", NOW, BODY), expected);
    }

    #[test]
    fn every_valid_secret_signs() {
        for secret in ["new", "old"] {
            check(&sign(secret.as_bytes(), NOW, BODY), BODY, NOW, Ok(()));
        }
        let two = format!("{},v1={}", sign(b"new", NOW, BODY), "00".repeat(32));
        check(&two, BODY, NOW, Ok(()));
        check(&format!("{}, v2=later", sign(b"new", NOW, BODY)), BODY, NOW, Ok(()));
    }

    #[test]
    fn what_does_not_fit_is_invalid() {
        let good = sign(b"new", NOW, BODY);
        let invalid = Err(SignatureFault::Invalid);
        check(&sign(b"other", NOW, BODY), BODY, NOW, invalid);
        check(&good, b"{}", NOW, invalid);
        check(&good.replace("t=1700000000", "t=1700000001"), BODY, NOW, invalid);
        check(&good.replace("t=1700000000,", ""), BODY, NOW, invalid);
        check(&good.replace(",v1=", ",v0="), BODY, NOW, invalid);
        check(&good[..good.len() - 2], BODY, NOW, invalid);
        check(&format!("{good},t=1"), BODY, NOW, invalid);
        check(&format!("{good}{}", ",v1=".repeat(9)), BODY, NOW, invalid);
        for nonsense in ["", ",", "t=,v1=", "t=1,v1=ü", "v1", "t=x,v1=00"] {
            check(nonsense, BODY, NOW, invalid);
        }
    }

    #[test]
    fn a_signature_is_good_for_300_seconds_either_way() {
        let header = sign(b"old", NOW, BODY);
        check(&header, BODY, NOW + 300, Ok(()));
        check(&header, BODY, NOW - 300, Ok(()));
        check(&header, BODY, NOW + 301, Err(SignatureFault::Stale));
        check(&header, BODY, NOW - 301, Err(SignatureFault::Stale));
        check(&header, b"{}", NOW + 301, Err(SignatureFault::Invalid));
    }
}
