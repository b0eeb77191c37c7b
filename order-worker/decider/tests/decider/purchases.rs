//! Purchases: every outcome, in the order of precedence, and what a key answers for.

use schemas::log::{Command, PlacePurchase};

use crate::orders::{buy, seconds};
use crate::script::{check, play};
use crate::told::told;

const OPEN: &str = "announce; at 100;";

#[track_caller]
fn open(script: &str, expect: &str) {
    check(&format!("{OPEN} {script}"), expect);
}

#[test]
fn a_purchase_is_held_or_confirmed() {
    open("buy ann k", "held x1 until 160 left 4 held 1");
    open("buy ann k 2; buy bob k 3", "held x3 until 160 left 0 held 5");
    check("announce hold=0; at 100; buy ann k 3", "confirmed x3 left 2 held 0");
    check("at 100; announce opens=50; buy ann k", "held x1 until 160 left 4 held 1");
}

#[test]
fn a_repeat_of_a_key_comes_before_everything() {
    open("buy ann k; buy ann k", "order-repeated 2");
    open("buy ann k 3; buy bob k 2; buy ann k 3", "order-repeated 2");
    open("buy ann k; pause; buy ann k", "order-repeated 2");
    open("buy ann k; close; buy ann k", "order-repeated 2");
    open("buy ann k; at 700; buy ann k", "expired 2 left 5 held 0, order-repeated 2");
    open("buy ann k; cancel 2 ann; buy ann k", "order-repeated 2");
    open("buy ann k; buy ann k 2", "rejected idempotency-key-reused");
    open("buy ann k; close; buy ann k 2", "rejected idempotency-key-reused");
    open("buy ann k 3; buy bob k 2; buy ann k 0", "rejected idempotency-key-reused");
}

#[test]
fn a_key_is_of_one_customer_and_one_deal() {
    open("buy ann k; buy bob k", "held x1 until 160 left 3 held 2");
    open("announce deal=e; buy ann k; buy ann k deal=e", "held x1 until 160 left 4 held 1");
}

#[test]
fn a_repeat_expires_the_hold_that_it_points_at() {
    open("buy ann k; at 159; buy ann k", "order-repeated 2");
    open("buy ann k; at 160; buy ann k", "expired 2 left 5 held 0, order-repeated 2");
    open("buy ann k; at 160; buy ann k; buy ann k", "order-repeated 2");
    open("buy ann k; at 160; buy ann k 2", "rejected idempotency-key-reused");
}

#[test]
fn an_unknown_or_retired_deal_sells_nothing() {
    check("buy ann k", "rejected deal-not-found");
    check("buy ann k 0", "rejected deal-not-found");
    open("buy ann k deal=e", "rejected deal-not-found");
    open("at 700; retire; buy ann k", "rejected deal-retired");
    open("at 700; retire; buy ann k 0", "rejected deal-retired");
}

#[test]
fn a_deal_that_is_not_open_refuses_before_it_looks_at_anything_else() {
    check("announce; at 99; buy ann k", "rejected deal-not-open retryable");
    check("announce; pause; buy ann k 0", "rejected deal-not-open retryable");
    check("announce; close; buy ann k 0", "rejected deal-not-open");
}

#[test]
fn paused_comes_before_closed_and_closed_before_the_quantity() {
    open("pause; buy ann k 0", "rejected deal-paused retryable");
    open("pause; at 700; buy ann k", "rejected deal-paused retryable");
    open("pause; close; buy ann k", "rejected deal-paused retryable");
    open("close; buy ann k 0", "rejected deal-closed");
    open("at 699; buy ann k", "held x1 until 759 left 4 held 1");
    open("at 700; buy ann k 0", "rejected deal-closed");
}

#[test]
fn the_quantity_is_from_one_to_the_limit() {
    open("buy ann k 0", "rejected out-of-range");
    open("buy ann k 4", "rejected out-of-range");
    open("buy ann k 4294967295", "rejected out-of-range");
    open("buy ann k 3; buy ann l 4", "rejected out-of-range");
}

