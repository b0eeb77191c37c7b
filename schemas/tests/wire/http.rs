//! HTTP: the table of problems, requests that take nothing unknown, and the order as it is shown.

use std::collections::BTreeSet;

use schemas::http::{
    AccountRequest, CommandAnswer, CommandStatus, DealRequest, DealStatus, FieldFault, Order,
    OrderStatus, PaymentNotice, Problem, ProblemCode, PurchaseRequest, ScheduleRequest,
    SessionRequest, StockAdjustmentRequest,
};
use schemas::log::RefusalCode;
use schemas::{Money, Timestamp};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::bless;

/// Every code under its HTTP status, as the description of the API lists them.
const PROBLEMS: &[(u16, &[&str])] = &[
    (400, &["malformed", "idempotency-key-missing", "idempotency-key-invalid"]),
    (401, &["unauthenticated", "signature-invalid", "signature-stale", "credentials-invalid"]),
    (403, &["forbidden"]),
    (404, &["not-found", "deal-not-found", "order-not-found"]),
    (405, &["method-not-allowed"]),
    (408, &["request-timeout"]),
    (409, &["deal-not-open", "deal-paused", "deal-closed", "deal-retired", "deal-already-open"]),
    (409, &["sold-out", "insufficient-stock", "limit-exceeded", "order-not-cancellable"]),
    (409, &["stock-below-committed", "payment-id-reused", "email-taken"]),
    (413, &["body-too-large"]),
    (415, &["unsupported-media-type"]),
    (422, &["out-of-range", "idempotency-key-reused"]),
    (429, &["rate-limited"]),
    (431, &["headers-too-large"]),
    (503, &["overloaded", "outcome-unknown", "log-unavailable", "view-behind"]),
    (503, &["history-unavailable", "not-ready"]),
];

#[test]
fn the_table_of_problems_is_that_of_the_api() {
    let expected: BTreeSet<(u16, &str)> = PROBLEMS
        .iter()
        .flat_map(|(status, codes)| codes.iter().map(|code| (*status, *code)))
        .collect();
    let table: BTreeSet<_> =
        ProblemCode::ALL.iter().map(|code| (code.status(), code.as_str())).collect();
    assert_eq!(table, expected);
    assert_eq!(ProblemCode::ALL.len(), expected.len(), "no code stands twice");
    let titles: BTreeSet<_> = ProblemCode::ALL.iter().map(|code| code.title()).collect();
    assert_eq!(titles.len(), expected.len(), "no title stands twice");
}

#[test]
fn a_problem_says_the_same_as_the_table() {
    for code in ProblemCode::ALL.iter().copied() {
        let problem = serde_json::to_value(Problem::new(code, "because")).unwrap();
        let expected = json!({
            "type": format!("/problems/{}", code.as_str()), "title": code.title(),
            "status": code.status(), "detail": "because", "code": code.as_str(),
            "retryable": code.retryable(),
        });
        assert_eq!(problem, expected);
        assert_eq!(serde_json::from_value::<Problem>(problem).unwrap().code, code);
    }
}

#[test]
fn what_passes_by_itself_is_retryable() {
    let retryable = ProblemCode::ALL.iter().filter(|code| code.retryable());
    let expected: BTreeSet<_> = retryable.map(|code| code.as_str()).collect();
    let always = ["request-timeout", "rate-limited"];
    let deal = ["deal-not-open", "deal-paused", "insufficient-stock"];
    let unavailable = ProblemCode::ALL.iter().filter(|code| code.status() == 503);
    let table: BTreeSet<_> =
        always.into_iter().chain(deal).chain(unavailable.map(|code| code.as_str())).collect();
    assert_eq!(expected, table);
}

#[test]
fn a_refusal_is_answered_with_its_own_code() {
    for refusal in RefusalCode::ALL {
        let code = ProblemCode::from(refusal);
        assert!((400..500).contains(&code.status()), "{refusal}: a refusal is no fault of ours");
        if refusal == RefusalCode::Unreadable {
            assert_eq!(code, ProblemCode::Malformed);
        } else {
            assert_eq!(code.as_str(), refusal.as_str());
        }
        assert_eq!(RefusalCode::parse(refusal.as_str()), Some(refusal));
        assert_eq!(serde_json::to_value(refusal).unwrap(), refusal.as_str());
    }
    assert_eq!(RefusalCode::parse("no-such-code"), None);
}

