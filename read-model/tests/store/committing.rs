//! What a commit writes, and what it leaves alone.

use read_model::{Changes, CommitError, OrderChange, PaymentRow, Store, StoreError};
use schemas::http::OrderStatus;
use schemas::{Digest, Position};

use crate::naive::{Naive, stored};
use crate::world::{World, announced, deal_id, money};
use crate::{Backend, LOG, changes, commit, filter};

/// A deal and an order that is held, at offsets 1 and 2.
fn beginning(world: &mut World) -> Vec<schemas::log::Decision> {
    [(0, 1, 0), (1, 0, 1)].map(|wish| world.decide(wish)).into()
}

fn at(offset: u64) -> Position {
    Position { partition: 0, offset }
}

/// Commits bare changes of partition 0.
async fn put(store: &dyn Store, expected: u64, changes: &[Changes]) -> Result<(), CommitError> {
    store.commit(0, expected, &filter(LOG, expected + 1), changes).await
}

pub(crate) async fn rows_and_filter_state_are_written_together(backend: &impl Backend) {
    let store = backend.open().await;
    assert_eq!(store.log_ids().await.unwrap(), [0_u8; 0]);
    let decisions = beginning(&mut World::new());
    commit(&*store, 0, &decisions).await.unwrap();
    store.close().await;
    let store = backend.open().await;
    assert_eq!(store.log_ids().await.unwrap(), [LOG]);
    let projections = store.projections(LOG).await.unwrap();
    assert_eq!(projections.len(), 1);
    assert_eq!((projections[0].partition, &projections[0].filter), (0, &filter(LOG, 2)));
    assert_eq!(stored(&*store, LOG, 0, 10).await, (2, Naive::of(LOG, 0, &decisions)));
}

pub(crate) async fn a_commit_from_another_read_offset_changes_nothing(backend: &impl Backend) {
    let store = backend.open().await;
    let mut world = World::new();
    let decisions = beginning(&mut world);
    let more = [world.decide((13, 0, 0))];
    let early = commit(&*store, 2, &more).await;
    assert!(matches!(early, Err(CommitError::Moved { partition: 0, expected: 2 })), "{early:?}");
    assert_eq!(store.log_ids().await.unwrap(), [0_u8; 0]);
    commit(&*store, 0, &decisions).await.unwrap();
    for expected in [0, 1, 3] {
        let moved = commit(&*store, expected, &more).await;
        assert!(matches!(moved, Err(CommitError::Moved { .. })), "{expected}: {moved:?}");
    }
    assert_eq!(stored(&*store, LOG, 0, 10).await, (2, Naive::of(LOG, 0, &decisions)));
}

pub(crate) async fn a_commit_that_came_again_after_a_crash_changes_nothing(backend: &impl Backend) {
    let mut world = World::new();
    let decisions = beginning(&mut world);
    let refund = Changes::OrderChanged(2, OrderChange::RefundDue(money(500)));
    let store = backend.open().await;
    commit(&*store, 0, &decisions).await.unwrap();
    put(&*store, 2, std::slice::from_ref(&refund)).await.unwrap();
    // The answer was lost, and so was the process: the next one does not know.
    store.close().await;
    let store = backend.open().await;
    let again = put(&*store, 2, &[refund]).await;
    assert!(matches!(again, Err(CommitError::Moved { .. })), "{again:?}");
    assert_eq!(store.order(LOG, at(2)).await.unwrap().unwrap().refund_due, 500);
}

pub(crate) async fn a_commit_whose_rows_cannot_be_written_changes_nothing(backend: &impl Backend) {
    let store = backend.open().await;
    let decisions = beginning(&mut World::new());
    commit(&*store, 0, &decisions).await.unwrap();
    let paid = OrderChange::RefundDue(money(5));
    let bad = [Changes::OrderChanged(2, paid), Changes::Closed(deal_id(66))];
    let refused = put(&*store, 2, &bad).await;
    let damaged = matches!(refused, Err(CommitError::Store(StoreError::Damaged(_))));
    assert!(damaged, "{refused:?}");
    assert_eq!(stored(&*store, LOG, 0, 10).await, (2, Naive::of(LOG, 0, &decisions)));
    put(&*store, 2, &[]).await.unwrap();
}

