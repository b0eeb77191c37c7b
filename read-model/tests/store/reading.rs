//! Questions and their answers.

use read_model::{OrderCursor, OrderFilter, OrderRow, Store, StoreError};
use schemas::http::OrderStatus;
use schemas::log::RefusalCode;
use schemas::{CustomerId, Position};

use crate::naive::{Naive, stored};
use crate::world::{World, customer, deal_id};
use crate::{Backend, LOG, changes, commit, filter};

fn at(offset: u64) -> Position {
    Position { partition: 0, offset }
}

pub(crate) async fn what_is_not_there_is_none(backend: &impl Backend) {
    let store = backend.open().await;
    assert_eq!(store.projections(LOG).await.unwrap(), []);
    assert_eq!(store.order(LOG, at(2)).await.unwrap(), None);
    assert_eq!(store.command(LOG, at(2)).await.unwrap(), None);
    assert_eq!(store.deal(deal_id(1)).await.unwrap(), None);
    assert_eq!(store.deals(LOG).await.unwrap(), (vec![], vec![]));
    assert_eq!(store.keys(LOG, at(0), 10).await.unwrap(), []);
    let filter = OrderFilter { limit: 10, ..OrderFilter::default() };
    assert_eq!(store.orders_of(customer(1), filter).await.unwrap(), []);
}

pub(crate) async fn commands_tell_refusals_and_repeats(backend: &impl Backend) {
    let store = backend.open().await;
    let mut world = World::new();
    // A deal, an order, a refusal, a repeat, unreadable bytes, an expiry of the order.
    let wishes = [(0, 1, 0), (1, 0, 1), (18, 3, 0), (18, 0, 3), (18, 0, 2), (13, 0, 0)];
    commit(&*store, 0, &wishes.map(|wish| world.decide(wish))).await.unwrap();
    let answer = async |offset| {
        let row = store.command(LOG, at(offset)).await.unwrap();
        row.map(|row| (row.refusal, row.first))
    };
    assert_eq!(answer(1).await, Some((None, None)));
    assert_eq!(answer(2).await, None);
    assert_eq!(answer(3).await, Some((Some(RefusalCode::ALL[3]), None)));
    assert_eq!(answer(4).await, Some((None, Some(2))));
    assert_eq!(answer(5).await, Some((Some(RefusalCode::Unreadable), None)));
    assert_eq!(answer(6).await, Some((None, None)));
}

/// Orders of all customers in two partitions of two logs, with equal times of purchase.
async fn histories(store: &dyn Store) -> Vec<OrderRow> {
    let mut all = Vec::new();
    for (log_id, partition) in [(LOG, 0), (LOG, 1), (LOG + 1, 0)] {
        let mut world = World::new();
        let mut decisions = vec![world.decide((0, 1, 0))];
        for number in 0..60 {
            let kind = [1, 5, 7, 12, 13][usize::from(number) % 5];
            decisions.push(world.decide((kind, number * 7, number)));
        }
        let changes = changes(log_id, partition, &decisions);
        store.commit(partition, 0, &filter(log_id, 61), &changes).await.unwrap();
        all.extend(Naive::of(log_id, partition, &decisions).orders.into_values());
    }
    let newest_first =
        |row: &OrderRow| std::cmp::Reverse((row.purchased_at, row.log_id, row.position));
    all.sort_by_key(newest_first);
    all
}

fn of_customer(all: &[OrderRow], customer: CustomerId) -> Vec<OrderRow> {
    all.iter().filter(|row| row.customer == customer).cloned().collect()
}

pub(crate) async fn histories_are_newest_first_over_all_logs(backend: &impl Backend) {
    let store = backend.open().await;
    let all = histories(&*store).await;
    for number in 0..7 {
        let filter = OrderFilter { limit: 1_000, ..OrderFilter::default() };
        let found = store.orders_of(customer(number), filter).await.unwrap();
        assert!(found.len() > 10);
        assert_eq!(found, of_customer(&all, customer(number)));
    }
}

pub(crate) async fn histories_are_read_in_pages_and_by_status(backend: &impl Backend) {
    let store = backend.open().await;
    let all = of_customer(&histories(&*store).await, customer(2));
    for status in [None, Some(OrderStatus::Confirmed), Some(OrderStatus::Rejected)] {
        let mut filter = OrderFilter { status, after: None, limit: 3 };
        let mut found = Vec::new();
        loop {
            let page = store.orders_of(customer(2), filter).await.unwrap();
            assert!(page.len() <= 3);
            let Some(last) = page.last() else { break };
            let OrderRow { purchased_at, log_id, position, .. } = *last;
            filter.after = Some(OrderCursor { purchased_at, log_id, position });
            found.extend(page);
        }
        let mut expected = all.clone();
        expected.retain(|row| status.is_none_or(|status| row.status == status));
        assert!(!expected.is_empty());
        assert_eq!(found, expected);
    }
}

