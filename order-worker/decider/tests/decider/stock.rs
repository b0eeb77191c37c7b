//! Adjustments of stock.

use crate::script::check;

const OPEN: &str = "announce; at 100;";

#[track_caller]
fn open(script: &str, expect: &str) {
    check(&format!("{OPEN} {script}"), expect);
}

#[test]
fn stock_is_added_and_taken_away() {
    check("announce; adjust 3 a", "adjusted +3 left 8");
    open("adjust 3 a", "adjusted +3 left 8");
    open("adjust -5 a", "adjusted -5 left 0");
    open("adjust -5 a; buy ann k", "rejected sold-out");
    open("pause; adjust 3 a", "adjusted +3 left 8");
    open("buy ann k 3; buy bob k 2; adjust 1 a; buy cyd k", "held x1 until 160 left 0 held 6");
}

#[test]
fn a_key_answers_once() {
    open("adjust 3 a; adjust 3 a", "repeated 2");
    open("adjust 3 a; adjust 4 a", "refused idempotency-key-reused");
    open("adjust 3 a; close; adjust 3 a", "repeated 2");
    open("adjust 3 a; close; adjust 4 a", "refused idempotency-key-reused");
    open("adjust 3 a; adjust 3 b", "adjusted +3 left 11");
    open("adjust -6 a; adjust -6 a", "refused stock-below-committed");
    open("adjust -6 a; adjust 1 b; adjust -6 a", "adjusted -6 left 0");
}

#[test]
fn a_closed_deal_is_not_adjusted() {
    open("close; adjust 3 a", "refused deal-closed");
    open("at 700; adjust 3 a", "refused deal-closed");
    open("close; adjust 0 a", "refused deal-closed");
}

#[test]
fn what_is_committed_stays() {
    open("adjust -6 a", "refused stock-below-committed");
    open("buy ann k 2; adjust -4 a", "refused stock-below-committed");
    open("buy ann k 2; adjust -3 a", "adjusted -3 left 0");
    open("buy ann k 2; pay 2 p 200; adjust -4 a", "refused stock-below-committed");
    open("adjust -9223372036854775808 a", "refused stock-below-committed");
}

#[test]
fn a_delta_is_not_zero_and_stock_has_a_maximum() {
    open("adjust 0 a", "refused out-of-range");
    open("adjust 99999995 a", "adjusted +99999995 left 100000000");
    open("adjust 99999996 a", "refused out-of-range");
    open("adjust 9223372036854775807 a", "refused out-of-range");
    open("buy ann k 2; adjust 99999996 a", "refused out-of-range");
    open("adjust -5 a; adjust 100000000 b", "adjusted +100000000 left 100000000");
}
