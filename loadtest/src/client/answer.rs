//! What an answer says: a ticket, a decision, a refusal, come back, or something that no call
//! documents. Pure. Must not know what its reader does next.

use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::response::Parts;
use schemas::http::{Order, OrderStatus, Problem, ProblemCode};
use serde::de::DeserializeOwned;

use crate::history::{Moment, Seen};

/// So much of a strange body is quoted, in bytes.
const QUOTE_BYTES_MAX: usize = 120;

/// A whole answer, and when its request was made and sent.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) head: Parts,
    pub(crate) body: Bytes,
    /// Which gateway it is from: its place in the plan.
    pub(crate) gateway: usize,
    /// When the request was made, with all that was known then.
    pub(crate) asked: Moment,
    /// When there was a connection for it.
    pub(crate) sent: Moment,
    pub(crate) received: Moment,
    /// Number of the gateway's connection that it came by.
    pub(crate) connection: u64,
}

/// What the answer to a purchase says.
#[derive(Debug)]
pub(crate) enum PurchaseReading {
    /// 202, or 200 where the order is still queued: ask for it.
    Queued(Box<Order>),
    /// 200: it is decided.
    Decided(Box<Order>),
    /// Refused at the door, for good.
    Refused(Box<Problem>),
    /// Send the same again later.
    ComeBack(ProblemCode),
    /// Nothing that the call documents.
    Unexpected(String),
}

/// What the answer to the question for an order says.
#[derive(Debug)]
pub(crate) enum OrderReading {
    /// As it stands.
    Order(Box<Order>),
    /// Ask again later.
    ComeBack,
    /// The service denies an order that it gave out.
    Denied(String),
    /// Nothing that the call documents.
    Unexpected(String),
}

impl Answer {
    fn header(&self, name: impl http::header::AsHeaderName) -> Option<&str> {
        self.head.headers.get(name)?.to_str().ok()
    }

    /// When to come again: what a problem says of milliseconds, or else `Retry-After`, which is
    /// always delta-seconds.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        let seconds = self.header(RETRY_AFTER)?.parse().ok().map(Duration::from_secs);
        let millis = problem_of(self).ok().and_then(|problem| problem.retry_after_ms);
        millis.map(|millis| Duration::from_millis(millis.into())).or(seconds)
    }

    /// `Timedeal-Seen`.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.header("timedeal-seen").map(parse_seen).unwrap_or_default()
    }
}

/// Reads the answer to `POST /v1/purchases`.
pub(crate) fn read_purchase(answer: &Answer) -> PurchaseReading {
    match answer.head.status.as_u16() {
        200 | 202 => match json_of::<Order>(answer) {
            Ok(order) if order.status == OrderStatus::Queued => {
                PurchaseReading::Queued(Box::new(order))
            }
            Ok(order) if answer.head.status.as_u16() == 200 => {
                PurchaseReading::Decided(Box::new(order))
            }
            Ok(order) => PurchaseReading::Unexpected(format!(
                "202 with an order that is {}",
                order.status.as_str()
            )),
            Err(fault) => PurchaseReading::Unexpected(fault),
        },
        _ => match problem_of(answer) {
            Ok(problem) if comes_back(problem.code) => PurchaseReading::ComeBack(problem.code),
            Ok(problem) if is_door_refusal(problem.code) => {
                PurchaseReading::Refused(Box::new(problem))
            }
            Ok(_) => PurchaseReading::Unexpected(describe_fault(answer, "not expected here")),
            Err(fault) => PurchaseReading::Unexpected(fault),
        },
    }
}

/// Reads the answer to `GET /v1/orders/{id}`.
pub(crate) fn read_order(answer: &Answer) -> OrderReading {
    if answer.head.status.as_u16() == 200 {
        return match json_of::<Order>(answer) {
            Ok(order) => OrderReading::Order(Box::new(order)),
            Err(fault) => OrderReading::Unexpected(fault),
        };
    }
    match problem_of(answer) {
        Ok(problem) if comes_back(problem.code) => OrderReading::ComeBack,
        Ok(problem) if problem.code == ProblemCode::OrderNotFound => {
            OrderReading::Denied(describe_fault(answer, "for an order that was given out"))
        }
        Ok(_) => OrderReading::Unexpected(describe_fault(answer, "not expected here")),
        Err(fault) => OrderReading::Unexpected(fault),
    }
}

/// Whether the same request may be sent again: nothing was decided, or nobody knows.
fn comes_back(code: ProblemCode) -> bool {
    matches!(code.status(), 408 | 429 | 503) || code == ProblemCode::DealNotOpen
}

/// What the door of an open deal may say for good.
fn is_door_refusal(code: ProblemCode) -> bool {
    [
        ProblemCode::SoldOut,
        ProblemCode::InsufficientStock,
        ProblemCode::LimitExceeded,
        ProblemCode::IdempotencyKeyReused,
    ]
    .contains(&code)
}

/// The body of a success.
pub(crate) fn json_of<T: DeserializeOwned>(answer: &Answer) -> Result<T, String> {
    if !is_of_type(answer, "application/json") {
        return Err(describe_fault(answer, "is not application/json"));
    }
    serde_json::from_slice(&answer.body)
        .map_err(|fault| describe_fault(answer, &format!("does not read: {fault}")))
}

