//! Ids and tokens that were never issued, or not to whoever shows them.

use gateway::ticket::Tickets;
use platform::secrets::{KeyRing, SecretBytes};
use read_model::Store;
use schemas::CustomerId;
use schemas::http::{CommandAnswer, Order};
use serde_json::json;
use uuid::Uuid;

use crate::client::{Ask, Told};
use crate::samples::signed;
use crate::world::World;

/// An order of `customer`, held.
async fn buy(world: &World, customer: Uuid) -> Order {
    let deal = world.announce("lamp", json!({ "stock": 1_000 })).await;
    let ask = world.buy(&world.token(customer, "shop"), "k", &deal).query("wait=20");
    ask.send(world.address).await.expect(200)
}

fn tickets(byte: u8) -> Tickets {
    Tickets::new(KeyRing::new([(1, SecretBytes::new(vec![byte; 32]))]).unwrap())
}

/// All that an answer says beside its own number and place in time.
fn shown(told: &Told) -> (u16, String, Vec<String>) {
    let names = told.headers.keys().map(ToString::to_string).collect();
    (told.status.as_u16(), String::from_utf8(told.body.to_vec()).unwrap(), names)
}

#[tokio::test]
async fn an_id_with_any_bit_flipped_is_told_as_one_that_never_was_and_nobody_is_asked() {
    let world = World::usual().await;
    let customer = Uuid::new_v4();
    let (order, token) = (buy(&world, customer).await, world.token(customer, "shop"));
    let path = format!("/v1/orders/{}/cancellation", order.order_id);
    let command: CommandAnswer =
        Ask::post(path).token(&token).send(world.address).await.expect(202);
    // Without its read model the gateway can answer nothing for which it would have to look.
    world.store.close().await;
    let ask = |path: String| Ask::get(path).token(&token).send(world.address);
    let never = shown(&ask(format!("/v1/orders/{}", Uuid::new_v4())).await);
    let no_command = shown(&ask(format!("/v1/commands/{}", Uuid::new_v4())).await);
    for bit in 0..128 {
        let flipped = Uuid::from_u128(order.order_id.as_u128() ^ 1 << bit);
        let told = ask(format!("/v1/orders/{flipped}")).await;
        assert_eq!(told.code(), "order-not-found", "bit {bit}");
        assert_eq!(shown(&told), never, "bit {bit}");
        let told = ask(format!("/v1/orders/{flipped}/stream")).await;
        assert_eq!(shown(&told), never, "bit {bit}");
        let flipped = Uuid::from_u128(command.command_id.as_u128() ^ 1 << bit);
        let told = ask(format!("/v1/commands/{flipped}")).await;
        assert_eq!(shown(&told), no_command, "bit {bit}");
    }
    let own: Order = ask(format!("/v1/orders/{}", order.order_id)).await.expect(200);
    assert_eq!(own.order_id, order.order_id);
}

