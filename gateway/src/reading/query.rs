//! Query parameters: each known, each at most once.

use std::time::Duration;

use http::Uri;
use schemas::http::ProblemCode;

use crate::problem::Refusal;

/// Longest wait that may be asked for, in seconds.
const WAIT_SECONDS_MAX: u64 = 30;

/// Page sizes that may be asked for.
const LIMIT_MIN: u32 = 20;
const LIMIT_MAX: u32 = 100;

/// The parameters of a query, decoded.
#[derive(Debug)]
pub(crate) struct Query(Vec<(&'static str, String)>);

impl Query {
    /// Reads the query; parameters other than the `known` are refused.
    pub(crate) fn read(uri: &Uri, known: &[&'static str]) -> Result<Self, Refusal> {
        let mut found = Vec::new();
        let pairs = uri.query().unwrap_or("").split('&').filter(|pair| !pair.is_empty());
        for pair in pairs {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let Some(name) = known.iter().find(|known| **known == name) else {
                let detail = "there is no such query parameter";
                return Err(Refusal::field(ProblemCode::Malformed, shown(name), detail));
            };
            if found.iter().any(|(other, _)| other == name) {
                return Err(Refusal::field(ProblemCode::Malformed, *name, "it stands twice"));
            }
            let Some(value) = decode(value) else {
                let detail = "it is not percent-encoded UTF-8";
                return Err(Refusal::field(ProblemCode::Malformed, *name, detail));
            };
            found.push((*name, value));
        }
        Ok(Self(found))
    }

    /// The value of a parameter.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(found, _)| *found == name).map(|(_, value)| value.as_str())
    }

    /// `wait`: whole seconds, at most 30; none is 0.
    pub(crate) fn wait(&self) -> Result<Duration, Refusal> {
        let Some(text) = self.get("wait") else {
            return Ok(Duration::ZERO);
        };
        match digits(text).filter(|seconds| *seconds <= WAIT_SECONDS_MAX) {
            Some(seconds) => Ok(Duration::from_secs(seconds)),
            None => Err(out_of_range("wait", "not whole seconds from 0 to 30")),
        }
    }

    /// `limit`: 20 to 100; none is 20.
    pub(crate) fn limit(&self) -> Result<u32, Refusal> {
        let Some(text) = self.get("limit") else {
            return Ok(LIMIT_MIN);
        };
        let limit = digits(text).and_then(|number| u32::try_from(number).ok());
        let fitting = limit.filter(|limit| (LIMIT_MIN..=LIMIT_MAX).contains(limit));
        fitting.ok_or_else(|| out_of_range("limit", "not a whole number from 20 to 100"))
    }
}

/// A number of nothing but digits: no sign, no space.
fn digits(text: &str) -> Option<u64> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

pub(super) fn out_of_range(name: &str, detail: &str) -> Refusal {
    Refusal::field(ProblemCode::OutOfRange, name, detail)
}

/// A name of the client's own, cut to what an answer may repeat.
fn shown(name: &str) -> String {
    name.chars().take(64).collect()
}

/// `%41+b` is `A b`.
fn decode(text: &str) -> Option<String> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        out.push(match byte {
            b'+' => b' ',
            b'%' => {
                let high = char::from(bytes.next()?).to_digit(16)?;
                let low = char::from(bytes.next()?).to_digit(16)?;
                u8::try_from(high * 16 + low).expect("two hexadecimal digits are a byte")
            }
            byte => byte,
        });
    }
    String::from_utf8(out).ok()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use schemas::http::ProblemCode;

    use super::Query;

    fn read(query: &str) -> Result<Query, ProblemCode> {
        let uri = format!("/v1?{query}").parse().unwrap();
        Query::read(&uri, &["wait", "limit", "cursor"]).map_err(|refusal| refusal.code())
    }

    #[test]
    fn known_parameters_are_decoded() {
        let query = read("wait=30&limit=20&cursor=a%2Bb+c").unwrap();
        assert_eq!(query.wait().unwrap(), Duration::from_secs(30));
        assert_eq!(query.limit().unwrap(), 20);
        assert_eq!(query.get("cursor"), Some("a+b c"));
        let query = read("").unwrap();
        assert_eq!(query.wait().unwrap(), Duration::ZERO);
        assert_eq!(query.limit().unwrap(), 20);
        assert_eq!(query.get("cursor"), None);
    }

    #[test]
    fn other_parameters_are_refused() {
        for bad in ["colour=1", "wait=1&wait=1", "cursor=%zz", "cursor=%f", "cursor=%ff"] {
            assert_eq!(read(bad).unwrap_err(), ProblemCode::Malformed, "{bad}");
        }
    }

    #[test]
    fn values_out_of_range_are_refused() {
        for bad in ["31", "-1", "+1", "1.5", "", "x", "99999999999999999999"] {
            let query = read(&format!("wait={bad}&limit={bad}")).unwrap();
            let out_of_range = ProblemCode::OutOfRange;
            assert_eq!(query.wait().unwrap_err().code(), out_of_range, "{bad}");
            let limit = query.limit().map_err(|refusal| refusal.code());
            assert!(limit == Err(out_of_range) || bad == "31", "{bad}");
        }
    }
}
