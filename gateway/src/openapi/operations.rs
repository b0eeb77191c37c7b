//! All operations, described. What a call may answer stands here and nowhere else in the document.

use schemars::SchemaGenerator;
use schemas::http::{
    Account, AccountRequest, CommandAnswer, Deal, DealRequest, DealStatus, Order, OrderStatus,
    Page, PaymentNotice, ProblemCode, PurchaseRequest, ScheduleRequest, Session, SessionRequest,
    StockAdjustmentRequest,
};
use serde_json::{Value, json};

use super::operation::{CONTENT_LOCATION, ETAG, LOCATION, Operation, RETRY_AFTER, SEEN};
use crate::demo::{Demo, DemoPayment};

use ProblemCode as Code;

/// Why a command may not be appended.
const APPEND: [Code; 3] = [Code::Overloaded, Code::LogUnavailable, Code::OutcomeUnknown];

/// Groups of operations, with what they are for.
pub(super) fn tags() -> Value {
    json!([
        { "name": "orders", "description": "Buying, and what became of it." },
        { "name": "deals", "description": "What is on sale, for everybody." },
        { "name": "admin", "description": "Announcing and running deals." },
        { "name": "payments", "description": "What a payment provider says." },
        { "name": "people", "description": "Accounts and sessions." },
        { "name": "service", "description": "This document, and the demo." },
    ])
}

/// Every operation.
pub(super) fn all(generator: &mut SchemaGenerator) -> Vec<Operation> {
    let mut operations = orders(generator);
    operations.extend(deals(generator));
    operations.extend(admin(generator));
    operations.extend(people(generator));
    operations.extend(service(generator));
    operations
}

fn idempotency_key() -> Value {
    // Bare or quoted, it is the same key.
    let pattern = r#"^("[!#-\[\]-~]{1,255}"|[!#-\[\]-~]{1,255})$"#;
    json!({ "type": "string", "pattern": pattern })
}

fn page_parameters(operation: Operation, statuses: &[&str]) -> Operation {
    operation
        .query("status", &json!({ "type": "string", "enum": statuses }))
        .query("cursor", &json!({ "type": "string" }))
        .query("limit", &json!({ "type": "integer", "minimum": 20, "maximum": 100 }))
}

fn orders(generator: &mut SchemaGenerator) -> Vec<Operation> {
    let purchase = ("POST", "/v1/purchases");
    let purchase = Operation::new(generator, "orders", purchase, ("placePurchase", "Buy."))
        .for_scopes(&["shop"])
        .at_the_door()
        .header("Idempotency-Key", true, &idempotency_key())
        .wait()
        .seen()
        .body::<PurchaseRequest>(generator)
        .answer::<Order>(generator, 200, &[ETAG, SEEN, CONTENT_LOCATION])
        .answer::<Order>(generator, 202, &[ETAG, SEEN, LOCATION, RETRY_AFTER])
        .problems(&[
            Code::IdempotencyKeyMissing,
            Code::IdempotencyKeyInvalid,
            Code::IdempotencyKeyReused,
            Code::DealNotFound,
            Code::DealNotOpen,
            Code::DealPaused,
            Code::DealClosed,
            Code::DealRetired,
            Code::SoldOut,
            Code::NotReady,
        ])
        .problems(&APPEND);
    let mut operations = vec![purchase];
    operations.extend(order_reads(generator));
    let cancel = ("POST", "/v1/orders/{order_id}/cancellation");
    let cancel = Operation::new(generator, "orders", cancel, ("cancelOrder", "Give an order up."))
        .for_scopes(&["shop"])
        .wait()
        .seen()
        .no_body()
        .answer::<Order>(generator, 200, &[ETAG, SEEN, CONTENT_LOCATION])
        .answer::<CommandAnswer>(generator, 202, &[LOCATION, RETRY_AFTER])
        .problems(&[Code::OrderNotFound, Code::OrderNotCancellable, Code::HistoryUnavailable])
        .problems(&APPEND);
    operations.push(cancel);
    operations
}