pub(crate) async fn a_batch_of_ignored_records_moves_the_filter_alone(backend: &impl Backend) {
    let store = backend.open().await;
    store.commit(0, 0, &filter(LOG, 40), &[]).await.unwrap();
    let mut state = filter(LOG, 41);
    state.epoch = u64::MAX;
    store.commit(0, 40, &state, &[]).await.unwrap();
    assert_eq!(store.projections(LOG).await.unwrap()[0].filter, state);
    assert_eq!(stored(&*store, LOG, 0, 10).await, (41, Naive::default()));
}

pub(crate) async fn partitions_do_not_touch_each_other(backend: &impl Backend) {
    let store = backend.open().await;
    let (mut one, mut other) = (World::new(), World::new());
    let first: Vec<_> = [(0, 1, 0), (1, 0, 1)].map(|wish| one.decide(wish)).into();
    let second: Vec<_> = [(0, 2, 0), (5, 0, 1), (14, 2, 7)].map(|it| other.decide(it)).into();
    commit(&*store, 0, &first).await.unwrap();
    let changes = changes(LOG, 9, &second);
    store.commit(9, 0, &filter(LOG, 3), &changes).await.unwrap();
    assert_eq!(stored(&*store, LOG, 0, 10).await, (2, Naive::of(LOG, 0, &first)));
    assert_eq!(stored(&*store, LOG, 9, 10).await, (3, Naive::of(LOG, 9, &second)));
    let partitions: Vec<_> =
        store.projections(LOG).await.unwrap().iter().map(|row| row.partition).collect();
    assert_eq!(partitions, [0, 9]);
}

pub(crate) async fn an_order_made_and_paid_in_one_batch_is_one_row(backend: &impl Backend) {
    let store = backend.open().await;
    let mut world = World::new();
    let mut decisions = beginning(&mut world);
    // Runs out, is paid late, given up, and the money goes back.
    decisions.extend([(11, 0, 0), (12, 0, 0), (14, 2, 7), (15, 2, 7)].map(|it| world.decide(it)));
    commit(&*store, 0, &decisions).await.unwrap();
    let order = store.order(LOG, at(2)).await.unwrap().unwrap();
    assert_eq!(order.status, OrderStatus::Cancelled);
    assert_eq!((order.refund_due, order.refund_settled), (7, 7));
    assert!(order.payment.is_some());
    assert_eq!(stored(&*store, LOG, 0, 10).await, (6, Naive::of(LOG, 0, &decisions)));
}

pub(crate) async fn a_refund_for_a_position_without_an_order_is_passed_over(
    backend: &impl Backend,
) {
    let store = backend.open().await;
    let decisions = beginning(&mut World::new());
    commit(&*store, 0, &decisions).await.unwrap();
    let refund = OrderChange::RefundDue(money(5));
    // A command's position, one that nothing stands at, and one far ahead.
    let nobody = [1, 77, 1 << 43].map(|offset| Changes::OrderChanged(offset, refund));
    put(&*store, 2, &nobody).await.unwrap();
    assert_eq!(stored(&*store, LOG, 0, 10).await, (3, Naive::of(LOG, 0, &decisions)));
}

pub(crate) async fn a_rejected_order_takes_refunds(backend: &impl Backend) {
    let store = backend.open().await;
    let mut world = World::new();
    let decisions = [world.decide((0, 1, 0)), world.decide((7, 0, 0))];
    commit(&*store, 0, &decisions).await.unwrap();
    put(&*store, 2, &[Changes::OrderChanged(2, OrderChange::RefundDue(money(5)))]).await.unwrap();
    let order = store.order(LOG, at(2)).await.unwrap().unwrap();
    assert_eq!((order.status, order.refund_due), (OrderStatus::Rejected, 5));
    assert!(order.rejection.is_some());
}