#[test]
fn a_problem_names_the_field_and_how_old_its_knowledge_is() {
    let mut problem = Problem::with_field(ProblemCode::OutOfRange, "/quantity", "not in 1..=2");
    problem.as_of = Some(Timestamp::EPOCH);
    let fault = FieldFault { pointer: "/quantity".into(), detail: "not in 1..=2".into() };
    assert_eq!(problem.errors, Some(vec![fault]));
    let value = serde_json::to_value(&problem).unwrap();
    assert_eq!(value["errors"], json!([{ "pointer": "/quantity", "detail": "not in 1..=2" }]));
    assert_eq!(value["as_of"], "1970-01-01T00:00:00.000Z");
}

/// The request is read as it is, and not with an unknown field in any of its objects, without one
/// of its required fields, or as a list of its values.
#[track_caller]
fn check_request<T: DeserializeOwned>(request: &Value, optional: &[&str], objects: &[&str]) {
    let read = |value: &Value| serde_json::from_str::<T>(&value.to_string()).map(drop);
    read(request).unwrap();
    for object in objects {
        let mut more = request.clone();
        more.pointer_mut(object).unwrap()["unknown"] = json!(1);
        let fault = read(&more).unwrap_err().to_string();
        assert!(fault.contains("unknown field `unknown`"), "{object}: {fault}");
        let mut list = request.clone();
        let place = list.pointer_mut(object).unwrap();
        *place = place.as_object().unwrap().values().cloned().collect();
        let fault = read(&list).unwrap_err().to_string();
        assert!(fault.contains("expected an object"), "{object}: {fault}");
    }
    for field in request.as_object().unwrap().keys() {
        let mut less = request.clone();
        less.as_object_mut().unwrap().remove(field);
        assert_eq!(read(&less).is_ok(), optional.contains(&field.as_str()), "{field}");
    }
}

fn deal_request() -> Value {
    json!({
        "product": { "name": "Kettle", "description": "", "image_url": "https://x.example/a.jpg" },
        "title": "Summer", "price": { "amount": 1990, "currency": "EUR" }, "stock": -1,
        "limit_per_customer": 2, "opens_at": "2026-01-31T12:00:00Z",
        "closes_at": "2026-01-31T13:00:00+01:00", "hold_seconds": 600,
    })
}

#[test]
fn requests_take_objects_without_unknown_fields() {
    let id = "7a637b87-d09a-56b3-96da-9e087dc69fca";
    check_request::<PurchaseRequest>(
        &json!({ "deal_id": id, "quantity": 1, "client_reference": "cart-1" }),
        &["client_reference"],
        &[""],
    );
    check_request::<DealRequest>(&deal_request(), &[], &["", "/product", "/price"]);
    let adjustment = json!({ "delta": -5, "reason_code": "stocktake" });
    check_request::<StockAdjustmentRequest>(&adjustment, &[], &[""]);
    let schedule = json!({ "opens_at": "2026-01-31T12:00:00Z", "closes_at": null });
    check_request::<ScheduleRequest>(&schedule, &["opens_at", "closes_at"], &[""]);
    let notice = json!({
        "payment_id": "p", "order_id": id, "result": "succeeded", "amount": 1, "currency": "EUR",
    });
    check_request::<PaymentNotice>(&notice, &[], &[""]);
    let account = json!({ "email": "a@b.example", "password": "0123456789", "name": "A" });
    check_request::<AccountRequest>(&account, &[], &[""]);
    let session = json!({ "email": "a@b.example", "password": "0123456789" });
    check_request::<SessionRequest>(&session, &[], &[""]);
}