#[tokio::test]
async fn ids_of_others_of_other_logs_and_of_other_keys_are_told_as_ones_that_never_were() {
    let world = World::usual().await;
    let (customer, thief) = (Uuid::new_v4(), Uuid::new_v4());
    let order = buy(&world, customer).await;
    let thief_token = world.token(thief, "shop");
    let read = tickets(9).read_order(order.order_id, Some(CustomerId(customer))).unwrap();
    let command = tickets(9).command_id(3, read.position, 1, thief);
    let never = Ask::get(format!("/v1/orders/{}", Uuid::new_v4())).token(&thief_token);
    let never = shown(&never.send(world.address).await);
    for (id, what) in [
        (order.order_id, "another customer's"),
        (tickets(9).order_id(3, read.position, 1, CustomerId(customer)), "the same, made anew"),
        (tickets(9).order_id(3, read.position, 1, CustomerId(thief)), "made with a stolen key"),
        (
            tickets(8).order_id(3, read.position, 1, CustomerId(thief)),
            "made with a key of one's own",
        ),
        (tickets(9).order_id(4, read.position, 1, CustomerId(thief)), "of another log"),
        (command, "a command's"),
    ] {
        let path = format!("/v1/orders/{id}");
        let told = Ask::get(&path).token(&thief_token).send(world.address).await;
        assert_eq!(told.code(), "order-not-found", "{what}");
        assert_eq!(shown(&told).1, never.1, "{what}");
        for change in [
            Ask::get(format!("{path}/stream")).token(&thief_token),
            Ask::post(format!("{path}/cancellation")).token(&thief_token),
            Ask::post("/demo/payments")
                .token(&thief_token)
                .json(&json!({ "order_id": id, "result": "succeeded" })),
        ] {
            let before = world.appended().await;
            assert_eq!(change.send(world.address).await.code(), "order-not-found", "{what}");
            assert_eq!(world.appended().await, before, "{what}");
        }
    }
    let mine = Ask::get(format!("/v1/orders/{}", order.order_id));
    let mine: Order =
        mine.token(&world.token(customer, "shop")).send(world.address).await.expect(200);
    assert_eq!(mine.status, order.status, "nothing happened to it");
}

#[tokio::test]
async fn whoever_sees_everybodys_orders_is_told_the_one_id_that_was_issued() {
    let world = World::usual().await;
    let order = buy(&world, Uuid::new_v4()).await;
    let support = world.token(Uuid::new_v4(), "support");
    for bit in 0..28 {
        // The half of the tag that names the customer, which support need not know.
        let flipped = Uuid::from_u128(order.order_id.as_u128() ^ 1 << bit);
        let ask = Ask::get(format!("/v1/orders/{flipped}")).token(&support);
        let told = ask.send(world.address).await;
        assert_eq!(told.header("content-location"), format!("/v1/orders/{}", order.order_id));
        assert_eq!(told.expect::<Order>(200).order_id, order.order_id);
    }
    for bit in 28..128 {
        let flipped = Uuid::from_u128(order.order_id.as_u128() ^ 1 << bit);
        let ask = Ask::get(format!("/v1/orders/{flipped}")).token(&support);
        assert_eq!(ask.send(world.address).await.code(), "order-not-found", "bit {bit}");
        let notice = json!({
            "payment_id": "p", "order_id": flipped, "result": "succeeded",
            "amount": 1_990, "currency": "EUR",
        });
        let ask = signed(Ask::post("/v1/webhooks/payments"), &notice.to_string());
        assert_eq!(ask.send(world.address).await.code(), "order-not-found", "bit {bit}");
    }
}

#[tokio::test]
async fn a_token_with_any_letter_changed_is_nobodys() {
    let world = World::usual().await;
    let token = world.shopper();
    let ask = |token: &str| Ask::get("/v1/orders").token(token).send(world.address);
    assert_eq!(ask(&token).await.status.as_u16(), 200);
    for index in 0..token.len() {
        let mut changed = token.clone().into_bytes();
        changed[index] = if changed[index] == b'A' { b'B' } else { b'A' };
        let changed = String::from_utf8(changed).unwrap();
        assert_eq!(ask(&changed).await.code(), "unauthenticated", "{changed}");
        assert_eq!(ask(&token[..index]).await.code(), "unauthenticated");
    }
    let parts: Vec<&str> = token.split('.').collect();
    let [head, claims, signature] = parts[..] else { panic!("{token}") };
    for forged in [
        format!("{head}.{claims}."),
        format!("{head}.{claims}"),
        format!("{head}..{signature}"),
        format!(".{claims}.{signature}"),
        format!("{claims}.{head}.{signature}"),
        format!("{token}.{signature}"),
        format!("{token}="),
        format!("{token}A"),
        format!("{head}.{claims}.{signature}{signature}"),
        format!("{head}=.{claims}=.{signature}="),
    ] {
        assert_eq!(ask(&forged).await.code(), "unauthenticated", "{forged}");
    }
}
