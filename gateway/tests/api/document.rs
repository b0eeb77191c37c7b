//! The OpenAPI document against the gateway: every operation and every answer that it lists is
//! driven, and every request and answer is held against its schema.

mod driver;
mod faults;

use schemas::http::Deal;
use schemas::log::{Command, RetireDeal};
use serde_json::json;
use uuid::Uuid;

use crate::client::Ask;
use crate::samples::{Stage, later, signed};
use crate::world::{Setup, World};
use driver::Driver;

const ADMIN: &str = "/v1/admin/deals/{deal_id}";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_operation_and_every_answer_of_the_document_is_driven() {
    let world = World::usual().await;
    let stage = Stage::build(&world).await;
    let mut driver = Driver::new(&world).await;
    successes(&mut driver, &world, &stage).await;
    faults::missing_rights(&mut driver, &world, &stage).await;
    faults::bad_bodies(&mut driver, &world, &stage).await;
    faults::bad_queries(&mut driver, &world, &stage).await;
    faults::unknown_ids(&mut driver, &world, &stage).await;
    faults::views_behind(&mut driver, &world, &stage).await;
    refusals(&mut driver, &world, &stage).await;
    faults::rates(&mut driver).await;
    faults::parts_that_fail(&mut driver).await;
    faults::no_demo(&mut driver).await;
    driver.expect_all();
}

async fn successes(driver: &mut Driver, world: &World, stage: &Stage) {
    let ada = json!({ "email": "ada@x.example", "password": "0123456789", "name": "Ada" });
    let at = world.address;
    driver.drive("POST /v1/accounts", Ask::post("/v1/accounts").json(&ada), at, 201).await;
    let announced = "PUT /v1/admin/products/{product_id}/deals/{deal_key}";
    let waiting = driver.sample(announced, stage).query("wait=20");
    driver.drive(announced, waiting.clone(), at, 201).await;
    driver.drive(announced, waiting, at, 200).await;
    for operation in driver.operations() {
        let (_, template) = operation.split_once(' ').unwrap();
        let waits = driver.has_parameter(&operation, "wait");
        let usual =
            if waits && driver.lists(&operation, 202) { 202 } else { driver.first(&operation) };
        if template.ends_with("/closure") {
            continue;
        }
        driver.drive(&operation, driver.sample(&operation, stage), at, usual).await;
        if waits && usual == 202 && !template.ends_with("/cancellation") {
            let ask = driver.sample(&operation, stage).query("wait=20");
            driver.drive(&operation, ask, at, 200).await;
        }
    }
    let cancel = "POST /v1/orders/{order_id}/cancellation";
    let ask = world.buy(&stage.shopper, "second", &stage.deal).query("wait=20");
    let second: schemas::http::Order = ask.send(at).await.expect(200);
    let path = format!("/v1/orders/{}", second.order_id);
    let ask = Ask::post(format!("{path}/cancellation?wait=20")).token(&stage.shopper);
    driver.drive(cancel, ask, at, 200).await;
    let ended = Ask::get(format!("{path}/stream")).token(&stage.shopper);
    let ended = ended.header("last-event-id", "7.last");
    driver.drive("GET /v1/orders/{order_id}/stream", ended, at, 204).await;
    for operation in ["GET /v1/orders/{order_id}", "GET /openapi.json"] {
        let told = driver.drive(operation, driver.sample(operation, stage), at, 200).await;
        let same = driver.sample(operation, stage).header("if-none-match", told.header("etag"));
        driver.drive(operation, same, at, 304).await;
    }
}

