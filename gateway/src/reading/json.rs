//! JSON into types, with a JSON pointer to what is wrong.

use schemas::http::ProblemCode;
use serde::de::DeserializeOwned;
use serde_path_to_error::Segment;

use super::body::{expect_json, read_body};
use crate::call::Call;
use crate::problem::Refusal;

/// Reads the body of a call as `T`.
pub(crate) async fn read_json<T: DeserializeOwned>(call: &Call) -> Result<T, Refusal> {
    expect_json(&call.headers)?;
    parse_json(&read_body(call).await?)
}

/// Reads `bytes` as `T`, and nothing after it.
pub(crate) fn parse_json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Refusal> {
    // Paths cost something, so they are only looked for in what is known to be wrong.
    serde_json::from_slice(bytes).map_err(|fault| locate::<T>(bytes, &fault))
}

fn locate<T: DeserializeOwned>(bytes: &[u8], fault: &serde_json::Error) -> Refusal {
    if !fault.is_data() {
        return Refusal::new(ProblemCode::Malformed, format!("not JSON: {fault}"));
    }
    let mut source = serde_json::Deserializer::from_slice(bytes);
    let Err(located) = serde_path_to_error::deserialize::<_, T>(&mut source) else {
        return Refusal::new(ProblemCode::Malformed, fault.to_string());
    };
    let mut pointer = String::new();
    for segment in located.path() {
        match segment {
            Segment::Seq { index } => pointer.push_str(&format!("/{index}")),
            Segment::Map { key } => push_name(&mut pointer, key),
            Segment::Enum { variant } => push_name(&mut pointer, variant),
            Segment::Unknown => {}
        }
    }
    let detail = located.inner().to_string();
    for prefix in ["missing field `", "unknown field `", "duplicate field `"] {
        let named = detail.strip_prefix(prefix).and_then(|rest| rest.split('`').next());
        if let Some(name) = named
            && !ends_with_name(&pointer, name)
        {
            push_name(&mut pointer, name);
        }
    }
    Refusal::field(ProblemCode::Malformed, pointer, detail)
}

fn push_name(pointer: &mut String, name: &str) {
    pointer.push('/');
    pointer.push_str(&name.replace('~', "~0").replace('/', "~1"));
}

fn ends_with_name(pointer: &str, name: &str) -> bool {
    let mut tail = String::new();
    push_name(&mut tail, name);
    pointer.ends_with(&tail)
}

#[cfg(test)]
mod tests {
    use http::StatusCode;
    use http_body_util::BodyExt;
    use schemas::http::{DealRequest, Problem, PurchaseRequest};
    use serde::de::DeserializeOwned;

    use super::parse_json;
    use crate::retry::Dice;

    #[track_caller]
    fn check<T: DeserializeOwned + std::fmt::Debug>(body: &[u8], pointer: Option<&str>) {
        let response = parse_json::<T>(body).unwrap_err().into_response(&Dice::new(1));
        assert_eq!(response.status(), StatusCode::BAD_REQUEST);
        let collected = futures_executor::block_on(response.into_body().collect()).unwrap();
        let problem: Problem = serde_json::from_slice(&collected.to_bytes()).unwrap();
        let found = problem.errors.map(|errors| errors[0].pointer.clone());
        assert_eq!(found.as_deref(), pointer, "{}: {}", body.escape_ascii(), problem.detail);
    }

    #[test]
    fn the_field_at_fault_is_named() {
        let id = r#""deal_id":"6d1f5a0e-2c4b-5e6f-9a7d-31c840b297e5""#;
        let purchase = |text: &str, pointer| {
            check::<PurchaseRequest>(text.replace("ID", id).as_bytes(), pointer);
        };
        purchase("{ID}", Some("/quantity"));
        purchase(r#"{ID,"quantity":"1"}"#, Some("/quantity"));
        purchase(r#"{ID,"quantity":1.5}"#, Some("/quantity"));
        purchase(r#"{ID,"quantity":99999999999999999999}"#, Some("/quantity"));
        purchase(r#"{ID,"quantity":1,"colour":2}"#, Some("/colour"));
        purchase(r#"{ID,"quantity":1,"a/b~c":2}"#, Some("/a~1b~0c"));
        purchase(r#"{ID,"quantity":1,"quantity":1}"#, Some("/quantity"));
        purchase(r#"{"deal_id":7,"quantity":1}"#, Some("/deal_id"));
        purchase(r#"{ID,"quantity":1,"client_reference":"a b"}"#, Some("/client_reference"));
        purchase("[1,2]", Some(""));
        purchase("null", Some(""));
        purchase("", None);
        purchase("{", None);
        purchase("{ID,\"quantity\":1} x", None);
        check::<PurchaseRequest>(b"{\"deal_id\":\"\xff\"}", None);
        check::<PurchaseRequest>(&b"[".repeat(10_000), Some(""));
    }

    #[test]
    fn a_nested_field_at_fault_is_named() {
        let deal = |text: &str, pointer| check::<DealRequest>(text.as_bytes(), Some(pointer));
        deal(r#"{"price":{"amount":1,"currency":"eur"}}"#, "/price/currency");
        deal(r#"{"price":{"amount":1}}"#, "/price/currency");
        deal(r#"{"price":{"amount":1,"currency":"EUR","x":1}}"#, "/price/x");
        deal(r#"{"product":{"name":1}}"#, "/product/name");
        deal(r#"{"opens_at":"tomorrow"}"#, "/opens_at");
    }
}
