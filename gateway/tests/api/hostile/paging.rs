//! What a client keeps and sends back, changed on the way: cursors, entity tags, ids of events.

use base64::Engine;
use base64::engine::general_purpose::{URL_SAFE, URL_SAFE_NO_PAD};
use bytes::BytesMut;
use schemas::Digest;
use schemas::http::{Order, Page};
use serde_json::json;
use uuid::Uuid;

use crate::bad_input::check;
use crate::client::Ask;
use crate::streams::next;
use crate::world::World;

const NO_CURSOR: (&str, Option<&str>) = ("malformed", Some("cursor"));

/// A cursor that this gateway takes for one of its own: it is sealed against mistakes, not against
/// people, so whatever it points at must be harmless.
fn sealed(list: &str, mut fields: Vec<u8>) -> String {
    let digest = Digest::of("timedeal.cursor", &[list.as_bytes(), &fields]).0.to_be_bytes();
    fields.extend_from_slice(&digest[..4]);
    URL_SAFE_NO_PAD.encode(fields)
}

#[tokio::test]
async fn a_cursor_with_any_bit_flipped_is_none() {
    let world = World::usual().await;
    let orders = Ask::get("/v1/orders").token(&world.shopper());
    for (list, ask, length) in [("orders", orders, 19), ("deals", Ask::get("/v1/deals"), 24)] {
        let good = sealed(list, (0..length).collect());
        let told = ask.clone().query(&format!("cursor={good}")).send(world.address).await;
        assert_eq!(told.status.as_u16(), 200, "{list}");
        let bytes = URL_SAFE_NO_PAD.decode(&good).unwrap();
        let mut bad = Vec::new();
        for bit in 0..bytes.len() * 8 {
            let mut bytes = bytes.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            bad.push(URL_SAFE_NO_PAD.encode(bytes));
        }
        bad.extend((0..good.len()).map(|length| good[..length].to_owned()));
        bad.extend([
            format!("{good}A"),
            format!("{good}="),
            format!("{good}%3D"),
            format!("{good}%00"),
            format!("+{good}"),
            URL_SAFE.encode([&bytes[..], b"\0"].concat()).replace('=', "%3D"),
            sealed("deal", (0..length).collect()),
            sealed(list, (0..length - 1).collect()),
            sealed(list, (0..=length).collect()),
            sealed(if list == "deals" { "orders" } else { "deals" }, (0..length).collect()),
        ]);
        for cursor in bad {
            check(&world, ask.clone().query(&format!("cursor={cursor}")), NO_CURSOR).await;
        }
    }
}

#[tokio::test]
async fn a_cursor_that_somebody_made_shows_nothing_but_ones_own() {
    let world = World::usual().await;
    let deal = world.announce("lamp", json!({ "stock": 100, "limit_per_customer": 50 })).await;
    let (mine, theirs) = (world.shopper(), world.shopper());
    for number in 0..3 {
        for token in [&mine, &theirs] {
            let ask = world.buy(token, &format!("k{number}"), &deal).query("wait=20");
            ask.send(world.address).await.expect::<Order>(200);
        }
    }
    let list = Ask::get("/v1/orders").token(&mine);
    let own: Page<Order> = list.clone().send(world.address).await.expect(200);
    assert_eq!(own.items.len(), 3);
    let known: Vec<Uuid> = own.items.iter().map(|order| order.order_id).collect();
    for time in [i64::MIN, -1, 0, 1, i64::MAX] {
        for (log_id, partition, offset) in
            [(0, 0, 0), (3, 1, u64::MAX), (255, u16::MAX, u64::MAX), (3, 0, 1 << 63)]
        {
            let mut fields = time.to_be_bytes().to_vec();
            fields.push(log_id);
            fields.extend(partition.to_be_bytes());
            fields.extend(offset.to_be_bytes());
            let query = format!("cursor={}", sealed("orders", fields));
            let told = list.clone().query(&query).send(world.address).await;
            let page: Page<Order> = told.expect(200);
            assert!(page.items.iter().all(|order| known.contains(&order.order_id)), "{time}");
        }
        for id in [Uuid::nil(), Uuid::max()] {
            let fields = [&time.to_be_bytes()[..], id.as_bytes()].concat();
            let query = format!("cursor={}", sealed("deals", fields));
            let told = Ask::get("/v1/deals").query(&query).send(world.address).await;
            assert_eq!(told.status.as_u16(), 200, "{time} {id}");
        }
    }
}

/// Tags and ids that nobody gave out.
fn nonsense() -> Vec<Vec<u8>> {
    let mut values: Vec<Vec<u8>> = [
        "",
        ",",
        "W/",
        "W/\"",
        "W/\"\"",
        "\"",
        "\"\"",
        "**",
        "x",
        "W/W/\"x\"",
        "w/\"x\"",
        "-1",
        "0",
        ".last.",
        "last",
        "99999999999999999999",
        "0.last.x",
        "\t",
        "{}",
        "W/\"\\\"\"",
    ]
    .map(|text| text.as_bytes().to_vec())
    .into();
    values.extend([vec![b','; 20_000], vec![b'"'; 20_000], b"W/".repeat(10_000), vec![0xff; 100]]);
    values.push("W/\"x\",".repeat(3_000).into_bytes());
    values
}

#[tokio::test]
async fn a_tag_that_was_never_given_out_matches_nothing() {
    let world = World::usual().await;
    let deal = world.announce("lamp", json!({})).await;
    let token = world.shopper();
    let told = world.buy(&token, "k", &deal).query("wait=20").send(world.address).await;
    let (tag, order) = (told.header("etag").to_owned(), told.expect::<Order>(200));
    let ask = Ask::get(format!("/v1/orders/{}", order.order_id)).token(&token);
    for value in nonsense() {
        let told = ask.clone().header("if-none-match", &value).send(world.address).await;
        assert_eq!(told.status.as_u16(), 200, "{}", value.escape_ascii());
        let page = Ask::get("/openapi.json").header("if-none-match", &value);
        assert_eq!(page.send(world.address).await.status.as_u16(), 200);
    }
    for same in [tag.clone(), "*".to_owned(), format!("\"x\", {tag}"), tag.replace("W/", "")] {
        let told = ask.clone().header("if-none-match", &same).send(world.address).await;
        assert_eq!((told.status.as_u16(), told.body.len()), (304, 0), "{same}");
    }
}

#[tokio::test]
async fn an_event_that_never_was_ends_no_stream() {
    let world = World::usual().await;
    let deal = world.announce("lamp", json!({})).await;
    let token = world.shopper();
    let told = world.buy(&token, "k", &deal).query("wait=20").send(world.address).await;
    let order: Order = told.expect(200);
    let follow = Ask::get(format!("/v1/orders/{}/stream", order.order_id)).token(&token);
    let of_deal = Ask::get(format!("/v1/deals/{}/stream", deal.deal_id));
    let mut values = nonsense();
    // Also one that claims to have heard the end of what has not ended.
    values.extend([b".last".to_vec(), b"999999.last".to_vec(), b"-1.last".to_vec()]);
    for value in values {
        let shown = value.escape_ascii().to_string();
        for (ask, name) in [(&follow, "held"), (&of_deal, "open")] {
            let response = ask.clone().header("last-event-id", &value).open(world.address).await;
            assert_eq!(response.status().as_u16(), 200, "{shown}");
            let (mut body, mut buffer) = (response.into_body(), BytesMut::new());
            assert_eq!(next(&mut body, &mut buffer).await.unwrap().name, name, "{shown}");
        }
    }
}
