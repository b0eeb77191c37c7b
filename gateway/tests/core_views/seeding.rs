//! Starting from a read model that is ahead, behind, down or wrong, and what is never forgotten.

use futures_executor::block_on;
use futures_util::FutureExt;
use gateway::admission::Door;
use gateway::status::{OrderState, StartError, StatusLimits, StatusView};
use read_model::OrderFilter;
use schemas::http::{OrderStatus, ProblemCode};

use crate::setup::{LOG_ID, Setup, catch_up, position};
use crate::world::{self, Wish};

fn announce(hold_seconds: u32) -> Wish {
    Wish::Announce { deal: 0, stock: 100, hold_seconds }
}

fn buy(key: u8) -> Wish {
    Wish::Buy { deal: 0, customer: 0, key, quantity: 2 }
}

fn decided(view: &StatusView, offset: u64) -> (OrderStatus, i64) {
    match block_on(view.order_at(LOG_ID, position(offset))).unwrap().state {
        OrderState::Decided(row) => (row.status, row.refund_due),
        other @ (OrderState::Queued { .. } | OrderState::Repeat(_) | OrderState::NotAnOrder) => {
            panic!("{other:?}")
        }
    }
}

#[test]
fn keys_outlive_eviction_and_restarts() {
    let mut setup = Setup::new();
    setup.decide(announce(0));
    for key in 0..20 {
        setup.decide(buy(key));
    }
    let (view, mut follower) = setup.view();
    catch_up(&mut follower);
    setup.project(1_000);
    block_on(view.ask_store_once());
    // The orders are gone from the view: without the read model they are not answered …
    setup.store.set_down(true);
    let gone = block_on(view.order_at(LOG_ID, position(2)));
    assert_eq!(gone, Err(ProblemCode::HistoryUnavailable));
    // … but the door still knows whose keys they hold.
    let known = |view: &StatusView, key| view.known_key(&setup.question(0, key, 2));
    assert!(
        (0..20).all(|key| known(&view, key) == Some(Door::Known(position(u64::from(key) + 2))))
    );
    assert_eq!(view.known_key(&setup.question(0, 3, 1)), Some(Door::KeyReused));
    assert_eq!(known(&view, 20), None);
    setup.store.set_down(false);
    let (fresh, _) = setup.view();
    assert!((0..20).all(|key| known(&fresh, key) == known(&view, key)));
}

#[test]
fn a_refund_is_counted_once_whoever_is_ahead() {
    let mut setup = Setup::new();
    setup.decide(announce(60));
    setup.decide(buy(0));
    setup.project(1_000);
    // This view begins after the order and so knows only what changes.
    let (view, mut follower) = setup.view();
    for wish in [Wish::Pay { order: 0 }, Wish::Cancel { order: 0 }, Wish::RefundDue { order: 0 }] {
        setup.decide(wish);
    }
    catch_up(&mut follower);
    assert_eq!(decided(&view, 2), (OrderStatus::Cancelled, 30));
    // The read model has them all before the view hears of it.
    setup.project(1_000);
    assert_eq!(decided(&view, 2), (OrderStatus::Cancelled, 30));
    // And now it is ahead.
    setup.decide(Wish::RefundDue { order: 0 });
    setup.project(1_000);
    let answer = block_on(view.order_at(LOG_ID, position(2))).unwrap();
    assert_eq!(decided(&view, 2), (OrderStatus::Cancelled, 60));
    assert_eq!((view.seen(0), answer.as_of.unwrap().decided_next), (6, 7));
    catch_up(&mut follower);
    assert_eq!(decided(&view, 2), (OrderStatus::Cancelled, 60));
}

#[test]
fn a_page_that_was_overtaken_while_it_was_read_is_not_older_than_the_view() {
    let mut setup = Setup::new();
    setup.decide(announce(60));
    setup.decide(buy(0));
    setup.project(1_000);
    let (view, mut follower) = setup.view();
    setup.decide(Wish::Pay { order: 0 });
    catch_up(&mut follower);
    assert_eq!(decided(&view, 2).0, OrderStatus::Confirmed);
    // After the page was read, the projector commits the payment and the view lets go of it.
    let setup = std::sync::Arc::new(setup);
    let (meanwhile, overtaken) = (std::sync::Arc::clone(&setup), view.clone());
    setup.store.after_orders(move || {
        meanwhile.project_now(1_000);
        overtaken.ask_store_once().now_or_never().expect("nothing here waits");
    });
    let filter = OrderFilter { status: None, after: None, limit: 20 };
    let page = block_on(view.orders_of(world::customer(0), filter)).unwrap();
    assert_eq!(page.rows[0].status, OrderStatus::Confirmed);
}

#[test]
fn an_order_that_a_restored_read_model_lost_is_never_not_found() {
    let mut setup = Setup::new();
    setup.decide(announce(0));
    setup.decide(buy(0));
    setup.decide(buy(1));
    setup.project(1_000);
    let (view, mut follower) = setup.view();
    catch_up(&mut follower);
    setup.store.forget_all();
    assert_eq!(block_on(view.order_at(LOG_ID, position(2))), Err(ProblemCode::ViewBehind));
    setup.project(3);
    assert_eq!(block_on(view.order_at(LOG_ID, position(2))), Err(ProblemCode::ViewBehind));
    let filter = OrderFilter { status: None, after: None, limit: 20 };
    assert!(block_on(view.orders_of(world::customer(0), filter)).is_ok());
}

#[test]
fn another_logs_orders_are_the_read_models_alone() {
    let mut setup = Setup::new();
    setup.decide(announce(0));
    setup.decide(buy(0));
    setup.project(1_000);
    let (view, _follower) = setup.view();
    let other = LOG_ID + 1;
    assert_eq!(block_on(view.order_at(other, position(2))), Err(ProblemCode::OrderNotFound));
    assert_eq!(block_on(view.command_at(other, position(2))), Err(ProblemCode::NotFound));
    setup.store.set_down(true);
    let down = Err(ProblemCode::HistoryUnavailable);
    assert_eq!(block_on(view.order_at(other, position(2))), down);
}

#[test]
fn a_view_does_not_start_without_its_read_model() {
    let setup = Setup::new();
    setup.store.set_down(true);
    let options = setup.options(StatusLimits::default());
    let fault = block_on(StatusView::start(options)).unwrap_err();
    assert!(matches!(fault, StartError::Store(_)));
}