pub(crate) async fn keys_are_of_orders_that_took_units_of_unretired_deals(backend: &impl Backend) {
    let store = backend.open().await;
    let mut world = World::new();
    // Deal 1: held and expired, cancelled, rejected, and then retired with one confirmed order.
    // Deal 2 after that: held, confirmed, cancelled, expired, rejected.
    let wishes = [
        [(0, 1, 0), (5, 0, 0), (19, 0, 0)].as_slice(),
        &[(0, 2, 0), (1, 0, 1), (13, 0, 0), (1, 0, 1), (12, 1, 0), (5, 0, 1), (7, 0, 0)],
        &[(1, 0, 2)],
    ];
    let decisions: Vec<_> = wishes.concat().into_iter().map(|wish| world.decide(wish)).collect();
    commit(&*store, 0, &decisions).await.unwrap();
    let naive = Naive::of(LOG, 0, &decisions);
    let took = |row: &&OrderRow| row.status != OrderStatus::Rejected && row.deal_id == deal_id(2);
    let expected: Vec<_> = naive.orders.values().filter(took).collect();
    assert_eq!(expected.len(), 4);
    let mut found = store.keys(LOG, at(0), 3).await.unwrap();
    assert_eq!(found.len(), 3);
    let next = found.last().unwrap().offset + 1;
    found.extend(store.keys(LOG, at(next), 3).await.unwrap());
    assert_eq!(found.len(), 4);
    for (key, row) in found.iter().zip(expected) {
        let expected = (row.deal_id, row.key, row.fingerprint, row.position.offset);
        assert_eq!((key.deal_id, key.key, key.fingerprint, key.offset), expected);
    }
    assert_eq!(store.keys(LOG + 1, at(0), 3).await.unwrap(), []);
}

pub(crate) async fn deals_come_with_the_projections_that_they_are_as_of(backend: &impl Backend) {
    let store = backend.open().await;
    let mut world = World::new();
    let decisions: Vec<_> = [(0, 1, 0), (0, 2, 1), (1, 0, 1)].map(|wish| world.decide(wish)).into();
    commit(&*store, 0, &decisions).await.unwrap();
    let (projections, deals) = store.deals(LOG).await.unwrap();
    assert_eq!(projections.len(), 1);
    assert_eq!(projections[0].filter, filter(LOG, 3));
    let expected: Vec<_> = Naive::of(LOG, 0, &decisions).deals.into_values().collect();
    assert_eq!(deals, expected);
}

pub(crate) async fn an_order_comes_with_the_projection_that_it_is_as_of(backend: &impl Backend) {
    let store = backend.open().await;
    assert_eq!(store.order_as_of(LOG, at(2)).await.unwrap(), (None, None));
    let mut world = World::new();
    let decisions = [(0, 1, 0), (1, 0, 1)].map(|wish| world.decide(wish));
    commit(&*store, 0, &decisions).await.unwrap();
    let (projection, order) = store.order_as_of(LOG, at(2)).await.unwrap();
    assert_eq!(projection.unwrap().filter, filter(LOG, 2));
    assert_eq!(order.as_ref(), Naive::of(LOG, 0, &decisions).orders.get(&2));
    let (projection, order) = store.order_as_of(LOG, at(1)).await.unwrap();
    assert!(projection.is_some() && order.is_none());
    let elsewhere = Position { partition: 1, offset: 2 };
    assert_eq!(store.order_as_of(LOG, elsewhere).await.unwrap(), (None, None));
}

pub(crate) async fn a_snapshot_does_not_move(backend: &impl Backend) {
    let store = backend.open().await;
    let mut world = World::new();
    commit(&*store, 0, &[world.decide((0, 1, 0))]).await.unwrap();
    let mut snapshot = store.snapshot().await.unwrap();
    let more = [world.decide((1, 0, 1)), world.decide((18, 0, 0))];
    commit(&*store, 1, &more).await.unwrap();
    assert_eq!(snapshot.projections(LOG).await.unwrap()[0].filter.read_offset, 1);
    assert_eq!(snapshot.deals(LOG).await.unwrap()[0].held, 0);
    assert_eq!(snapshot.orders(LOG, at(0), 10).await.unwrap(), []);
    assert_eq!(snapshot.commands(LOG, at(0), 10).await.unwrap().len(), 1);
    drop(snapshot);
    let (read_offset, rows) = stored(&*store, LOG, 0, 10).await;
    assert_eq!((read_offset, rows.orders.len(), rows.commands.len()), (3, 1, 2));
}

pub(crate) async fn a_row_that_cannot_be_read_is_damage(backend: &impl Backend) {
    let store = backend.open().await;
    let mut world = World::new();
    let decisions = [(0, 1, 0), (1, 0, 1), (18, 0, 0)].map(|wish| world.decide(wish));
    commit(&*store, 0, &decisions).await.unwrap();
    backend.execute("UPDATE orders SET status = 'queued'").await;
    backend.execute("UPDATE commands SET refusal = 'whim'").await;
    backend.execute("UPDATE deals SET held = -1").await;
    backend.execute("UPDATE projections SET rules = -1").await;
    let damaged = |fault: StoreError, column: &str| match fault {
        StoreError::Damaged(text) => assert!(text.contains(column), "{text}"),
        StoreError::Unavailable(fault) => panic!("{fault}"),
    };
    damaged(store.order(LOG, at(2)).await.unwrap_err(), "status");
    damaged(store.command(LOG, at(3)).await.unwrap_err(), "refusal");
    damaged(store.deal(deal_id(1)).await.unwrap_err(), "held");
    damaged(store.projections(LOG).await.unwrap_err(), "rules");
}
