//! Purchases as bytes: the same request for every front, written where it is to be sent. Must not
//! know who answers.

use std::io::Write;

use crate::generator::{Answer, Verdict};

/// Writes purchases of these customers, one after the other, of these deals in turn.
pub(crate) struct Purchases<'a> {
    head: String,
    tails: Vec<String>,
    tokens: &'a [String],
    /// Makes keys of one load differ from those of others.
    phase: u16,
}

impl<'a> Purchases<'a> {
    /// `target` is path and query; `phase` differs for every load on the same service.
    pub(crate) fn new(target: &str, tokens: &'a [String], deal_ids: &[String], phase: u16) -> Self {
        let head = format!("POST {target} HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer ");
        let tail = |deal_id: &String| {
            let body = format!("{{\"deal_id\":\"{deal_id}\",\"quantity\":1}}");
            let length = body.len();
            format!("\r\ncontent-length: {length}\r\n\r\n{body}")
        };
        Self { head, tails: deal_ids.iter().map(tail).collect(), tokens, phase }
    }

    /// Appends the request of this number.
    pub(crate) fn write(&self, number: u64, out: &mut Vec<u8>) {
        let index = usize::try_from(number).expect("a count fits the memory");
        out.extend_from_slice(self.head.as_bytes());
        out.extend_from_slice(self.tokens[index % self.tokens.len()].as_bytes());
        out.extend_from_slice(b"\r\ncontent-type: application/json\r\nidempotency-key: ");
        write_key(self.phase, number, out);
        out.extend_from_slice(self.tails[index % self.tails.len()].as_bytes());
    }
}

/// Sixteen hexadecimal digits that no other purchase has: also who buys, where there are no tokens.
pub(crate) fn write_key(phase: u16, number: u64, out: &mut Vec<u8>) {
    write!(out, "{phase:04x}{number:012x}").expect("memory takes all that is written");
}

/// 202, or told to come back.
pub(crate) fn judge_admitted(_: u64, answer: &Answer<'_>) -> Verdict {
    match answer.status {
        202 => Verdict::Wanted,
        503 if answer.says("overloaded") => Verdict::TurnedAway,
        _ => Verdict::Unexpected,
    }
}

/// 409 with this code.
pub(crate) fn judge_sold_out(_: u64, answer: &Answer<'_>) -> Verdict {
    match answer.status == 409 && answer.says("sold-out") {
        true => Verdict::Wanted,
        false => Verdict::Unexpected,
    }
}

/// 200 with an order that is confirmed, or told to come back.
pub(crate) fn judge_confirmed(_: u64, answer: &Answer<'_>) -> Verdict {
    match answer.status {
        200 if answer.says("\"status\":\"confirmed\"") => Verdict::Wanted,
        503 if answer.says("overloaded") => Verdict::TurnedAway,
        _ => Verdict::Unexpected,
    }
}

/// The `order_id` that an answer begins with.
pub(crate) fn order_id(answer: &Answer<'_>) -> Option<String> {
    let text = std::str::from_utf8(answer.body).ok()?;
    Some(text.split_once("\"order_id\":\"")?.1.split_once('"')?.0.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, body: &str) -> Answer<'_> {
        Answer { status, head: b"", body: body.as_bytes() }
    }

    #[test]
    fn customers_and_deals_take_turns_and_every_key_is_new() {
        let tokens = ["a".to_owned(), "b".to_owned(), "c".to_owned()];
        let deals = ["d0".to_owned(), "d1".to_owned()];
        let purchases = Purchases::new("/v1/purchases?wait=1", &tokens, &deals, 0xab);
        let text = |number| {
            let mut out = Vec::new();
            purchases.write(number, &mut out);
            String::from_utf8(out).unwrap()
        };
        assert_eq!(
            text(5),
            "POST /v1/purchases?wait=1 HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer c\r\n\
             content-type: application/json\r\nidempotency-key: 00ab000000000005\r\n\
             content-length: 29\r\n\r\n{\"deal_id\":\"d1\",\"quantity\":1}"
        );
        assert!(text(6).contains("Bearer a\r\n") && text(6).contains("\"d0\""));
    }

    #[test]
    fn only_what_a_contest_is_about_is_wanted() {
        let check = |judge: fn(u64, &Answer<'_>) -> Verdict, status, body, expected| {
            assert_eq!(judge(0, &answer(status, body)), expected, "{status} {body}");
        };
        check(judge_admitted, 202, "{}", Verdict::Wanted);
        check(judge_admitted, 503, "overloaded", Verdict::TurnedAway);
        check(judge_admitted, 503, "log-unavailable", Verdict::Unexpected);
        check(judge_admitted, 200, "{}", Verdict::Unexpected);
        check(judge_sold_out, 409, "\"code\":\"sold-out\"", Verdict::Wanted);
        check(judge_sold_out, 409, "deal-paused", Verdict::Unexpected);
        check(judge_sold_out, 202, "sold-out", Verdict::Unexpected);
        check(judge_confirmed, 200, "{\"status\":\"confirmed\"}", Verdict::Wanted);
        check(judge_confirmed, 200, "{\"status\":\"rejected\"}", Verdict::Unexpected);
    }

    #[test]
    fn an_order_id_is_read_from_the_answer() {
        let body = "{\"order_id\":\"7-8\",\"status\":\"queued\"}";
        assert_eq!(order_id(&answer(202, body)).as_deref(), Some("7-8"));
        assert_eq!(order_id(&answer(202, "{}")), None);
    }
}
