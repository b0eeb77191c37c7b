//! Cancellations: every cell of the table, and whose order it is.

use crate::script::check;

const HELD: &str = "announce; at 100; buy ann k 2; at 110;";

#[track_caller]
fn held(script: &str, expect: &str) {
    check(&format!("{HELD} {script}"), expect);
}

#[test]
fn a_held_order_is_given_up() {
    held("cancel 2 ann", "cancelled 2 left 5 held 0");
    held("close; cancel 2 ann", "cancelled 2 left 5 held 0");
    held("pause; cancel 2 ann", "cancelled 2 left 5 held 0");
    held("fail 2 p 200; cancel 2 ann", "cancelled 2 left 5 held 0");
}

#[test]
fn a_paid_order_is_given_up_and_its_money_goes_back_once() {
    held("pay 2 p 200; cancel 2 ann", "cancelled 2 left 5 held 0, refund-due 2 200");
    held("pay 2 p 200; cancel 2 ann; pay 2 p 200", "nothing");
    held("pay 2 p 200; cancel 2 ann; refund 2 p 200", "refund-settled 2 200");
    held("pay 2 p 200; refund 2 p 200; cancel 2 ann", "cancelled 2 left 5 held 0");
    held("pay 2 p 200; close; cancel 2 ann", "cancelled 2 left 5 held 0, refund-due 2 200");
    held("pay 2 p 200; close; cancel 2 ann; buy bob k", "rejected deal-closed");
}

#[test]
fn an_order_confirmed_at_once_is_given_up() {
    let confirmed = "announce hold=0; at 100; buy ann k 2;";
    check(&format!("{confirmed} cancel 2 ann"), "cancelled 2 left 5 held 0");
    check(&format!("{confirmed} pay 2 p 200; cancel 2 ann"), "cancelled 2 left 5 held 0");
}

#[test]
fn what_is_over_is_not_cancellable() {
    held("cancel 2 ann; cancel 2 ann", "refused order-not-cancellable");
    held("at 160; expire; cancel 2 ann", "refused order-not-cancellable");
    held("at 160; cancel 2 ann", "expired 2 left 5 held 0, refused order-not-cancellable");
    held("at 160; cancel 2 ann; cancel 2 ann", "refused order-not-cancellable");
}

#[test]
fn an_expired_order_that_was_paid_late_is_cancellable() {
    held(
        "at 160; expire; pay 2 p 200; cancel 2 ann",
        "cancelled 2 left 5 held 0, refund-due 2 200",
    );
}

#[test]
fn an_order_is_known_to_its_customer_only() {
    held("cancel 2 bob", "refused order-not-found");
    held("at 160; cancel 2 bob", "refused order-not-found");
    held("cancel 1 ann", "refused order-not-found");
    held("cancel 3 ann", "refused order-not-found");
    held("cancel 18446744073709551615 ann", "refused order-not-found");
    held("buy ann l 2; cancel 3 ann", "refused order-not-found");
    held("buy ann k 2; cancel 3 ann", "refused order-not-found");
    held("pay 2 p 200; at 700; retire; cancel 2 ann", "refused order-not-found");
}
