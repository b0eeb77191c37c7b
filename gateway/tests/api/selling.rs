//! Deals: announced, changed, shown; accounts, sessions, the demo and the page.

use read_model::Store;
use schemas::http::{CommandAnswer, Deal, DealStatus, Order, OrderStatus, Page, Session};
use schemas::log::{DealAnnounced, DealTerms, Decision, Event, FilterState};
use schemas::{DealId, Timestamp};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::client::{Ask, Told};
use crate::owner::LOG_ID;
use crate::world::{Setup, World, deal_body};

async fn change(world: &World, deal: &Deal, what: &str, body: Option<Value>) -> Told {
    let path = format!("/v1/admin/deals/{}/{what}?wait=20", deal.deal_id);
    let ask = Ask::post(path).token(&world.admin()).key(&Uuid::new_v4().to_string());
    let ask = if let Some(body) = body { ask.json(&body) } else { ask };
    ask.send(world.address).await
}

#[tokio::test]
async fn a_deal_is_announced_changed_and_closed() {
    let world = World::usual().await;
    let deal = world.announce("lamp", json!({ "stock": 5 })).await;
    assert_eq!((deal.status, deal.stock_left), (DealStatus::Open, 5));
    let adjust = |delta: i64| json!({ "delta": delta, "reason_code": "recount" });
    let told = change(&world, &deal, "stock-adjustments", Some(adjust(-2))).await;
    assert_eq!(told.expect::<Deal>(200).stock_left, 3);
    let told = change(&world, &deal, "stock-adjustments", Some(adjust(-4))).await;
    assert_eq!(told.code(), "stock-below-committed");
    let told = change(&world, &deal, "pause", None).await;
    assert_eq!(told.expect::<Deal>(200).status, DealStatus::Paused);
    let token = world.shopper();
    assert_eq!(world.buy(&token, "k", &deal).send(world.address).await.code(), "deal-paused");
    let told = change(&world, &deal, "resume", Some(json!({}))).await;
    assert_eq!(told.expect::<Deal>(200).status, DealStatus::Open);
    let told = change(
        &world,
        &deal,
        "schedule",
        Some(json!({
            "closes_at": "2999-01-01T00:00:00Z",
        })),
    )
    .await;
    assert_eq!(told.code(), "out-of-range");
    let told = change(&world, &deal, "closure", None).await;
    assert_eq!(told.expect::<Deal>(200).status, DealStatus::Closed);
    assert_eq!(world.buy(&token, "k", &deal).send(world.address).await.code(), "deal-closed");
    let again = Ask::new("PUT", "/v1/admin/products/lamp/deals/first?wait=20");
    let told = again.token(&world.admin()).json(&deal_body()).send(world.address).await;
    assert_eq!(told.code(), "deal-already-open");
}

#[tokio::test]
async fn the_same_adjustment_twice_is_one() {
    let world = World::usual().await;
    let deal = world.announce("lamp", json!({ "stock": 5 })).await;
    let path = format!("/v1/admin/deals/{}/stock-adjustments?wait=20", deal.deal_id);
    let body = json!({ "delta": 3, "reason_code": "found" });
    let ask = Ask::post(path).token(&world.admin()).key("once").json(&body);
    for _ in 0..2 {
        let told = ask.clone().send(world.address).await;
        assert_eq!(told.expect::<Deal>(200).stock_left, 8);
    }
    let other = ask.json(&json!({ "delta": 4, "reason_code": "found" }));
    assert_eq!(other.send(world.address).await.code(), "idempotency-key-reused");
}

#[tokio::test]
async fn an_upcoming_deal_is_replaced_and_refuses_buyers_until_it_opens() {
    let world = World::usual().await;
    let opens_at = "2100-01-01T00:00:00.000Z";
    let times = json!({ "opens_at": opens_at, "closes_at": "2100-01-02T00:00:00.000Z" });
    let deal = world.announce("lamp", times.clone()).await;
    assert_eq!(deal.status, DealStatus::Upcoming);
    let told = world.buy(&world.shopper(), "k", &deal).send(world.address).await;
    assert_eq!(told.code(), "deal-not-open");
    assert!((24..=30).contains(&told.header("retry-after").parse::<u64>().unwrap()));
    let mut body = deal_body();
    body["opens_at"] = times["opens_at"].clone();
    body["closes_at"] = times["closes_at"].clone();
    body["stock"] = json!(77);
    let replace = Ask::new("PUT", "/v1/admin/products/lamp/deals/first?wait=20");
    let told = replace.token(&world.admin()).json(&body).send(world.address).await;
    assert_eq!(told.expect::<Deal>(200).stock_left, 77);
}

#[tokio::test]
async fn deals_are_listed_for_everybody() {
    let world = World::usual().await;
    for number in 0..25 {
        world.announce(&format!("lamp-{number}"), json!({})).await;
    }
    let told = Ask::get("/v1/deals?limit=20").send(world.address).await;
    assert_eq!(told.header("cache-control"), "public, max-age=1");
    let first: Page<Deal> = told.expect(200);
    let cursor = first.next_cursor.unwrap();
    let rest = Ask::get(format!("/v1/deals?limit=20&cursor={cursor}")).send(world.address).await;
    let rest: Page<Deal> = rest.expect(200);
    assert_eq!((first.items.len(), rest.items.len(), rest.next_cursor), (20, 5, None));
    let told = Ask::get("/v1/deals?status=sold-out").send(world.address).await;
    assert_eq!(told.expect::<Page<Deal>>(200).items, []);
}

