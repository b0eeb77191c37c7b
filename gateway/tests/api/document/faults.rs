//! What can go wrong with any operation, driven wherever the document lists it.

use event_log::Log;
use read_model::{Changes, DealRow, ProductRow, Store};
use schemas::log::FilterState;
use serde_json::json;
use uuid::Uuid;

use super::driver::Driver;
use super::strict_world;
use crate::client::Ask;
use crate::samples::{Stage, signed};
use crate::world::{PARTITIONS, Setup, World};

const NOTICE: &str = "POST /v1/webhooks/payments";

pub(super) async fn missing_rights(driver: &mut Driver, world: &World, stage: &Stage) {
    let powerless = world.token(Uuid::new_v4(), "");
    for operation in driver.operations() {
        if driver.needs_token(&operation) {
            let ask = driver.sample(&operation, stage);
            let without = ask.clone().without("authorization");
            driver.drive(&operation, without, world.address, 401).await;
            driver.drive(&operation, ask.token(&powerless), world.address, 403).await;
        }
    }
}

pub(super) async fn bad_bodies(driver: &mut Driver, world: &World, stage: &Stage) {
    for operation in driver.operations() {
        if !driver.lists(&operation, 413) {
            continue;
        }
        let ask = driver.sample(&operation, stage);
        let with = |body: &str| match operation.as_str() {
            NOTICE => signed(ask.clone(), body),
            _ => ask.clone().raw(body.to_owned()),
        };
        driver.drive(&operation, with("{"), world.address, 400).await;
        driver.drive(&operation, with(&"x".repeat(70_000)), world.address, 413).await;
        let text = with("text").without("content-type").header("content-type", "text/plain");
        driver.drive(&operation, text, world.address, 415).await;
    }
}

pub(super) async fn bad_queries(driver: &mut Driver, world: &World, stage: &Stage) {
    for operation in driver.operations() {
        if driver.lists(&operation, 400) {
            let ask = driver.sample(&operation, stage).query("colour=1");
            driver.drive(&operation, ask, world.address, 400).await;
        }
        for (name, value) in [("wait", "31"), ("limit", "101")] {
            if driver.has_parameter(&operation, name) {
                let ask = driver.sample(&operation, stage).query(&format!("{name}={value}"));
                driver.drive(&operation, ask, world.address, 422).await;
            }
        }
    }
}

pub(super) async fn unknown_ids(driver: &mut Driver, world: &World, stage: &Stage) {
    let nobody = Uuid::new_v4().to_string();
    let known = [stage.order.order_id, stage.command_id, stage.deal.deal_id.0];
    for operation in driver.operations() {
        if !driver.lists(&operation, 404) || operation == NOTICE {
            continue;
        }
        let mut ask = driver.sample(&operation, stage);
        let body = String::from_utf8(ask.body.to_vec()).unwrap();
        let mut unknown = body.clone();
        for id in known {
            ask.path = ask.path.replace(&id.to_string(), &nobody);
            unknown = unknown.replace(&id.to_string(), &nobody);
        }
        if unknown != body {
            ask = ask.raw(unknown);
        } else if !operation.contains("_id}") {
            // The demo's: they are unknown where there is no demo.
            continue;
        }
        driver.drive(&operation, ask, world.address, 404).await;
    }
}

pub(super) async fn views_behind(driver: &mut Driver, world: &World, stage: &Stage) {
    let ahead: Vec<String> = (0..PARTITIONS).map(|it| format!("3.{it}:999999")).collect();
    for operation in driver.operations() {
        if driver.has_parameter(&operation, "Timedeal-Seen") {
            let ask = driver.sample(&operation, stage).header("timedeal-seen", ahead.join(","));
            driver.drive(&operation, ask, world.address, 503).await;
        }
    }
    stray_deal(driver, world, stage).await;
}

/// A deal of a log that was replaced is shown, but never changes.
async fn stray_deal(driver: &mut Driver, world: &World, stage: &Stage) {
    let mut row = DealRow::clone(&world.status.deal(stage.deal.deal_id).unwrap());
    row.deal_id.0 = Uuid::new_v4();
    row.log_id = 9;
    let path = format!("/v1/deals/{}", row.deal_id);
    let product =
        ProductRow { product_id: row.product_id.clone(), product: row.terms.product.clone() };
    let filter = FilterState { log_id: Some(9), read_offset: 1, ..FilterState::default() };
    let changes = [Changes::Deal(Box::new(row), Box::new(product))];
    world.store.commit(0, 0, &filter, &changes).await.unwrap();
    driver.drive("GET /v1/deals/{deal_id}", Ask::get(&path), world.address, 200).await;
    let stream = Ask::get(format!("{path}/stream"));
    driver.drive("GET /v1/deals/{deal_id}/stream", stream, world.address, 409).await;
}

pub(super) async fn rates(driver: &mut Driver) {
    let world = strict_world().await;
    let deal = world.announce("lamp", json!({})).await;
    let shopper = world.shopper();
    let ask = world.buy(&shopper, "k", &deal).query("wait=20");
    let order: schemas::http::Order = ask.send(world.address).await.expect(200);
    for operation in driver.operations() {
        if !driver.lists(&operation, 429) {
            continue;
        }
        // A customer of their own for each, who has spent what they may.
        let token = world.token(Uuid::new_v4(), "shop admin support");
        let spend = Ask::get("/v1/orders").token(&token);
        while spend.clone().send(world.address).await.status.as_u16() != 429 {}
        let stage = Stage {
            deal: deal.clone(),
            order: order.clone(),
            command_id: Uuid::nil(),
            shopper: token.clone(),
            admin: token.clone(),
        };
        let ask = driver.sample(&operation, &stage);
        // The bucket fills again while we speak.
        let mut told = ask.clone().send(world.address).await;
        while told.status.as_u16() != 429 {
            told = ask.clone().send(world.address).await;
        }
        driver.judge(&operation, &told);
    }
}

/// The read model is closed, then the log.
pub(super) async fn parts_that_fail(driver: &mut Driver) {
    let world = World::usual().await;
    let stage = Stage::build(&world).await;
    world.store.close().await;
    for operation in ["POST /v1/accounts", "POST /v1/sessions"] {
        driver.drive(operation, driver.sample(operation, &stage), world.address, 503).await;
    }
    world.commands.close();
    for operation in driver.operations() {
        let appends = driver.lists(&operation, 202);
        if appends && driver.takes_body(&operation) {
            driver.drive(&operation, driver.sample(&operation, &stage), world.address, 503).await;
        }
    }
    assert!(world.commands.end(0).await.is_err());
}

pub(super) async fn no_demo(driver: &mut Driver) {
    let world = World::start(Setup { demo: false, ..Setup::default() }).await;
    let pay = json!({ "order_id": Uuid::nil(), "result": "failed" });
    for (operation, ask) in [
        ("GET /demo.json", Ask::get("/demo.json")),
        ("POST /demo/session", Ask::post("/demo/session")),
        ("POST /demo/payments", Ask::post("/demo/payments").json(&pay)),
    ] {
        driver.drive(operation, ask, world.address, 404).await;
    }
}