#[test]
fn the_limit_counts_what_is_held_and_confirmed() {
    open("buy ann k 2; buy ann l 2", "rejected limit-exceeded");
    open("buy ann k 2; pay 2 p 200; buy ann l 2", "rejected limit-exceeded");
    open("buy ann k 2; buy ann l 1", "held x1 until 160 left 2 held 3");
    open("buy ann k 3; buy bob k 2; buy ann l", "rejected limit-exceeded");
    open("buy ann k 3; cancel 2 ann; buy ann l 3", "held x3 until 160 left 2 held 3");
    open("buy ann k 3; at 160; expire; buy ann l 3", "held x3 until 220 left 2 held 3");
    open("buy ann k 3; at 160; buy ann l 3", "rejected limit-exceeded");
}

#[test]
fn what_is_not_there_is_not_sold() {
    open("buy ann k 3; buy bob k 2; buy cyd k 3", "rejected sold-out retryable");
    open("buy ann k 3; buy bob k; buy cyd k 2", "rejected insufficient-stock retryable");
    let sold = "announce hold=0; at 100; buy ann k 3; buy bob k 2;";
    check(&format!("{sold} buy cyd k"), "rejected sold-out");
    check(&format!("{sold} buy ann l"), "rejected limit-exceeded");
    check(&format!("{sold} cancel 3 bob; buy cyd k 2"), "confirmed x2 left 0 held 0");
    check("announce stock=0; at 100; buy ann k", "rejected sold-out");
}

#[test]
fn a_rejection_binds_its_key() {
    open("pause; buy ann k; resume; buy ann k", "order-repeated 3");
    open("close; buy ann k; buy ann k", "order-repeated 3");
    open("buy ann k 0; buy ann k 0", "order-repeated 2");
    open("buy ann k 3; buy ann l; cancel 2 ann; buy ann l", "order-repeated 3");
    open("buy ann k 3; buy bob k 2; buy cyd k; cancel 2 ann; buy cyd k", "order-repeated 4");
    open("buy ann k 3; buy bob k; buy cyd k 2; cancel 2 ann; buy cyd k 2", "order-repeated 4");
    open("pause; buy ann k; resume; buy ann k 2", "rejected idempotency-key-reused");
}

#[test]
fn four_rejections_bind_no_key() {
    check("announce; buy ann k; at 100; buy ann k", "held x1 until 160 left 4 held 1");
    check("at 100; buy ann k; announce; buy ann k", "held x1 until 160 left 4 held 1");
    open("buy ann k; buy ann k 2; buy ann k", "order-repeated 2");
    open("at 700; retire; buy ann k; buy ann k", "rejected deal-retired");
}

#[test]
fn a_key_that_another_customer_has_taken_answers_nothing() {
    let (mut world, _) = play("announce; at 100; buy ann k");
    let (Command::PlacePurchase(of_ann), Command::PlacePurchase(of_bob)) =
        (buy("d", "ann", "k", 1), buy("d", "bob", "k", 1))
    else {
        panic!("purchases are purchases");
    };
    let forged = PlacePurchase { key: of_ann.key, ..*of_bob };
    let decision = world.command(&Command::PlacePurchase(Box::new(forged)), seconds(100));
    assert_eq!(told(&decision.events), "rejected idempotency-key-reused");
}

#[test]
fn an_event_says_what_the_purchase_said() {
    let (mut world, _) = play("announce; announce deal=e hold=0; at 100; close deal=e");
    for (deal, quantity) in [("d", 2), ("d", 0), ("e", 1), ("f", 1)] {
        let Command::PlacePurchase(mut purchase) = buy(deal, "ann", "x", quantity) else {
            panic!("a purchase is a purchase");
        };
        purchase.client_reference = Some("cart-7".parse().unwrap());
        let command = Command::PlacePurchase(purchase);
        let decision = world.command(&command, seconds(100)).encode();
        let text = String::from_utf8(decision).unwrap();
        for said in [r#""ticket_key":1"#, r#""purchased_at":77"#, r#""cart-7""#] {
            assert!(text.contains(said), "{said} in {text}");
        }
        assert_eq!(text.contains(r#""unit_price":{"amount":100"#), deal != "f", "{text}");
    }
}
