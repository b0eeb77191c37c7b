//! The demo: a customer out of nothing, and a payer who signs like a provider. Only there when the
//! gateway was started for a demo. Must not do anything that a customer and a provider could not.

use std::sync::Arc;

use http::StatusCode;
use schemas::CustomerId;
use schemas::http::{PaymentNotice, ProblemCode};
use schemas::log::PaymentResult;
use serde::{Deserialize, Serialize};
use uuid::Uuid;
use warp::reply::Response;

use crate::accounts::open_session;
use crate::auth::{Scope, Scopes};
use crate::call::Call;
use crate::composition::Service;
use crate::problem::Refusal;
use crate::reading::{Query, expect_no_body, read_json};
use crate::routes::{NO_STORE, json, record_payment};

/// What a page finds out about the demo.
#[derive(Clone, Copy, Debug, Serialize, schemars::JsonSchema)]
pub(crate) struct Demo {
    /// Whether this is one.
    demo: bool,
    /// Where to get a customer.
    session_path: &'static str,
    /// Where to pay.
    pay_path: &'static str,
}

/// A payment by the demo's payer.
#[derive(Clone, Copy, Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DemoPayment {
    /// Which order of the caller's.
    order_id: Uuid,
    /// What becomes of it.
    result: PaymentResult,
}

/// `GET /demo.json`
pub(crate) async fn describe(service: &Service, _: Arc<Call>) -> Result<Response, Refusal> {
    expect_demo(service)?;
    let body = Demo { demo: true, session_path: "/demo/session", pay_path: "/demo/payments" };
    Ok(json(StatusCode::OK, &body, NO_STORE))
}

/// `POST /demo/session`
pub(crate) async fn session(service: &Service, call: Arc<Call>) -> Result<Response, Refusal> {
    expect_demo(service)?;
    Query::read(&call.uri, &[])?;
    expect_no_body(&call).await?;
    let session = open_session(service, CustomerId(Uuid::new_v4()));
    Ok(json(StatusCode::OK, &session, NO_STORE))
}

/// `POST /demo/payments`: pays what the order costs.
pub(crate) async fn pay(service: &Service, call: Arc<Call>) -> Result<Response, Refusal> {
    expect_demo(service)?;
    let principal = service.gatekeeper.admit(&call.headers, Scopes::of(&[Scope::Shop])).await?;
    Query::read(&call.uri, &[])?;
    let payment: DemoPayment = read_json(&call).await?;
    service.limits.check_customer(principal.subject)?;
    let lookup = service.lookup_id(payment.order_id, Some(principal.customer()))?;
    let sight = service.look(&lookup).await?;
    let Some(total) = sight.order.total else {
        let detail = "the order has no price yet";
        return Err(Refusal::new(ProblemCode::ViewBehind, detail));
    };
    // The same payment of the same order again is the same payment again.
    let payment_id = format!("demo-{}", sight.order.order_id);
    let notice = PaymentNotice {
        payment_id: payment_id.into(),
        order_id: sight.order.order_id,
        result: payment.result,
        amount: total.amount,
        currency: total.currency,
    };
    record_payment(service, &call, &notice).await
}

fn expect_demo(service: &Service) -> Result<(), Refusal> {
    match service.config.demo {
        true => Ok(()),
        false => Err(Refusal::new(ProblemCode::NotFound, "this is no demo")),
    }
}