/// What only the state of a deal or an order refuses.
async fn refusals(driver: &mut Driver, world: &World, stage: &Stage) {
    let at = world.address;
    let cancel = "POST /v1/orders/{order_id}/cancellation";
    let again = driver.sample(cancel, stage).query("wait=20");
    driver.drive(cancel, again, at, 409).await;
    let deal = world.announce("gone", json!({ "stock": 1 })).await;
    for (what, status) in [("closure?wait=20", 200), ("closure", 202)] {
        let path = format!("/v1/admin/deals/{}/{what}", deal.deal_id);
        let operation = format!("POST {ADMIN}/closure");
        driver.drive(&operation, Ask::post(path).token(&stage.admin), at, status).await;
    }
    let buy = world.buy(&world.shopper(), "k", &deal);
    driver.drive("POST /v1/purchases", buy, at, 409).await;
    let reused = world.buy(&stage.shopper, "first", &stage.deal);
    let reused = reused.json(&json!({ "deal_id": stage.deal.deal_id, "quantity": 2 }));
    driver.drive("POST /v1/purchases", reused, at, 422).await;
    let times = json!({
        "opens_at": "2020-01-01T00:00:00.000Z", "closes_at": "2020-01-02T00:00:00.000Z",
    });
    let deal = world.announce("past", times).await;
    retire(world, &deal).await;
    for what in ["stock-adjustments", "schedule", "pause", "resume", "closure"] {
        let operation = format!("POST {ADMIN}/{what}");
        let mut ask = driver.sample(&operation, stage).query("wait=20");
        ask.path = ask.path.replace(&stage.deal.deal_id.to_string(), &deal.deal_id.to_string());
        driver.drive(&operation, ask, at, 409).await;
    }
    let announce = "PUT /v1/admin/products/{product_id}/deals/{deal_key}";
    let ask = Ask::new("PUT", "/v1/admin/products/lamp/deals/first?wait=20").token(&stage.admin);
    driver.drive(announce, ask.json(&later()), at, 409).await;
    let mut ranged = later();
    ranged["stock"] = json!(-1);
    driver.drive(announce, driver.sample(announce, stage).json(&ranged), at, 422).await;
    people(driver, world, stage).await;
}

async fn people(driver: &mut Driver, world: &World, stage: &Stage) {
    let at = world.address;
    let ada = json!({ "email": "ada@x.example", "password": "0123456789", "name": "Ada" });
    let (sign_up, sign_in) = ("POST /v1/accounts", "POST /v1/sessions");
    driver.drive(sign_up, Ask::post("/v1/accounts").json(&ada), at, 409).await;
    let short = json!({ "email": "ada@x.example", "password": "0", "name": "Ada" });
    driver.drive(sign_up, Ask::post("/v1/accounts").json(&short), at, 422).await;
    let wrong = json!({ "email": "ada@x.example", "password": "0123456780" });
    driver.drive(sign_in, Ask::post("/v1/sessions").json(&wrong), at, 401).await;
    let long = json!({ "email": "ada@x.example", "password": "0".repeat(200) });
    driver.drive(sign_in, Ask::post("/v1/sessions").json(&long), at, 422).await;
    let notice = "POST /v1/webhooks/payments";
    let unsigned = driver.sample(notice, stage).without("timedeal-signature");
    driver.drive(notice, unsigned, at, 401).await;
    for (order_id, amount, status) in [(stage.order.order_id, -1, 422), (Uuid::nil(), 1, 404)] {
        let body = json!({
            "payment_id": "p-2", "order_id": order_id, "result": "failed",
            "amount": amount, "currency": "EUR",
        });
        let ask = signed(Ask::post("/v1/webhooks/payments"), &body.to_string());
        driver.drive(notice, ask, at, status).await;
    }
}

/// Retires a deal as its owner would, and waits until the view has it.
async fn retire(world: &World, deal: &Deal) {
    use event_log::{Log, Record};
    let command = Command::RetireDeal(Box::new(RetireDeal {
        deal_id: deal.deal_id,
        closes_at: world.status.deal(deal.deal_id).unwrap().terms.closes_at,
        ticket_key: 1,
        received_at: deal.server_time,
        actor: Uuid::nil(),
        admission: None,
    }));
    let partition = world.status.partition_of(deal.deal_id).unwrap();
    let record = Record { payload: command.encode().into(), ..Record::default() };
    world.commands.append(partition, vec![record]).await.unwrap();
    world.until("the deal is retired", || world.status.deal(deal.deal_id).unwrap().retired).await;
}

/// A world in which little may be sent.
async fn strict_world() -> World {
    World::start(Setup { burst: 1, ..Setup::default() }).await
}
