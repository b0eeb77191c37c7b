//! A crowd that listens to one deal.

use std::time::Duration;

use bytes::BytesMut;
use serde_json::json;
use tokio::task::JoinSet;

use crate::client::Ask;
use crate::streams::next;
use crate::world::World;

const LISTENERS: usize = 2_000;
/// Only a broken program takes longer.
const DEADLINE: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_thousand_clients_hear_that_a_deal_is_sold_out() {
    let world = World::usual().await;
    let deal = world.announce("lamp", json!({ "stock": 1, "hold_seconds": 0 })).await;
    let path = format!("/v1/deals/{}/stream", deal.deal_id);
    let (told, mut begun) = tokio::sync::mpsc::channel(LISTENERS);
    let mut listeners = JoinSet::new();
    for _ in 0..LISTENERS {
        let (path, told, address) = (path.clone(), told.clone(), world.address);
        listeners.spawn(async move {
            let mut body = Ask::get(path).open(address).await.into_body();
            let mut buffer = BytesMut::new();
            assert_eq!(next(&mut body, &mut buffer).await.unwrap().name, "open");
            told.send(()).await.unwrap();
            next(&mut body, &mut buffer).await.unwrap().name
        });
    }
    let everybody = async {
        for _ in 0..LISTENERS {
            begun.recv().await.unwrap();
        }
        world.buy(&world.shopper(), "k", &deal).send(world.address).await;
        let mut heard = 0;
        while let Some(name) = listeners.join_next().await {
            assert_eq!(name.unwrap(), "sold-out");
            heard += 1;
        }
        heard
    };
    assert_eq!(tokio::time::timeout(DEADLINE, everybody).await.unwrap(), LISTENERS);
}
