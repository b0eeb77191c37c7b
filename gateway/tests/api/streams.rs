//! Event streams of orders and deals.

use bytes::BytesMut;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use schemas::http::{Deal, DealStatus, Order, OrderStatus};
use serde_json::{Value, json};

use crate::client::Ask;
use crate::world::World;

/// One event of a stream.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Event {
    pub(crate) name: String,
    pub(crate) id: String,
    pub(crate) data: String,
}

/// Reads the next event; none at the end.
pub(crate) async fn next(body: &mut Incoming, buffer: &mut BytesMut) -> Option<Event> {
    loop {
        let end = buffer.windows(2).position(|pair| pair == b"\n\n");
        if let Some(end) = end {
            let frame = buffer.split_to(end + 2);
            let text = std::str::from_utf8(&frame).unwrap();
            let field = |name: &str| {
                text.lines().find_map(|line| line.strip_prefix(name)).map(str::to_owned)
            };
            if let Some(name) = field("event: ") {
                return Some(Event { name, id: field("id: ")?, data: field("data: ")? });
            }
            continue;
        }
        let frame = body.frame().await?.ok()?;
        buffer.extend_from_slice(&frame.into_data().unwrap());
    }
}

#[tokio::test]
async fn an_order_is_followed_to_its_end_and_then_no_more() {
    let world = World::usual().await;
    let deal = world.announce("lamp", json!({})).await;
    let token = world.shopper();
    let told = world.buy(&token, "k", &deal).query("wait=20").send(world.address).await;
    let held: Order = told.expect(200);
    let follow = Ask::get(format!("/v1/orders/{}/stream", held.order_id)).token(&token);
    let response = follow.clone().open(world.address).await;
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    assert_eq!(response.headers()["cache-control"], "no-store");
    let (mut body, mut buffer) = (response.into_body(), BytesMut::new());
    let first = next(&mut body, &mut buffer).await.unwrap();
    assert_eq!(first.name, "held");
    assert!(first.id.parse::<u64>().is_ok());
    let cancel = Ask::post(format!("/v1/orders/{}/cancellation", held.order_id)).token(&token);
    cancel.send(world.address).await.expect::<Value>(202);
    let last = next(&mut body, &mut buffer).await.unwrap();
    let cancelled: Order = serde_json::from_str(&last.data).unwrap();
    assert_eq!((&*last.name, cancelled.status), ("cancelled", OrderStatus::Cancelled));
    assert_eq!(next(&mut body, &mut buffer).await, None);
    // Whoever missed the end is told; whoever heard it is told to stay away.
    let missed = follow.clone().header("last-event-id", &first.id).send(world.address).await;
    assert_eq!(missed.status.as_u16(), 200);
    let heard = follow.header("last-event-id", &last.id).send(world.address).await;
    assert_eq!(heard.status.as_u16(), 204);
}

#[tokio::test]
async fn a_repeat_is_followed_as_its_first_order() {
    let world = World::usual().await;
    let deal = world.announce("lamp", json!({ "hold_seconds": 0 })).await;
    let token = world.shopper();
    let told = world.buy(&token, "k", &deal).send(world.address).await;
    let queued: Order = told.expect(202);
    let follow = Ask::get(format!("/v1/orders/{}/stream", queued.order_id)).token(&token);
    let (mut body, mut buffer) = (follow.open(world.address).await.into_body(), BytesMut::new());
    let mut last = None;
    while let Some(event) = next(&mut body, &mut buffer).await {
        last = Some(event);
    }
    assert_eq!(last.unwrap().name, "confirmed");
}

#[tokio::test]
async fn a_deal_is_followed_by_everybody_until_the_gateway_stops() {
    let world = World::usual().await;
    let deal = world.announce("lamp", json!({ "stock": 1, "hold_seconds": 0 })).await;
    let response = Ask::get(format!("/v1/deals/{}/stream", deal.deal_id)).open(world.address).await;
    let (mut body, mut buffer) = (response.into_body(), BytesMut::new());
    assert_eq!(next(&mut body, &mut buffer).await.unwrap().name, "open");
    world.buy(&world.shopper(), "k", &deal).send(world.address).await.expect::<Order>(202);
    let sold_out = next(&mut body, &mut buffer).await.unwrap();
    let shown: Deal = serde_json::from_str(&sold_out.data).unwrap();
    assert_eq!((shown.status, shown.confirmed), (DealStatus::SoldOut, 1));
    world.stop.trigger();
    assert_eq!(next(&mut body, &mut buffer).await, None);
    world.serving.await.unwrap().unwrap();
}
