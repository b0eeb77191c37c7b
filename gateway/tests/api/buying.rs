//! Buying, looking at orders, paying and giving up.

use gateway::signature;
use platform::clock::{Clock, SystemClock};
use schemas::http::{CommandAnswer, CommandStatus, Deal, Order, OrderStatus, Page};
use serde_json::json;
use uuid::Uuid;

use crate::client::{Ask, Told};
use crate::world::{Setup, WEBHOOK_SECRET, World};

fn notice(order: &Order, payment_id: &str, amount: i64) -> Ask {
    let body = json!({
        "payment_id": payment_id, "order_id": order.order_id, "result": "succeeded",
        "amount": amount, "currency": "EUR",
    });
    let now_seconds = SystemClock::new().now_millis() / 1_000;
    let body = body.to_string();
    let signed = signature::sign(WEBHOOK_SECRET, now_seconds, body.as_bytes());
    Ask::post("/v1/webhooks/payments").raw(body).header("timedeal-signature", signed)
}

async fn order(world: &World, token: &str, order_id: Uuid, query: &str) -> Told {
    let ask = Ask::get(format!("/v1/orders/{order_id}")).query(query).token(token);
    ask.send(world.address).await
}

#[tokio::test]
async fn a_purchase_is_admitted_decided_and_paid() {
    let world = World::usual().await;
    let deal = world.announce("lamp", json!({})).await;
    let token = world.shopper();
    let told = world.buy(&token, "k", &deal).send(world.address).await;
    let queued: Order = told.expect(202);
    assert_eq!(told.header("location"), format!("/v1/orders/{}", queued.order_id));
    assert_eq!(told.header("cache-control"), "private, no-store");
    assert!((1..=30).contains(&told.header("retry-after").parse::<u64>().unwrap()));
    assert!(told.header("timedeal-seen").starts_with("3."));
    let told = order(&world, &token, queued.order_id, "wait=20").await;
    let held: Order = told.expect(200);
    assert_eq!((held.status, held.order_id), (OrderStatus::Held, queued.order_id));
    assert_eq!(held.total.unwrap().amount, 1_990);
    let etag = told.header("etag").to_owned();
    assert!(etag.starts_with("W/"));
    let same = Ask::get(format!("/v1/orders/{}", held.order_id)).token(&token);
    let same = same.header("if-none-match", &etag).send(world.address).await;
    assert_eq!((same.status.as_u16(), same.body.len()), (304, 0));
    notice(&held, "p1", 1_990).send(world.address).await.expect::<CommandAnswer>(202);
    let paid = Ask::get(format!("/v1/orders/{}?wait=20", held.order_id)).token(&token);
    let told = paid.header("if-none-match", &etag).send(world.address).await;
    let confirmed: Order = told.expect(200);
    assert_eq!(confirmed.status, OrderStatus::Confirmed);
    assert_eq!(confirmed.payment.unwrap().paid.amount, 1_990);
}

#[tokio::test]
async fn a_purchase_that_waits_is_answered_with_its_decision() {
    let world = World::usual().await;
    let deal = world.announce("lamp", json!({ "stock": 1, "hold_seconds": 0 })).await;
    let (first, second) = (world.shopper(), world.shopper());
    let told = world.buy(&first, "k", &deal).query("wait=20").send(world.address).await;
    assert_eq!(told.expect::<Order>(200).status, OrderStatus::Confirmed);
    world
        .until("the door knows", || world.status.deal(deal.deal_id).unwrap().stock_left == 0)
        .await;
    let told = world.buy(&second, "k", &deal).query("wait=20").send(world.address).await;
    let problem = told.problem();
    assert_eq!(problem.code.as_str(), "sold-out");
    assert!(!problem.retryable && problem.as_of.is_some());
    let told = world.buy(&first, "k", &deal).send(world.address).await;
    let again: Order = told.expect(200);
    assert_eq!(again.status, OrderStatus::Confirmed);
    assert_eq!(told.header("content-location"), format!("/v1/orders/{}", again.order_id));
    let other = world.buy(&first, "k", &deal).json(&json!({
        "deal_id": deal.deal_id, "quantity": 2,
    }));
    assert_eq!(other.send(world.address).await.code(), "idempotency-key-reused");
    assert_eq!(world.buy(&first, "l", &deal).send(world.address).await.code(), "sold-out");
}

#[tokio::test]
async fn a_repeat_that_slips_past_the_view_answers_with_the_first_order() {
    // Nothing is decided while both are admitted: the view cannot know the key.
    let world = World::start(Setup { decide: true, ..Setup::default() }).await;
    let deal = world.announce("lamp", json!({})).await;
    let token = world.shopper();
    let (one, two) = tokio::join!(
        world.buy(&token, "k", &deal).query("wait=20").send(world.address),
        world.buy(&token, "\"k\"", &deal).query("wait=20").send(world.address),
    );
    let (one, two): (Order, Order) = (one.expect(200), two.expect(200));
    assert_eq!(one.order_id, two.order_id);
    let listed: Page<Order> =
        Ask::get("/v1/orders").token(&token).send(world.address).await.expect(200);
    assert_eq!(listed.items.len(), 1);
}

