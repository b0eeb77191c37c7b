//! Refusals on their way out: one problem, its headers, and the one function that makes a response
//! of it. The table of problems is in `schemas`; this must not know which call was refused.

use std::borrow::Cow;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, StatusCode, header};
use schemas::Timestamp;
use schemas::http::{Problem, ProblemCode};
use warp::Reply;
use warp::reply::Response;

use crate::answer::whole_seconds;
use crate::retry::Dice;
use crate::written;

/// The media type of every problem.
pub(crate) const PROBLEM_JSON: HeaderValue = HeaderValue::from_static("application/problem+json");

/// How a 401 says what it wants.
pub(crate) const BEARER: HeaderValue = HeaderValue::from_static(r#"Bearer realm="timedeal""#);
const BEARER_INVALID: HeaderValue =
    HeaderValue::from_static(r#"Bearer realm="timedeal", error="invalid_token""#);
/// How a 403 says what the token lacks.
pub(crate) const BEARER_SCOPE: HeaderValue =
    HeaderValue::from_static(r#"Bearer realm="timedeal", error="insufficient_scope""#);
const SIGNATURE: HeaderValue = HeaderValue::from_static(r#"Timedeal-Signature realm="payments""#);
const PASSWORD: HeaderValue = HeaderValue::from_static(r#"Password realm="accounts""#);

/// When to come again if nothing better is known.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// A call refused. Boxed: results of handlers stay small.
#[derive(Clone, Debug)]
pub(crate) struct Refusal(Box<Refused>);

#[derive(Clone, Debug)]
struct Refused {
    problem: Problem,
    /// The problem as it was written, if it was.
    body: Option<Bytes>,
    retry_after: Option<Duration>,
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl Refusal {
    /// A refusal with this code for this reason.
    pub(crate) fn new(code: ProblemCode, detail: impl Into<Cow<'static, str>>) -> Self {
        Self::from(Problem::new(code, detail))
    }

    /// A refusal with this code, about a field, a header or a query parameter.
    pub(crate) fn field(
        code: ProblemCode,
        pointer: impl Into<String>,
        detail: impl Into<String>,
    ) -> Self {
        Self::from(Problem::with_field(code, pointer, detail))
    }

    /// A token is missing: the client did nothing wrong yet.
    pub(crate) fn token_missing() -> Self {
        let mut refusal = Self::new(ProblemCode::Unauthenticated, "no bearer token was sent");
        refusal.0.headers.push((header::WWW_AUTHENTICATE, BEARER));
        refusal
    }

    /// Adds a header.
    pub(crate) fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.0.headers.push((name, value));
        self
    }

    /// Says when to come again.
    pub(crate) fn after(mut self, wait: Duration) -> Self {
        self.0.retry_after = Some(wait);
        self
    }

    /// Says when to come again, to the millisecond: `Retry-After` knows whole seconds only. The
    /// wait is one that is spread already.
    pub(crate) fn after_millis(mut self, wait: Duration) -> Self {
        let millis = u32::try_from(wait.as_millis()).unwrap_or(u32::MAX);
        self.0.problem.retry_after_ms = Some(millis);
        self
    }

    /// Says how old the knowledge was that it rests on.
    pub(crate) fn resting_on(mut self, time: Timestamp) -> Self {
        self.0.problem.as_of = Some(time);
        self
    }

    /// Says whether trying again can help this time.
    pub(crate) fn retryable(mut self, retryable: bool) -> Self {
        self.0.problem.retryable = retryable;
        self
    }

    /// Writes the body, which clones share. Nothing of it may be changed after that.
    pub(crate) fn written(mut self) -> Self {
        self.0.body = Some(written::json(&self.0.problem));
        self
    }

    /// The code.
    #[cfg(test)]
    pub(crate) fn code(&self) -> ProblemCode {
        self.0.problem.code
    }

    /// The response that says it.
    pub(crate) fn into_response(self, dice: &Dice) -> Response {
        self.into_bytes(dice).into_response()
    }

    /// The same with a body in one piece.
    pub(crate) fn into_bytes(self, dice: &Dice) -> http::Response<Bytes> {
        let Refused { problem, body, retry_after, headers } = *self.0;
        let body = body.unwrap_or_else(|| written::json(&problem));
        let status = StatusCode::from_u16(problem.status).expect("the table has valid statuses");
        let no_store = HeaderValue::from_static("no-store");
        let mut response = written::response(status, body, (PROBLEM_JSON, no_store));
        let out = response.headers_mut();
        for (name, value) in headers {
            out.append(name, value);
        }
        if let Some(challenge) = challenge(problem.code)
            && !out.contains_key(header::WWW_AUTHENTICATE)
        {
            out.insert(header::WWW_AUTHENTICATE, challenge);
        }
        let seconds = match problem.retry_after_ms {
            // The header never says more or less than the body.
            Some(millis) => Some(whole_seconds(Duration::from_millis(millis.into())).into()),
            None => retry_after
                .or_else(|| default_wait(problem.code))
                .map(|wait| dice.retry_after(wait)),
        };
        if let Some(seconds) = seconds {
            out.insert(header::RETRY_AFTER, seconds);
        }
        response
    }
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        Self(Box::new(Refused { problem, body: None, retry_after: None, headers: Vec::new() }))
    }
}

/// What a 401 asks for.
fn challenge(code: ProblemCode) -> Option<HeaderValue> {
    if code.status() != StatusCode::UNAUTHORIZED.as_u16() {
        return None;
    }
    let signed = [ProblemCode::SignatureInvalid, ProblemCode::SignatureStale];
    if signed.contains(&code) {
        Some(SIGNATURE)
    } else if code == ProblemCode::CredentialsInvalid {
        Some(PASSWORD)
    } else {
        Some(BEARER_INVALID)
    }
}

/// Whoever is sent away for a moment is told for how long.
fn default_wait(code: ProblemCode) -> Option<Duration> {
    let momentary = matches!(code.status(), 429 | 503) || code == ProblemCode::DealNotOpen;
    momentary.then_some(RETRY_AFTER)
}

#[cfg(test)]
mod tests {
    use http::header;
    use schemas::http::ProblemCode;

    use super::Refusal;
    use crate::retry::Dice;

    #[test]
    fn every_code_has_the_headers_that_its_status_asks_for() {
        let dice = Dice::new(1);
        for code in ProblemCode::ALL {
            let response = Refusal::new(*code, "so").into_response(&dice);
            assert_eq!(response.status().as_u16(), code.status());
            assert!(!response.status().is_server_error() || code.status() == 503, "{code:?}");
            let headers = response.headers();
            assert_eq!(headers[header::CONTENT_TYPE], "application/problem+json");
            let challenged = headers.contains_key(header::WWW_AUTHENTICATE);
            assert_eq!(challenged, code.status() == 401, "{code:?}");
            let momentary = matches!(code.status(), 429 | 503);
            assert!(!momentary || headers.contains_key(header::RETRY_AFTER), "{code:?}");
        }
    }
}