#[test]
fn a_number_out_of_range_is_read_so_that_its_range_can_be_named() {
    let request: DealRequest = serde_json::from_value(deal_request()).unwrap();
    assert_eq!(request.stock, -1);
    assert_eq!(request.closes_at, request.opens_at);
    for quantity in ["1.5", "1e3", "\"1\"", "9223372036854775808", "null", "[]"] {
        let id = "7a637b87-d09a-56b3-96da-9e087dc69fca";
        let body = format!(r#"{{"deal_id":"{id}","quantity":{quantity}}}"#);
        assert!(serde_json::from_str::<PurchaseRequest>(&body).is_err(), "{quantity}");
    }
}

#[test]
fn passwords_are_not_printed() {
    let account = json!({ "email": "a@b.example", "password": "0123456789", "name": "A" });
    let account: AccountRequest = serde_json::from_value(account).unwrap();
    assert!(!format!("{account:?}").contains("0123456789"));
    let session = json!({ "email": "a@b.example", "password": "0123456789" });
    let session: SessionRequest = serde_json::from_value(session).unwrap();
    assert!(!format!("{session:?}").contains("0123456789"));
}

/// The body of an answer: read from `text`, and written as exactly that.
#[track_caller]
fn check_answer<T: DeserializeOwned + serde::Serialize>(text: &str) -> T {
    let value: T = serde_json::from_str(text).unwrap();
    assert_eq!(serde_json::to_string(&value).unwrap(), text);
    value
}

#[test]
fn orders_are_written_as_they_stand_here() {
    let id = r#""order_id":"018f3c00-0000-8000-8000-000000000001""#;
    let queued = format!(r#"{{{id},"status":"queued","queue":{{"ahead":0,"estimated_wait_ms":12,"#,)
        + r#""poll_after_ms":1000}}"#;
    let order: Order = check_answer(&queued);
    assert_eq!((order.status, order.queue.unwrap().ahead), (OrderStatus::Queued, 0));
    let whole = format!(
        r#"{{{id},"deal_id":"7a637b87-d09a-56b3-96da-9e087dc69fca","product_id":"sku-1","#
    ) + concat!(
        r#""status":"cancelled","quantity":2,"unit_price":{"amount":1990,"currency":"EUR"},"#,
        r#""total":{"amount":3980,"currency":"EUR"},"purchased_at":"2026-01-31T12:00:00.000Z","#,
        r#""decided_at":"2026-01-31T12:00:00.005Z","expires_at":"2026-01-31T12:10:00.005Z","#,
        r#""payment":{"payment_hash":"000000000000000000000000000000aa","#,
        r#""paid":{"amount":3980,"currency":"EUR"}},"refund":{"status":"due","amount":3980},"#,
        r#""client_reference":"cart-17"}"#,
    );
    let order: Order = check_answer(&whole);
    assert_eq!(order.total, order.unit_price.map(|price: Money| price.times(2)));
    let rejected = format!(r#"{{{id},"status":"rejected","rejection":{{"code":"sold-out","#)
        + r#""detail":"nothing is left","retryable":true}}"#;
    let order: Order = check_answer(&rejected);
    assert_eq!(order.rejection.unwrap().code, RefusalCode::SoldOut);
}

#[test]
fn a_command_is_written_as_it_stands_here() {
    let id = r#""command_id":"018f3c00-0000-8000-8000-000000000001""#;
    let answer: CommandAnswer = check_answer(&format!(r#"{{{id},"status":"accepted"}}"#));
    assert_eq!(answer.status, CommandStatus::Accepted);
}

#[test]
fn a_time_of_the_log_beyond_rfc_3339_is_shown_as_the_nearest_that_it_can_write() {
    let id = r#"{"order_id":"018f3c00-0000-8000-8000-000000000001","status":"held"}"#;
    let mut order: Order = serde_json::from_str(id).unwrap();
    for (millis, text) in
        [(i64::MAX, "9999-12-31T23:59:59.999Z"), (i64::MIN, "0000-01-01T00:00:00.000Z")]
    {
        order.purchased_at = Some(Timestamp::from_millis(millis));
        assert_eq!(serde_json::to_value(&order).unwrap()["purchased_at"], text);
    }
}

#[test]
fn statuses_are_written_as_they_are_named() {
    for status in OrderStatus::ALL {
        assert_eq!(serde_json::to_value(status).unwrap(), status.as_str());
        assert_eq!(OrderStatus::parse(status.as_str()), Some(status));
    }
    for status in DealStatus::ALL {
        assert_eq!(serde_json::to_value(status).unwrap(), status.as_str());
    }
    assert_eq!(OrderStatus::parse("Queued"), None);
}

#[test]
fn a_status_only_moves_forward() {
    use OrderStatus::{Cancelled, Confirmed, Expired, Held, Queued, Rejected};
    let moves = [
        (Queued, Rejected),
        (Queued, Held),
        (Queued, Confirmed),
        (Held, Confirmed),
        (Held, Expired),
        (Held, Cancelled),
        (Confirmed, Cancelled),
        (Expired, Confirmed),
    ];
    for from in OrderStatus::ALL {
        for to in OrderStatus::ALL {
            assert_eq!(from.may_become(to), moves.contains(&(from, to)), "{from:?} → {to:?}");
        }
    }
}

#[test]
fn the_schemas_of_requests_take_no_unknown_fields() {
    let schema = schemars::schema_for!(DealRequest).to_value();
    assert_eq!(schema["additionalProperties"], json!(false));
    for name in ["PriceRequest", "ProductRequest"] {
        assert_eq!(schema["$defs"][name]["additionalProperties"], json!(false), "{name}");
    }
    let file = bless::read("json/announce_deal.json");
    assert!(!file.contains("additionalProperties"), "in the log newer writers may add fields");
}