pub(crate) async fn a_stored_order_that_cannot_go_that_way_is_damage(backend: &impl Backend) {
    let store = backend.open().await;
    let mut world = World::new();
    let mut decisions = beginning(&mut world);
    decisions.push(world.decide((12, 0, 0)));
    commit(&*store, 0, &decisions).await.unwrap();
    let payment = PaymentRow { payment: Digest(1), money: money(1) };
    let paid = put(&*store, 3, &[Changes::OrderChanged(2, OrderChange::Paid(payment))]).await;
    assert!(matches!(paid, Err(CommitError::Store(StoreError::Damaged(_)))), "{paid:?}");
    assert_eq!(stored(&*store, LOG, 0, 10).await, (3, Naive::of(LOG, 0, &decisions)));
}

pub(crate) async fn a_replaced_deal_keeps_its_identity_and_starts_anew(backend: &impl Backend) {
    let store = backend.open().await;
    let mut world = World::new();
    let first = [(0, 1, 0), (16, 0, 8), (17, 0, 0)].map(|wish| world.decide(wish));
    commit(&*store, 0, &first).await.unwrap();
    let before = store.deal(deal_id(1)).await.unwrap().unwrap();
    assert_eq!((before.adjusted, before.stock_left, before.paused), (4, 1_004, true));
    let mut decision = world.decide((19, 0, 1));
    decision.events = vec![announced(1, 3)];
    commit(&*store, 3, std::slice::from_ref(&decision)).await.unwrap();
    let (_, deals) = store.deals(LOG).await.unwrap();
    assert_eq!(deals.len(), 1);
    assert_eq!(deals, Naive::of(LOG, 0, &[decision]).deals.into_values().collect::<Vec<_>>());
    assert_eq!((deals[0].adjusted, deals[0].stock_left, deals[0].paused), (0, 1_003, false));
}

pub(crate) async fn a_new_log_stands_beside_the_old_logs_rows(backend: &impl Backend) {
    let store = backend.open().await;
    let (mut old, mut new) = (World::new(), World::new());
    let old = beginning(&mut old);
    let new: Vec<_> = [(0, 1, 5), (5, 0, 1), (12, 0, 0)].map(|it| new.decide(it)).into();
    commit(&*store, 0, &old).await.unwrap();
    // The id of a log says nothing about its age.
    let younger = LOG - 3;
    let changes = changes(younger, 0, &new);
    store.commit(0, 0, &filter(younger, 3), &changes).await.unwrap();
    assert_eq!(store.log_ids().await.unwrap(), [younger, LOG]);
    assert_eq!(stored(&*store, LOG, 0, 10).await, (2, Naive::of(LOG, 0, &old)));
    assert_eq!(stored(&*store, younger, 0, 10).await, (3, Naive::of(younger, 0, &new)));
    let deal = store.deal(deal_id(1)).await.unwrap().unwrap();
    assert_eq!((deal.log_id, deal.terms.stock), (younger, 1_005));
}

pub(crate) async fn a_batch_of_any_size_is_written_whole(backend: &impl Backend) {
    let store = backend.open().await;
    let mut world = World::new();
    let mut first = vec![world.decide((0, 1, 0))];
    first.extend((1..1_500).map(|number| world.decide((7, 1, number))));
    commit(&*store, 0, &first).await.unwrap();
    // Touches more stored rows than one statement holds, some of them twice.
    let refunds: Vec<_> = (2..=1_400).chain(2..20).map(refund).collect();
    put(&*store, 1_500, &refunds).await.unwrap();
    let mut naive = Naive::of(LOG, 0, &first);
    for change in refunds {
        if let Changes::OrderChanged(offset, change) = change {
            naive.orders.get_mut(&offset).unwrap().change(change);
        }
    }
    assert_eq!(stored(&*store, LOG, 0, 400).await, (1_501, naive));
}

fn refund(offset: u64) -> Changes {
    Changes::OrderChanged(offset, OrderChange::RefundDue(money(3)))
}
