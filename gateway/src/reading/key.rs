//! The Idempotency-Key header.

use http::{HeaderMap, HeaderName};
use schemas::http::ProblemCode;
use schemas::limits::IDEMPOTENCY_KEY_BYTES_MAX;

use crate::problem::Refusal;

const NAME: &str = "Idempotency-Key";
const HEADER: HeaderName = HeaderName::from_static("idempotency-key");

/// The key: 1 to 255 visible ASCII characters. Written bare or as a quoted string it is the same
/// key, so quotes and backslashes cannot be part of one.
pub(crate) fn idempotency_key(headers: &HeaderMap) -> Result<&str, Refusal> {
    let mut values = headers.get_all(HEADER).iter();
    let Some(value) = values.next() else {
        let detail = "this call needs an Idempotency-Key";
        return Err(Refusal::field(ProblemCode::IdempotencyKeyMissing, NAME, detail));
    };
    if values.next().is_some() {
        return Err(invalid("it stands twice"));
    }
    let text = std::str::from_utf8(value.as_bytes()).map_err(|_| invalid("it is not ASCII"))?;
    let quoted = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    let key = quoted.unwrap_or(text);
    let allowed = |byte: u8| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\';
    if !(1..=IDEMPOTENCY_KEY_BYTES_MAX).contains(&key.len()) {
        return Err(invalid("it does not have 1 to 255 characters"));
    }
    if !key.bytes().all(allowed) {
        return Err(invalid("it is not visible ASCII without quotes and backslashes"));
    }
    Ok(key)
}

fn invalid(detail: &str) -> Refusal {
    Refusal::field(ProblemCode::IdempotencyKeyInvalid, NAME, detail)
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue};
    use schemas::http::ProblemCode;

    use super::{NAME, idempotency_key};

    #[track_caller]
    fn check(values: &[&[u8]], expect: Result<&str, ProblemCode>) {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(NAME, HeaderValue::from_bytes(value).unwrap());
        }
        assert_eq!(idempotency_key(&headers).map_err(|refusal| refusal.code()), expect);
    }

    #[test]
    fn bare_and_quoted_are_the_same_key() {
        check(&[b"a-1"], Ok("a-1"));
        check(&[b"\"a-1\""], Ok("a-1"));
        let long = [b'k'; 255];
        check(&[&long], Ok(std::str::from_utf8(&long).unwrap()));
    }

    #[test]
    fn what_is_no_key_is_refused() {
        let invalid = Err(ProblemCode::IdempotencyKeyInvalid);
        check(&[], Err(ProblemCode::IdempotencyKeyMissing));
        check(&[b""], invalid);
        check(&[b"\"\""], invalid);
        check(&[b"\""], invalid);
        check(&[b"a b"], invalid);
        check(&[b"a\tb"], invalid);
        check(&[b"a\"b"], invalid);
        check(&[b"\"a"], invalid);
        check(&["é".as_bytes()], invalid);
        check(&[b"\xff"], invalid);
        check(&[&[b'k'; 256]], invalid);
        check(&[b"a", b"a"], invalid);
    }
}
