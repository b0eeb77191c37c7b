//! Payment notices by whoever has seen one, but holds no secret.

use gateway::signature;
use platform::clock::{Clock, SystemClock};
use schemas::http::{CommandAnswer, Deal, Order, OrderStatus};
use serde_json::{Value, json};

use crate::bad_input::check;
use crate::client::Ask;
use crate::world::{WEBHOOK_SECRET, World};

const INVALID: (&str, Option<&str>) = ("signature-invalid", Some("Timedeal-Signature"));
const STALE: (&str, Option<&str>) = ("signature-stale", Some("Timedeal-Signature"));

fn now_seconds() -> i64 {
    SystemClock::new().now_millis() / 1_000
}

fn with(body: &str, header: &str) -> Ask {
    Ask::post("/v1/webhooks/payments").raw(body.to_owned()).header("timedeal-signature", header)
}

fn sign(body: &str, at: i64) -> String {
    signature::sign(WEBHOOK_SECRET, at, body.as_bytes())
}

/// A held order, its buyer's token, and a notice that it was paid.
async fn held(world: &World) -> (Order, String, Value) {
    let deal: Deal = world.announce("lamp", json!({})).await;
    let token = world.shopper();
    let told = world.buy(&token, "k", &deal).query("wait=20").send(world.address).await;
    let order: Order = told.expect(200);
    let notice = json!({
        "payment_id": "p-1", "order_id": order.order_id, "result": "succeeded",
        "amount": 1_990, "currency": "EUR",
    });
    (order, token, notice)
}

#[tokio::test]
async fn a_notice_sent_again_pays_once() {
    let world = World::usual().await;
    let (order, token, notice) = held(&world).await;
    let body = notice.to_string();
    let header = sign(&body, now_seconds());
    let mut outcomes = Vec::new();
    for _ in 0..5 {
        let told = with(&body, &header).send(world.address).await;
        let command: CommandAnswer = told.expect(202);
        let support = world.token(uuid::Uuid::new_v4(), "support");
        let path = format!("/v1/commands/{}?wait=20", command.command_id);
        let told = Ask::get(path).token(&support).send(world.address).await;
        outcomes.push(told.expect::<CommandAnswer>(200).status);
    }
    let paid = Ask::get(format!("/v1/orders/{}", order.order_id)).token(&token);
    let paid: Order = paid.send(world.address).await.expect(200);
    assert_eq!(paid.status, OrderStatus::Confirmed, "{outcomes:?}");
    let deal = Ask::get(format!("/v1/deals/{}", order.deal_id.unwrap())).send(world.address).await;
    let deal: Deal = deal.expect(200);
    assert_eq!((deal.stock_left, deal.held, deal.confirmed), (9, 0, 1));
}

#[tokio::test]
async fn an_old_or_future_notice_is_stale_whatever_it_says() {
    let world = World::usual().await;
    let (_, _, notice) = held(&world).await;
    let body = notice.to_string();
    let now = now_seconds();
    for at in [now - 310, now + 310, 0, -1, i64::MIN, i64::MAX, now - 86_400 * 365] {
        check(&world, with(&body, &sign(&body, at)), STALE).await;
        // Not knowing the secret, nobody learns which times would do.
        let forged = format!("t={at},v1={}", "00".repeat(32));
        check(&world, with(&body, &forged), INVALID).await;
    }
    // The time is signed: another cannot be put in its place.
    let old = sign(&body, now - 310);
    let fresh = old.replacen(&(now - 310).to_string(), &now.to_string(), 1);
    check(&world, with(&body, &fresh), INVALID).await;
}

#[tokio::test]
async fn a_signature_is_of_one_body_and_of_every_byte_of_it() {
    let world = World::usual().await;
    let (_, _, notice) = held(&world).await;
    let body = notice.to_string();
    let header = sign(&body, now_seconds());
    let mut other = notice.clone();
    other["amount"] = json!(1);
    for changed in [
        other.to_string(),
        format!("{body} "),
        format!(" {body}"),
        format!("{body}\n"),
        body.replace("succeeded", "failed"),
        body.replace(':', ": "),
        format!(".{body}"),
        String::new(),
        "{}".to_owned(),
    ] {
        check(&world, with(&changed, &header), INVALID).await;
    }
    for index in 0..body.len() {
        let mut changed = body.clone().into_bytes();
        changed[index] ^= 1;
        let changed = String::from_utf8(changed).unwrap();
        check(&world, with(&changed, &header), INVALID).await;
    }
    // A dot in the time would let the body begin earlier: the time has digits only.
    let at = now_seconds();
    let shifted = signature::sign(WEBHOOK_SECRET, at, b"x.{}").replacen(',', ".x,", 1);
    check(&world, with("{}", &shifted), INVALID).await;
}

#[tokio::test]
async fn one_good_signature_among_several_is_enough_but_only_among_a_few() {
    let world = World::usual().await;
    let (_, _, notice) = held(&world).await;
    let body = notice.to_string();
    let good = sign(&body, now_seconds());
    let bad = format!(",v1={}", "ab".repeat(32));
    let (time, signature) = good.split_once(',').unwrap();
    for (header, expect) in [
        (format!("{good}{}", bad.repeat(7)), None),
        (format!("{time}{},{signature}", bad.repeat(7)), None),
        (format!("{signature},{time}"), None),
        (format!("{good},v2=x,v0=y"), None),
        (format!("{time},{}", signature.to_uppercase().replace("V1", "v1")), None),
        (format!("{good}{}", bad.repeat(8)), Some(INVALID)),
        (format!("{time}{}", bad.repeat(8)), Some(INVALID)),
        (format!("{time}{}", bad.repeat(400)), Some(INVALID)),
        (format!("{good},v1="), Some(INVALID)),
        (format!("{good},v1=zz"), Some(INVALID)),
        (format!("{good},{time}"), Some(INVALID)),
        (format!("{good},t=1"), Some(INVALID)),
        (format!("t=1,{good}"), Some(INVALID)),
        (format!("{time},{}", signature.replace("v1", "V1")), Some(INVALID)),
        (format!("{time},{}", signature.replace("v1", "v2")), Some(INVALID)),
        (time.to_owned(), Some(INVALID)),
        (signature.to_owned(), Some(INVALID)),
        (good.replace("t=", "t=+"), Some(INVALID)),
        (good.replace("t=", "t=0"), Some(INVALID)),
        (good.replace("t=", "t= "), Some(INVALID)),
    ] {
        match expect {
            Some(expect) => check(&world, with(&body, &header), expect).await,
            None => {
                let told = with(&body, &header).send(world.address).await;
                assert_eq!(told.status.as_u16(), 202, "{header}: {told:?}");
            }
        }
    }
    let twice = with(&body, &good).header("timedeal-signature", &good);
    check(&world, twice, INVALID).await;
}