fn order_reads(generator: &mut SchemaGenerator) -> Vec<Operation> {
    let stream = json!({ "type": "string", "contentMediaType": "text/event-stream" });
    let statuses = OrderStatus::ALL.map(OrderStatus::as_str);
    let get = ("GET", "/v1/orders/{order_id}");
    let follow = ("GET", "/v1/orders/{order_id}/stream");
    let command = ("GET", "/v1/commands/{command_id}");
    let list =
        Operation::new(generator, "orders", ("GET", "/v1/orders"), ("listOrders", "History."));
    vec![
        Operation::new(generator, "orders", get, ("getOrder", "One order."))
            .for_scopes(&["shop", "support"])
            .wait()
            .seen()
            .header("If-None-Match", false, &json!({ "type": "string" }))
            .answer::<Order>(generator, 200, &[ETAG, SEEN, CONTENT_LOCATION])
            .empty(304, &[ETAG, SEEN])
            .problems(&[Code::OrderNotFound, Code::HistoryUnavailable]),
        Operation::new(generator, "orders", follow, ("followOrder", "An order's changes."))
            .for_scopes(&["shop", "support"])
            .seen()
            .header("Last-Event-ID", false, &json!({ "type": "string" }))
            .answer_as(200, "text/event-stream", &stream, &[SEEN])
            .empty(204, &[])
            .problems(&[Code::Malformed, Code::OrderNotFound, Code::HistoryUnavailable]),
        page_parameters(list, &statuses)
            .for_scopes(&["shop"])
            .seen()
            .answer::<Page<Order>>(generator, 200, &[SEEN])
            .problems(&[Code::HistoryUnavailable]),
        Operation::new(generator, "orders", command, ("getCommand", "What became of a command."))
            .for_scopes(&["shop", "admin", "support"])
            .wait()
            .seen()
            .answer::<CommandAnswer>(generator, 200, &[SEEN])
            .problems(&[Code::NotFound, Code::HistoryUnavailable]),
    ]
}

fn deals(generator: &mut SchemaGenerator) -> Vec<Operation> {
    let stream = json!({ "type": "string", "contentMediaType": "text/event-stream" });
    let statuses = DealStatus::ALL.map(DealStatus::as_str);
    let get = ("GET", "/v1/deals/{deal_id}");
    let follow = ("GET", "/v1/deals/{deal_id}/stream");
    let unknown = [Code::NotReady, Code::Overloaded, Code::HistoryUnavailable];
    let list =
        Operation::new(generator, "deals", ("GET", "/v1/deals"), ("listDeals", "All deals."));
    vec![
        page_parameters(list, &statuses).seen().answer::<Page<Deal>>(generator, 200, &[]),
        Operation::new(generator, "deals", get, ("getDeal", "One deal."))
            .seen()
            .answer::<Deal>(generator, 200, &[SEEN])
            .problems(&[Code::Malformed, Code::DealNotFound])
            .problems(&unknown),
        Operation::new(generator, "deals", follow, ("followDeal", "A deal's changes."))
            .seen()
            .answer_as(200, "text/event-stream", &stream, &[])
            .problems(&[Code::Malformed, Code::DealNotFound, Code::DealRetired])
            .problems(&unknown),
    ]
}

