//! Bad input: every piece of it is a 4xx that names what is wrong, and nothing is appended.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use gateway::auth::{Scopes, TokenIssuer, TokenRequest};
use gateway::signature;
use platform::clock::{Clock, SystemClock};
use platform::secrets::{SecretBytes, SigningKeyMaterial, SigningKeys};
use schemas::http::{Deal, Order};
use serde_json::{Value, json};
use std::time::Duration;
use uuid::Uuid;

use crate::client::Ask;
use crate::world::{WEBHOOK_SECRET, World, deal_body};

/// What a request is to be refused with: the code, and the pointer if there is one.
pub(crate) type Expect = (&'static str, Option<&'static str>);

/// Refused so, and nothing was appended.
pub(crate) async fn check(world: &World, ask: Ask, expect: Expect) {
    let shown = format!("{ask:?}");
    let before = world.appended().await;
    let told = ask.send(world.address).await;
    assert!(told.status.is_client_error(), "{shown}: {told:?}");
    let problem = told.problem();
    let pointer = problem.errors.map(|errors| errors[0].pointer.clone());
    assert_eq!((problem.code.as_str(), pointer.as_deref()), expect, "{shown}: {}", problem.detail);
    assert_eq!(world.appended().await, before, "{shown}: something was appended");
}

fn now_seconds() -> i64 {
    SystemClock::new().now_millis() / 1_000
}