#[tokio::test]
async fn people_sign_up_and_in() {
    let world = World::usual().await;
    let account = json!({ "email": "Ada@Example.org", "password": "correct horse", "name": "Ada" });
    let sign_up = Ask::post("/v1/accounts").json(&account);
    let created: Value = sign_up.clone().send(world.address).await.expect(201);
    assert_eq!(created["email"], "ada@example.org");
    assert_eq!(sign_up.send(world.address).await.code(), "email-taken");
    let sign_in = |email: &str, password: &str| {
        Ask::post("/v1/sessions").json(&json!({ "email": email, "password": password }))
    };
    let told = sign_in("ADA@example.org", "correct horse").send(world.address).await;
    let session: Session = told.expect(200);
    let orders = Ask::get("/v1/orders").token(&session.access_token).send(world.address).await;
    assert_eq!(orders.expect::<Page<Order>>(200).items, []);
    for (email, password) in [("ada@example.org", "wrong horse"), ("bob@x.y", "correct horse")] {
        let told = sign_in(email, password).send(world.address).await;
        assert_eq!(told.code(), "credentials-invalid");
    }
}

#[tokio::test]
async fn the_demo_gives_a_customer_and_a_payer() {
    let world = World::usual().await;
    let demo: Value = Ask::get("/demo.json").send(world.address).await.expect(200);
    let session_path = demo["session_path"].as_str().unwrap();
    let session: Session = Ask::post(session_path).send(world.address).await.expect(200);
    let deal = world.announce("lamp", json!({})).await;
    let ask = world.buy(&session.access_token, "k", &deal).query("wait=20");
    let held: Order = ask.send(world.address).await.expect(200);
    let body = json!({ "order_id": held.order_id, "result": "succeeded" });
    let pay = Ask::post(demo["pay_path"].as_str().unwrap()).json(&body);
    let told = pay.clone().token(&world.shopper()).send(world.address).await;
    assert_eq!(told.code(), "order-not-found");
    let told = pay.token(&session.access_token).send(world.address).await;
    told.expect::<CommandAnswer>(202);
    let order = Ask::get(format!("/v1/orders/{}", held.order_id)).token(&session.access_token);
    world
        .until("the payment is decided", || {
            world.status.deal(deal.deal_id).unwrap().confirmed() == 1
        })
        .await;
    let order: Order = order.send(world.address).await.expect(200);
    assert_eq!(order.status, OrderStatus::Confirmed);
}

#[tokio::test]
async fn without_a_demo_there_is_none() {
    let world = World::start(Setup { demo: false, ..Setup::default() }).await;
    for ask in [
        Ask::get("/demo.json"),
        Ask::post("/demo/session"),
        Ask::post("/demo/payments").token(&world.shopper()),
    ] {
        assert_eq!(ask.send(world.address).await.code(), "not-found");
    }
}

#[tokio::test]
async fn the_page_and_the_document_are_served_with_tags() {
    let world = World::usual().await;
    for (path, kind) in [("/", "text/html"), ("/js/main.js", "text/javascript")] {
        let told = Ask::get(path).send(world.address).await;
        assert_eq!(told.status.as_u16(), 200);
        assert!(told.header("content-type").starts_with(kind));
        assert!(told.header("content-security-policy").contains("script-src 'self'"));
        let same = Ask::get(path).header("if-none-match", told.header("etag"));
        assert_eq!(same.send(world.address).await.status.as_u16(), 304);
    }
    let head = Ask::new("HEAD", "/openapi.json").send(world.address).await;
    assert_eq!((head.status.as_u16(), head.body.len()), (200, 0));
    assert!(head.header("content-length").parse::<usize>().unwrap() > 10_000);
}

/// The read model has a deal that this gateway's view has not heard of: it can show neither that
/// row, of which it does not know how new it is, nor say that there is no such deal.
#[tokio::test]
async fn a_deal_that_only_the_read_model_knows_is_not_shown() {
    let world = World::usual().await;
    let terms: DealTerms = serde_json::from_value(json!({
        "product": { "name": "Lamp", "description": "It shines." },
        "title": "Lamps for little",
        "price": { "amount": 1_990, "currency": "EUR" },
        "stock": 10,
        "limit_per_customer": 2,
        "opens_at": 0,
        "closes_at": 4_000_000_000_000_i64,
        "hold_seconds": 600,
    }))
    .unwrap();
    let (product_id, deal_key) = ("lamp".parse().unwrap(), "first".parse().unwrap());
    let deal_id = DealId::of(&product_id, &deal_key);
    let announced = DealAnnounced { deal_id, product_id, deal_key, terms: Box::new(terms) };
    let events = vec![Event::DealAnnounced(announced)];
    let decision = Decision { offset: 1, after: 1, log_time: Timestamp::EPOCH, events };
    let log_id = Some(LOG_ID);
    let filter = FilterState { log_id, read_offset: 3, decided_next: 2, ..Default::default() };
    let changes = read_model::fold(LOG_ID, 0, &decision);
    world.store.commit(0, 0, &filter, &changes).await.unwrap();
    for path in ["", "/stream"] {
        let ask = Ask::get(format!("/v1/deals/{deal_id}{path}"));
        let told = ask.clone().send(world.address).await;
        assert_eq!((told.status.as_u16(), told.code()), (503, "view-behind"), "{path}");
        let told = ask.header("timedeal-seen", "3.0:2").send(world.address).await;
        assert_eq!((told.status.as_u16(), told.code()), (503, "view-behind"), "{path}");
    }
    // Nobody has it: but who has seen more than this gateway may have seen it there.
    let ask = Ask::get(format!("/v1/deals/{}", Uuid::nil()));
    assert_eq!(ask.clone().send(world.address).await.code(), "deal-not-found");
    let told = ask.header("timedeal-seen", "3.1:2").send(world.address).await;
    assert_eq!(told.code(), "view-behind");
}