/// The body of a refusal, which agrees with its status.
pub(crate) fn problem_of(answer: &Answer) -> Result<Problem, String> {
    if !is_of_type(answer, "application/problem+json") {
        return Err(describe_fault(answer, "is not application/problem+json"));
    }
    let problem: Problem = serde_json::from_slice(&answer.body)
        .map_err(|fault| describe_fault(answer, &format!("does not read: {fault}")))?;
    let status = answer.head.status.as_u16();
    if problem.status != status || problem.code.status() != status {
        return Err(describe_fault(answer, "has a code of another status"));
    }
    Ok(problem)
}

fn is_of_type(answer: &Answer, expected: &str) -> bool {
    let found = answer.header(CONTENT_TYPE).and_then(|value| value.split(';').next());
    found.is_some_and(|found| found.trim().eq_ignore_ascii_case(expected))
}

/// An answer and what is wrong with it, for people.
pub(crate) fn describe_fault(answer: &Answer, fault: &str) -> String {
    let start = &answer.body[..answer.body.len().min(QUOTE_BYTES_MAX)];
    format!("{} {fault}: {}", answer.head.status.as_u16(), String::from_utf8_lossy(start))
}

/// Reads `Timedeal-Seen`; what cannot be read is left out.
pub(crate) fn parse_seen(header: &str) -> Vec<Seen> {
    header.split(',').filter_map(|entry| parse_entry(entry.trim())).collect()
}

fn parse_entry(entry: &str) -> Option<Seen> {
    let (place, decided_next) = entry.split_once(':')?;
    let (log_id, partition) = place.split_once('.')?;
    Some(Seen {
        log_id: log_id.parse().ok()?,
        partition: partition.parse().ok()?,
        decided_next: decided_next.parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ORDER: &str = r#"{"order_id":"00000000-0000-8000-8000-000000000000","status":"STATUS"}"#;

    fn answer(status: u16, kind: &str, body: &str) -> Answer {
        let response = http::Response::builder().status(status).header(CONTENT_TYPE, kind);
        let (head, ()) = response.body(()).unwrap().into_parts();
        let body = Bytes::copy_from_slice(body.as_bytes());
        let [asked, sent, received] = [0, 1, 2].map(Moment);
        Answer { head, body, gateway: 0, asked, sent, received, connection: 1 }
    }

    fn refusal(code: ProblemCode) -> Answer {
        let body = serde_json::to_string(&Problem::new(code, "why")).unwrap();
        answer(code.status(), "application/problem+json", &body)
    }

    fn order(status: u16, order_status: &str) -> Answer {
        answer(status, "application/json; charset=utf-8", &ORDER.replace("STATUS", order_status))
    }

    fn kind_of(reading: &PurchaseReading) -> &'static str {
        match reading {
            PurchaseReading::Queued(_) => "queued",
            PurchaseReading::Decided(_) => "decided",
            PurchaseReading::Refused(_) => "refused",
            PurchaseReading::ComeBack(_) => "come back",
            PurchaseReading::Unexpected(_) => "unexpected",
        }
    }

    #[track_caller]
    fn check(answer: &Answer, expected: &str) {
        let reading = read_purchase(answer);
        assert_eq!(kind_of(&reading), expected, "{reading:?}");
    }

    #[test]
    fn purchases_are_read_by_status_and_code() {
        check(&order(202, "queued"), "queued");
        check(&order(200, "queued"), "queued");
        check(&order(200, "rejected"), "decided");
        check(&order(202, "confirmed"), "unexpected");
        check(&order(201, "queued"), "unexpected");
        check(&order(200, "sold"), "unexpected");
        check(&answer(200, "text/html", &ORDER.replace("STATUS", "queued")), "unexpected");
        check(&answer(500, "text/plain", "oh"), "unexpected");
        check(&answer(503, "application/json", "{}"), "unexpected");
        let body = serde_json::to_string(&Problem::new(ProblemCode::SoldOut, "")).unwrap();
        check(&answer(503, "application/problem+json", &body), "unexpected");
    }

    #[test]
    fn every_code_is_a_refusal_a_retry_or_a_fault() {
        for &code in ProblemCode::ALL {
            let expected = match code.as_str() {
                "sold-out" | "insufficient-stock" | "limit-exceeded" | "idempotency-key-reused" => {
                    "refused"
                }
                "request-timeout"
                | "rate-limited"
                | "overloaded"
                | "outcome-unknown"
                | "log-unavailable"
                | "view-behind"
                | "history-unavailable"
                | "not-ready"
                | "deal-not-open" => "come back",
                _ => "unexpected",
            };
            check(&refusal(code), expected);
        }
    }

    #[test]
    fn a_denied_order_is_more_than_an_unexpected_answer() {
        let denied = read_order(&refusal(ProblemCode::OrderNotFound));
        assert!(matches!(denied, OrderReading::Denied(_)), "{denied:?}");
        let behind = read_order(&refusal(ProblemCode::ViewBehind));
        assert!(matches!(behind, OrderReading::ComeBack), "{behind:?}");
        let strange = read_order(&order(202, "queued"));
        assert!(matches!(strange, OrderReading::Unexpected(_)), "{strange:?}");
        let found = read_order(&order(200, "held"));
        assert!(matches!(found, OrderReading::Order(_)), "{found:?}");
    }

    #[test]
    fn the_seen_header_is_read_as_far_as_it_can_be() {
        let seen = |log_id, partition, decided_next| Seen { log_id, partition, decided_next };
        assert_eq!(parse_seen("3.0:7, 3.63:812,x,3.1"), [seen(3, 0, 7), seen(3, 63, 812)]);
        assert_eq!(parse_seen(""), []);
    }
}
