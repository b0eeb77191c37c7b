//! More purchases than the log takes.

use event_log::Fate;
use schemas::http::{Deal, Order, Problem};
use serde_json::json;

use crate::client::Ask;
use crate::world::World;

const BUYERS: usize = 300;
/// As many as may always be on their way.
const LINE: usize = 128;

#[tokio::test]
async fn those_that_the_log_cannot_take_soon_are_turned_away_at_once_and_may_come_again() {
    let world = World::usual().await;
    let deal = world.announce("lamp", json!({ "stock": 1_000 })).await;
    world.commands.set_fates(|_, _| Fate::Held);
    let before = world.appended().await;
    let asks: Vec<Ask> = (0..BUYERS).map(|_| world.buy(&world.shopper(), "k", &deal)).collect();
    let address = world.address;
    let buying = asks.iter().cloned().map(|ask| tokio::spawn(ask.send(address)));
    let buying: Vec<_> = buying.collect();
    let held = || (0..crate::world::PARTITIONS).map(|it| world.commands.held(it)).sum::<usize>();
    let answered = || buying.iter().filter(|it| it.is_finished()).count();
    world.until("everybody waits or is answered", || held() + answered() == BUYERS).await;
    let waiting = held();
    assert!((1..=LINE).contains(&waiting), "{waiting}");

    // Whoever wants something else is served.
    let path = format!("/v1/deals/{}", deal.deal_id);
    assert_eq!(Ask::get(path).send(address).await.expect::<Deal>(200).deal_id, deal.deal_id);

    world.commands.set_fates(|_, _| Fate::Lands);
    for partition in 0..crate::world::PARTITIONS {
        world.commands.release(partition);
    }
    let mut turned_away = Vec::new();
    for (ask, told) in asks.iter().zip(buying) {
        let told = told.await.unwrap();
        match told.status.as_u16() {
            202 => {}
            _ => {
                assert_eq!((told.status.as_u16(), told.code()), (503, "overloaded"));
                // To the millisecond: two seconds ± 20 % at most. The header says the same.
                let millis = told.json::<Problem>().retry_after_ms.unwrap();
                assert!((1..=2_400).contains(&millis), "{millis}");
                let seconds: u32 = told.header("retry-after").parse().unwrap();
                assert_eq!(seconds, millis.div_ceil(1_000));
                turned_away.push(ask);
            }
        }
    }
    assert_eq!(turned_away.len(), BUYERS - waiting);
    assert_eq!(world.appended().await, before + waiting as u64);
    turned_away[0].clone().send(address).await.expect::<Order>(202);
}