fn admin(generator: &mut SchemaGenerator) -> Vec<Operation> {
    let announce = ("PUT", "/v1/admin/products/{product_id}/deals/{deal_key}");
    let adjust = ("POST", "/v1/admin/deals/{deal_id}/stock-adjustments");
    let schedule = ("POST", "/v1/admin/deals/{deal_id}/schedule");
    let announce =
        Operation::new(generator, "admin", announce, ("announceDeal", "Create or replace a deal."))
            .body::<DealRequest>(generator)
            .answer::<Deal>(generator, 201, &[SEEN, LOCATION])
            .problems(&[Code::OutOfRange, Code::DealAlreadyOpen]);
    let adjust = Operation::new(generator, "admin", adjust, ("adjustStock", "Add or take units."))
        .header("Idempotency-Key", true, &idempotency_key())
        .body::<StockAdjustmentRequest>(generator)
        .problems(&[
            Code::IdempotencyKeyMissing,
            Code::IdempotencyKeyInvalid,
            Code::IdempotencyKeyReused,
            Code::StockBelowCommitted,
        ]);
    let schedule = Operation::new(
        generator,
        "admin",
        schedule,
        ("rescheduleDeal", "Move opening or closing."),
    )
    .body::<ScheduleRequest>(generator);
    let mut changes = vec![adjust, schedule];
    for (path, id, summary) in [
        ("/v1/admin/deals/{deal_id}/pause", "pauseDeal", "Take no purchases for now."),
        ("/v1/admin/deals/{deal_id}/resume", "resumeDeal", "Take purchases again."),
        ("/v1/admin/deals/{deal_id}/closure", "closeDeal", "Take no purchases ever again."),
    ] {
        changes.push(Operation::new(generator, "admin", ("POST", path), (id, summary)).no_body());
    }
    let known = [Code::DealNotFound, Code::DealClosed, Code::DealRetired];
    let changes = changes.into_iter().map(|change| change.problems(&known));
    let all = std::iter::once(announce).chain(changes);
    let all: Vec<Operation> = all.collect();
    all.into_iter()
        .map(|operation| {
            operation
                .for_scopes(&["admin"])
                .wait()
                .seen()
                .answer::<Deal>(generator, 200, &[SEEN])
                .answer::<CommandAnswer>(generator, 202, &[LOCATION, RETRY_AFTER])
                .problems(&APPEND)
        })
        .collect()
}

fn people(generator: &mut SchemaGenerator) -> Vec<Operation> {
    let slow = [Code::Overloaded, Code::HistoryUnavailable];
    let notice = ("POST", "/v1/webhooks/payments");
    let signature = json!({ "type": "string", "pattern": "^t=[0-9]+(,v1=[0-9a-f]{64})+$" });
    vec![
        Operation::new(generator, "people", ("POST", "/v1/accounts"), ("signUp", "New account."))
            .body::<AccountRequest>(generator)
            .answer::<Account>(generator, 201, &[])
            .problems(&[Code::EmailTaken, Code::OutOfRange])
            .problems(&slow),
        Operation::new(generator, "people", ("POST", "/v1/sessions"), ("signIn", "New session."))
            .body::<SessionRequest>(generator)
            .answer::<Session>(generator, 200, &[])
            .problems(&[Code::CredentialsInvalid, Code::OutOfRange])
            .problems(&slow),
        Operation::new(generator, "payments", notice, ("notePayment", "A provider's notice."))
            .header("Timedeal-Signature", true, &signature)
            .body::<PaymentNotice>(generator)
            .answer::<CommandAnswer>(generator, 202, &[LOCATION, RETRY_AFTER])
            .problems(&[
                Code::SignatureInvalid,
                Code::SignatureStale,
                Code::OrderNotFound,
                Code::OutOfRange,
                Code::ViewBehind,
                Code::HistoryUnavailable,
            ])
            .problems(&APPEND),
    ]
}

fn service(generator: &mut SchemaGenerator) -> Vec<Operation> {
    let pay = ("POST", "/demo/payments");
    let this = ("GET", "/openapi.json");
    let document = json!({ "type": "object", "required": ["openapi", "paths"] });
    vec![
        Operation::new(generator, "service", this, ("getDocument", "This document."))
            .answer_as(200, "application/json", &document, &[ETAG])
            .empty(304, &[ETAG]),
        Operation::new(generator, "service", ("GET", "/demo.json"), ("getDemo", "The demo."))
            .answer::<Demo>(generator, 200, &[])
            .problems(&[Code::NotFound]),
        Operation::new(
            generator,
            "service",
            ("POST", "/demo/session"),
            ("enterDemo", "A customer."),
        )
        .answer::<Session>(generator, 200, &[])
        .no_body()
        .problems(&[Code::NotFound]),
        Operation::new(generator, "service", pay, ("payDemo", "The demo's payer."))
            .for_scopes(&["shop"])
            .body::<DemoPayment>(generator)
            .answer::<CommandAnswer>(generator, 202, &[LOCATION, RETRY_AFTER])
            .problems(&[
                Code::NotFound,
                Code::OrderNotFound,
                Code::ViewBehind,
                Code::HistoryUnavailable,
            ])
            .problems(&APPEND),
    ]
}
