//! Keys that are exchanged while the gateway serves.

use gateway::auth::TokenKeys;
use gateway::signature;
use gateway::ticket::Tickets;
use platform::clock::{Clock, SystemClock};
use platform::secrets::{KeyRing, SecretBytes, SigningKeyMaterial, SigningKeys};
use schemas::http::Order;
use serde_json::json;
use uuid::Uuid;

use crate::client::Ask;
use crate::world::World;

fn token_keys(byte: u8) -> TokenKeys {
    let secret = SecretBytes::new(vec![byte; 32]);
    TokenKeys::new(&SigningKeys::single(SigningKeyMaterial::Hs256(secret))).unwrap()
}

#[tokio::test]
async fn a_token_of_a_key_that_was_taken_out_is_refused_also_if_it_was_known() {
    let world = World::usual().await;
    let old = world.shopper();
    Ask::get("/v1/orders").token(&old).send(world.address).await.expect::<serde_json::Value>(200);
    world.keys.tokens.replace(token_keys(8));
    let told = Ask::get("/v1/orders").token(&old).send(world.address).await;
    assert_eq!(told.code(), "unauthenticated");
    // The issuer of sessions signs with the new key at once.
    let new = world.shopper();
    Ask::get("/v1/orders").token(&new).send(world.address).await.expect::<serde_json::Value>(200);
}

#[tokio::test]
async fn an_order_keeps_its_id_when_another_ticket_key_issues() {
    let world = World::usual().await;
    let deal = world.announce("lamp", json!({})).await;
    let token = world.shopper();
    let ask = world.buy(&token, "first", &deal);
    let first: Order = ask.send(world.address).await.expect(202);
    let key = |number: u16, byte: u8| (number, SecretBytes::new(vec![byte; 32]));
    let grown = KeyRing::new([key(1, 9), key(2, 11)]).unwrap();
    world.keys.tickets.replace(Tickets::new(grown));
    let path = format!("/v1/orders/{}?wait=10", first.order_id);
    let found: Order = Ask::get(path).token(&token).send(world.address).await.expect(200);
    assert_eq!(found.order_id, first.order_id);
    let other = world.shopper();
    let second: Order = world.buy(&other, "second", &deal).send(world.address).await.expect(202);
    let path = format!("/v1/orders/{}?wait=10", second.order_id);
    let found: Order = Ask::get(path).token(&other).send(world.address).await.expect(200);
    assert_eq!(found.order_id, second.order_id, "its events carry the key that made it");
}

#[tokio::test]
async fn an_order_whose_key_is_not_read_yet_is_asked_for_again_later() {
    let world = World::usual().await;
    let deal = world.announce("lamp", json!({})).await;
    let token = world.shopper();
    let key = |number: u16, byte: u8| (number, SecretBytes::new(vec![byte; 32]));
    // Another gateway has read a second key and issues with it.
    world.keys.tickets.replace(Tickets::new(KeyRing::new([key(1, 9), key(2, 11)]).unwrap()));
    let order: Order = world.buy(&token, "k", &deal).send(world.address).await.expect(202);
    let path = format!("/v1/orders/{}?wait=10", order.order_id);
    let _decided: Order = Ask::get(path).token(&token).send(world.address).await.expect(200);
    world.keys.tickets.replace(Tickets::new(KeyRing::new([key(1, 9)]).unwrap()));
    let told = Ask::get("/v1/orders").token(&token).send(world.address).await;
    assert_eq!((told.status.as_u16(), told.code()), (503, "view-behind"));
}

#[tokio::test]
async fn any_secret_in_the_list_signs_payment_notices_and_none_that_left_it() {
    let world = World::usual().await;
    let deal = world.announce("lamp", json!({})).await;
    let token = world.shopper();
    let order: Order = world.buy(&token, "k", &deal).send(world.address).await.expect(202);
    let (old, new) = ([1_u8; 32], [2_u8; 32]);
    let pay = async |secret: &[u8]| {
        let notice = json!({
            "payment_id": Uuid::new_v4().to_string(), "order_id": order.order_id,
            "result": "failed", "amount": 1_990, "currency": "EUR"
        });
        let body = notice.to_string();
        let now_seconds = SystemClock::new().now_millis() / 1_000;
        let signed = signature::sign(secret, now_seconds, body.as_bytes());
        let ask = Ask::post("/v1/webhooks/payments").raw(body);
        let ask = ask.header("timedeal-signature", signed);
        ask.send(world.address).await.status.as_u16()
    };
    let list = |secrets: &[[u8; 32]]| -> Vec<SecretBytes> {
        secrets.iter().map(|it| SecretBytes::new(it.to_vec())).collect()
    };
    world.keys.webhooks.replace(list(&[old, new]));
    assert_eq!((pay(&old).await, pay(&new).await), (202, 202));
    world.keys.webhooks.replace(list(&[new]));
    assert_eq!((pay(&old).await, pay(&new).await), (401, 202));
}