#[tokio::test]
async fn an_order_can_be_given_up_once() {
    let world = World::usual().await;
    let deal = world.announce("lamp", json!({})).await;
    let token = world.shopper();
    let told = world.buy(&token, "k", &deal).query("wait=20").send(world.address).await;
    let held: Order = told.expect(200);
    let cancel = Ask::post(format!("/v1/orders/{}/cancellation", held.order_id)).token(&token);
    let told = cancel.clone().query("wait=20").send(world.address).await;
    assert_eq!(told.expect::<Order>(200).status, OrderStatus::Cancelled);
    let told = cancel.clone().query("wait=20").send(world.address).await;
    assert_eq!(told.code(), "order-not-cancellable");
    let told = cancel.send(world.address).await;
    let queued: CommandAnswer = told.expect(202);
    let location = told.header("location").to_owned();
    assert_eq!(location, format!("/v1/commands/{}", queued.command_id));
    let command = Ask::get(location).query("wait=20").token(&token);
    let refused: CommandAnswer = command.clone().send(world.address).await.expect(200);
    assert_eq!(refused.status, CommandStatus::Refused);
    assert_eq!(refused.rejection.unwrap().code.as_str(), "order-not-cancellable");
    let told = command.token(&world.shopper()).send(world.address).await;
    assert_eq!(told.code(), "not-found");
}

#[tokio::test]
async fn orders_are_seen_by_their_customer_and_by_support_alone() {
    let world = World::usual().await;
    let deal = world.announce("lamp", json!({})).await;
    let token = world.shopper();
    let told = world.buy(&token, "k", &deal).query("wait=20").send(world.address).await;
    let held: Order = told.expect(200);
    let other = world.shopper();
    assert_eq!(order(&world, &other, held.order_id, "").await.code(), "order-not-found");
    let support = world.token(Uuid::new_v4(), "support");
    order(&world, &support, held.order_id, "").await.expect::<Order>(200);
    let cancel = Ask::post(format!("/v1/orders/{}/cancellation", held.order_id));
    let told = cancel.clone().token(&support).send(world.address).await;
    assert_eq!(told.code(), "forbidden");
    let told = cancel.token(&other).send(world.address).await;
    assert_eq!(told.code(), "order-not-found");
}

#[tokio::test]
async fn history_is_paged_newest_first() {
    let world = World::usual().await;
    let deal = world.announce("lamp", json!({ "limit_per_customer": 100, "stock": 100 })).await;
    let token = world.shopper();
    for number in 0..25 {
        let ask = world.buy(&token, &format!("k{number}"), &deal).query("wait=20");
        ask.send(world.address).await.expect::<Order>(200);
    }
    let list = |query: String| Ask::get("/v1/orders").query(&query).token(&token);
    let first: Page<Order> = list("limit=20".into()).send(world.address).await.expect(200);
    let cursor = first.next_cursor.unwrap();
    let rest = list(format!("limit=20&cursor={cursor}")).send(world.address).await;
    let rest: Page<Order> = rest.expect(200);
    assert_eq!((first.items.len(), rest.items.len(), rest.next_cursor), (20, 5, None));
    let times: Vec<_> =
        first.items.iter().chain(&rest.items).map(|order| order.purchased_at).collect();
    assert!(times.is_sorted_by(|newer, older| newer >= older));
    let expired = list("status=expired".into()).send(world.address).await;
    assert_eq!(expired.expect::<Page<Order>>(200).items, []);
}

#[tokio::test]
async fn a_gateway_behind_its_client_says_so() {
    let world = World::usual().await;
    let deal: Deal = world.announce("lamp", json!({})).await;
    let partition = world.status.partition_of(deal.deal_id).unwrap();
    let ask = |seen: String| {
        Ask::get(format!("/v1/deals/{}", deal.deal_id)).header("timedeal-seen", seen)
    };
    let told = ask(format!("3.{partition}:999")).send(world.address).await;
    assert_eq!(told.code(), "view-behind");
    for fine in [format!("4.{partition}:999"), "rubbish".into(), format!("3.{partition}:2")] {
        ask(fine).send(world.address).await.expect::<Deal>(200);
    }
}

#[tokio::test]
async fn a_stop_ends_waits_early_and_is_clean() {
    let world = World::usual().await;
    let deal = world.announce("lamp", json!({})).await;
    let token = world.shopper();
    let told = world.buy(&token, "k", &deal).query("wait=20").send(world.address).await;
    let etag = told.header("etag").to_owned();
    let order_id = told.json::<Order>().order_id;
    let ask = Ask::get(format!("/v1/orders/{order_id}?wait=30")).token(&token);
    let waiting = tokio::spawn(ask.header("if-none-match", etag).send(world.address));
    let stopping = async {
        // The wait has begun once the order is watched; a stop before that ends it as well.
        tokio::task::yield_now().await;
        world.stop.trigger();
    };
    stopping.await;
    if let Ok(told) = waiting.await {
        assert_eq!(told.status.as_u16(), 304);
    }
    world.serving.await.unwrap().unwrap();
}
