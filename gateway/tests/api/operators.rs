//! The operators' server.

use gateway::{PartitionRow, ResumeOptions};
use serde_json::json;

use crate::client::Ask;
use crate::world::{Setup, World};

#[tokio::test]
async fn operators_see_life_readiness_metrics_and_partitions() {
    let world = World::usual().await;
    for (path, body) in [("/livez", "alive\n"), ("/readyz", "ready\n"), ("/metrics", "up 1\n")] {
        let told = Ask::get(path).send(world.operations).await;
        assert_eq!((told.status.as_u16(), &told.body[..]), (200, body.as_bytes()));
        assert!(!told.header("x-request-id").is_empty());
    }
    let rows: Vec<PartitionRow> = Ask::get("/partitions").send(world.operations).await.expect(200);
    assert_eq!(rows[0].park.as_deref(), Some("log time is ahead"));
    assert_eq!(Ask::get("/nothing").send(world.operations).await.code(), "not-found");
    let told = Ask::post("/metrics").send(world.operations).await;
    assert_eq!((told.code(), told.header("allow")), ("method-not-allowed", "GET, HEAD"));
}

#[tokio::test]
async fn operators_resume_partitions() {
    let world = World::usual().await;
    let resume = |partition: &str| Ask::post(format!("/partitions/{partition}/resume"));
    resume("0").send(world.operations).await.expect::<Vec<PartitionRow>>(200);
    let options = json!({ "accept_log_time": true });
    let told = resume("0").json(&options).send(world.operations).await;
    told.expect::<Vec<PartitionRow>>(200);
    let accepted = ResumeOptions { accept_log_time: true, new_log: false };
    let resumed = world.resumed.0.lock().unwrap().clone();
    assert_eq!(resumed, [(0, ResumeOptions::default()), (0, accepted)]);
    assert_eq!(resume("1").send(world.operations).await.code(), "out-of-range");
    assert_eq!(resume("9").send(world.operations).await.code(), "not-found");
    assert_eq!(resume("x").send(world.operations).await.code(), "not-found");
    let told = resume("0").json(&json!({ "force": true })).send(world.operations).await;
    assert_eq!(told.code(), "malformed");
}

#[tokio::test]
async fn a_gateway_that_has_not_caught_up_is_not_ready() {
    let world = World::start(Setup { follow: false, ..Setup::default() }).await;
    let told = Ask::get("/readyz").send(world.operations).await;
    assert_eq!(told.status.as_u16(), 503);
    let deal = Ask::get("/v1/deals/6d1f5a0e-2c4b-5e6f-9a7d-31c840b297e5");
    assert_eq!(deal.send(world.address).await.code(), "not-ready");
}