#[tokio::test]
async fn bad_purchases_are_refused() {
    let world = World::usual().await;
    let deal: Deal = world.announce("lamp", json!({ "stock": 1_000 })).await;
    let token = world.shopper();
    let good = world.buy(&token, "k", &deal);
    let id = deal.deal_id.to_string();
    let bodies: Vec<(String, Expect)> = vec![
        (String::new(), ("malformed", None)),
        ("{".into(), ("malformed", None)),
        ("[]".into(), ("malformed", Some(""))),
        ("null".into(), ("malformed", Some(""))),
        (format!(r#"{{"deal_id":"{id}"}}"#), ("malformed", Some("/quantity"))),
        (format!(r#"{{"deal_id":"{id}","quantity":"1"}}"#), ("malformed", Some("/quantity"))),
        (format!(r#"{{"deal_id":"{id}","quantity":1.5}}"#), ("malformed", Some("/quantity"))),
        (format!(r#"{{"deal_id":"{id}","quantity":1e99}}"#), ("malformed", Some("/quantity"))),
        (format!(r#"{{"deal_id":"{id}","quantity":0}}"#), ("out-of-range", Some("/quantity"))),
        (format!(r#"{{"deal_id":"{id}","quantity":-1}}"#), ("out-of-range", Some("/quantity"))),
        (format!(r#"{{"deal_id":"{id}","quantity":3}}"#), ("out-of-range", Some("/quantity"))),
        (
            format!(r#"{{"deal_id":"{id}","quantity":{}}}"#, i64::MAX),
            ("out-of-range", Some("/quantity")),
        ),
        (format!(r#"{{"deal_id":"{id}","quantity":1,"x":1}}"#), ("malformed", Some("/x"))),
        (
            format!(r#"{{"deal_id":"{id}","quantity":1,"client_reference":"a b"}}"#),
            ("malformed", Some("/client_reference")),
        ),
        (r#"{"deal_id":"lamp","quantity":1}"#.into(), ("malformed", Some("/deal_id"))),
        (
            r#"{"deal_id":"6d1f5a0e-2c4b-5e6f-9a7d-31c840b297e5","quantity":1}"#.into(),
            ("deal-not-found", None),
        ),
        (format!(r#"{{"pad":"{}"}}"#, "a".repeat(70_000)), ("body-too-large", None)),
    ];
    for (body, expect) in bodies {
        check(&world, good.clone().raw(body), expect).await;
    }
    check(&world, good.clone().raw(&b"{\"deal_id\":\"\xff\xfe\"}"[..]), ("malformed", None)).await;
    check(&world, good.clone().raw("[".repeat(60_000)), ("malformed", Some(""))).await;
}

#[tokio::test]
async fn bad_headers_and_queries_are_refused() {
    let world = World::usual().await;
    let deal: Deal = world.announce("lamp", json!({})).await;
    let good = world.buy(&world.shopper(), "k", &deal);
    let name = Some("Idempotency-Key");
    let (long, invalid) = ("k".repeat(256), ("idempotency-key-invalid", name));
    check(&world, good.clone().without("idempotency-key"), ("idempotency-key-missing", name)).await;
    for key in ["", "\"\"", "a b", "é", "a\"b", &long] {
        check(&world, good.clone().key(key), invalid).await;
    }
    check(&world, good.clone().header("idempotency-key", "k"), invalid).await;
    let media = ("unsupported-media-type", Some("Content-Type"));
    check(&world, good.clone().without("content-type"), media).await;
    let text = good.clone().without("content-type").header("content-type", "text/plain");
    check(&world, text, media).await;
    let encoded = ("unsupported-media-type", Some("Content-Encoding"));
    check(&world, good.clone().header("content-encoding", "br"), encoded).await;
    for wait in ["31", "-1", "1.5", "x", ""] {
        let ask = good.clone().query(&format!("wait={wait}"));
        check(&world, ask, ("out-of-range", Some("wait"))).await;
    }
    check(&world, good.clone().query("colour=1"), ("malformed", Some("colour"))).await;
    check(&world, good.clone().query("wait=1&wait=1"), ("malformed", Some("wait"))).await;
    let orders = Ask::get("/v1/orders").token(&world.shopper());
    for (query, expect) in [
        ("limit=19", ("out-of-range", Some("limit"))),
        ("limit=101", ("out-of-range", Some("limit"))),
        ("status=lost", ("out-of-range", Some("status"))),
        ("cursor=AAAA", ("malformed", Some("cursor"))),
        ("cursor=%ff", ("malformed", Some("cursor"))),
    ] {
        check(&world, orders.clone().query(query), expect).await;
        check(&world, Ask::get("/v1/deals").query(query), expect).await;
    }
}

#[tokio::test]
async fn bad_tokens_are_refused() {
    let world = World::usual().await;
    let deal: Deal = world.announce("lamp", json!({})).await;
    let good = world.buy(&world.shopper(), "k", &deal);
    let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let claims = json!({
        "iss": "timedeal", "aud": "timedeal", "sub": Uuid::new_v4(), "scope": "shop",
        "exp": now_seconds() + 600,
    });
    let unsigned = format!("{}.{}.", part(json!({ "alg": "none" })), part(claims));
    let request = TokenRequest {
        subject: Uuid::new_v4(),
        scopes: Scopes::parse("shop"),
        now_seconds: now_seconds() - 700,
        ttl: Duration::from_secs(600),
    };
    let expired = world.issuer.issue(&request);
    let other = SigningKeyMaterial::Hs256(SecretBytes::new(vec![8; 32]));
    let request = TokenRequest { now_seconds: now_seconds(), ..request };
    let forged = TokenIssuer::of(&SigningKeys::single(other)).unwrap().issue(&request);
    for token in ["", "x", "a.b.c", &unsigned, &expired, &forged, &"a".repeat(9_000)] {
        check(&world, good.clone().token(token), ("unauthenticated", None)).await;
    }
    check(&world, good.clone().without("authorization"), ("unauthenticated", None)).await;
    let twice = good.clone().header("authorization", "Bearer x");
    check(&world, twice, ("unauthenticated", None)).await;
    let basic = good.clone().without("authorization").header("authorization", "Basic eDp5");
    check(&world, basic, ("unauthenticated", None)).await;
    check(&world, good.clone().token(&world.admin()), ("forbidden", None)).await;
    let support = world.token(Uuid::new_v4(), "support");
    check(&world, good.token(&support), ("forbidden", None)).await;
    let announce = Ask::new("PUT", "/v1/admin/products/a/deals/b").json(&deal_body());
    check(&world, announce.token(&world.shopper()), ("forbidden", None)).await;
}

#[tokio::test]
async fn unknown_and_forged_ids_are_told_alike() {
    let world = World::usual().await;
    let deal: Deal = world.announce("lamp", json!({})).await;
    let token = world.shopper();
    let told = world.buy(&token, "k", &deal).query("wait=20").send(world.address).await;
    let order_id = told.expect::<Order>(200).order_id.to_string();
    let mut forged = order_id.clone().into_bytes();
    let last = forged.last_mut().unwrap();
    *last = if *last == b'0' { b'1' } else { b'0' };
    let forged = String::from_utf8(forged).unwrap();
    let compact = order_id.replace('-', "");
    let nobody = Uuid::new_v4().to_string();
    for id in ["x", "%00", &forged, &compact, &nobody] {
        for path in [format!("/v1/orders/{id}"), format!("/v1/orders/{id}/stream")] {
            check(&world, Ask::get(path).token(&token), ("order-not-found", None)).await;
        }
        let cancel = Ask::post(format!("/v1/orders/{id}/cancellation")).token(&token);
        check(&world, cancel, ("order-not-found", None)).await;
        let command = Ask::get(format!("/v1/commands/{id}")).token(&token);
        check(&world, command, ("not-found", None)).await;
        check(&world, Ask::get(format!("/v1/deals/{id}")), ("deal-not-found", None)).await;
        let pause = Ask::post(format!("/v1/admin/deals/{id}/pause")).token(&world.admin());
        check(&world, pause, ("deal-not-found", None)).await;
    }
}

#[tokio::test]
async fn bad_deals_are_refused() {
    let world = World::usual().await;
    let now = deal_body()["opens_at"].clone();
    let cases: Vec<(&str, Value, Expect)> = vec![
        ("closes_at", now, ("out-of-range", Some("/closes_at"))),
        ("closes_at", json!("2999-01-01T00:00:00Z"), ("out-of-range", Some("/closes_at"))),
        ("closes_at", json!("tomorrow"), ("malformed", Some("/closes_at"))),
        ("stock", json!(-1), ("out-of-range", Some("/stock"))),
        ("stock", json!(100_000_001), ("out-of-range", Some("/stock"))),
        ("limit_per_customer", json!(0), ("out-of-range", Some("/limit_per_customer"))),
        ("limit_per_customer", json!(1_001), ("out-of-range", Some("/limit_per_customer"))),
        ("hold_seconds", json!(-1), ("out-of-range", Some("/hold_seconds"))),
        ("hold_seconds", json!(i64::MAX), ("out-of-range", Some("/hold_seconds"))),
        (
            "price",
            json!({ "amount": -1, "currency": "EUR" }),
            ("out-of-range", Some("/price/amount")),
        ),
        (
            "price",
            json!({ "amount": i64::MAX, "currency": "EUR" }),
            ("out-of-range", Some("/price/amount")),
        ),
        (
            "price",
            json!({ "amount": 1, "currency": "eur" }),
            ("malformed", Some("/price/currency")),
        ),
        ("price", json!(5), ("malformed", Some("/price"))),
        ("title", json!(""), ("out-of-range", Some("/title"))),
        ("title", json!("a\u{7}b"), ("out-of-range", Some("/title"))),
        (
            "product",
            json!({ "name": "a", "description": "", "image_url": "http://x.y/z" }),
            ("out-of-range", Some("/product/image_url")),
        ),
        ("colour", json!(1), ("malformed", Some("/colour"))),
    ];
    for (field, value, expect) in cases {
        let mut body = deal_body();
        body[field] = value;
        let ask = Ask::new("PUT", "/v1/admin/products/lamp/deals/first").token(&world.admin());
        check(&world, ask.json(&body), expect).await;
    }
    let path = format!("/v1/admin/products/{}/deals/first", "a".repeat(65));
    let ask = Ask::new("PUT", path).token(&world.admin()).json(&deal_body());
    check(&world, ask, ("malformed", Some("product_id"))).await;
    let ask = Ask::new("PUT", "/v1/admin/products/lamp/deals/First").token(&world.admin());
    check(&world, ask.json(&deal_body()), ("malformed", Some("deal_key"))).await;
}

#[tokio::test]
async fn bad_changes_of_deals_are_refused() {
    let world = World::usual().await;
    let deal: Deal = world.announce("lamp", json!({})).await;
    let ask = |what: &str, body: Value| {
        let path = format!("/v1/admin/deals/{}/{what}", deal.deal_id);
        Ask::post(path).token(&world.admin()).key("k").json(&body)
    };
    for (what, body, expect) in [
        ("schedule", json!({}), ("out-of-range", Some(""))),
        (
            "schedule",
            json!({ "closes_at": "1999-01-01T00:00:00Z" }),
            ("out-of-range", Some("/closes_at")),
        ),
        (
            "stock-adjustments",
            json!({ "delta": 0, "reason_code": "r" }),
            ("out-of-range", Some("/delta")),
        ),
        (
            "stock-adjustments",
            json!({ "delta": i64::MIN, "reason_code": "r" }),
            ("out-of-range", Some("/delta")),
        ),
        ("stock-adjustments", json!({ "delta": 1 }), ("malformed", Some("/reason_code"))),
        ("pause", json!({ "now": true }), ("malformed", Some("/now"))),
    ] {
        check(&world, ask(what, body), expect).await;
    }
}

#[tokio::test]
async fn bad_notices_of_payments_are_refused() {
    let world = World::usual().await;
    let deal: Deal = world.announce("lamp", json!({})).await;
    let told = world.buy(&world.shopper(), "k", &deal).query("wait=20").send(world.address).await;
    let order_id = told.expect::<Order>(200).order_id;
    let body = json!({
        "payment_id": "p", "order_id": order_id, "result": "succeeded",
        "amount": 1, "currency": "EUR",
    });
    let signed = |body: &Value, at: i64, secret: &[u8]| {
        let body = body.to_string();
        let signature = signature::sign(secret, at, body.as_bytes());
        Ask::post("/v1/webhooks/payments").raw(body).header("timedeal-signature", signature)
    };
    let name = Some("Timedeal-Signature");
    let (invalid, stale) = (("signature-invalid", name), ("signature-stale", name));
    let now = now_seconds();
    check(&world, signed(&body, now, b"another secret"), invalid).await;
    check(&world, signed(&body, now - 302, WEBHOOK_SECRET), stale).await;
    let good = signed(&body, now, WEBHOOK_SECRET);
    check(&world, good.clone().without("timedeal-signature"), invalid).await;
    check(&world, good.clone().raw(body.to_string() + " "), invalid).await;
    check(&world, good.header("timedeal-signature", "t=1,v1=00"), invalid).await;
    for (field, value, expect) in [
        ("payment_id", json!(""), ("out-of-range", Some("/payment_id"))),
        ("payment_id", json!("a b"), ("out-of-range", Some("/payment_id"))),
        ("amount", json!(-1), ("out-of-range", Some("/amount"))),
        ("result", json!("lost"), ("malformed", Some("/result"))),
        ("order_id", json!(Uuid::new_v4()), ("order-not-found", None)),
    ] {
        let mut body = body.clone();
        body[field] = value;
        check(&world, signed(&body, now, WEBHOOK_SECRET), expect).await;
    }
}

#[tokio::test]
async fn bad_accounts_are_refused() {
    let world = World::usual().await;
    let good = json!({ "email": "a@b.c", "password": "0123456789", "name": "A" });
    for (field, value, expect) in [
        ("email", json!("ab"), ("out-of-range", Some("/email"))),
        ("email", json!("a b@c.d"), ("out-of-range", Some("/email"))),
        ("email", json!("@c.d"), ("out-of-range", Some("/email"))),
        ("password", json!("short"), ("out-of-range", Some("/password"))),
        ("password", json!("x".repeat(129)), ("out-of-range", Some("/password"))),
        ("name", json!(""), ("out-of-range", Some("/name"))),
    ] {
        let mut body = good.clone();
        body[field] = value;
        check(&world, Ask::post("/v1/accounts").json(&body), expect).await;
    }
    let long = json!({ "email": "a@b.c", "password": "x".repeat(129) });
    let sign_in = Ask::post("/v1/sessions").json(&long);
    check(&world, sign_in, ("out-of-range", Some("/password"))).await;
}
