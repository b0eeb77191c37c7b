//! Payments: every cell of the table of orders and notices, and the life of one payment.

use crate::script::check;

const HELD: &str = "announce; at 100; buy ann k 2; at 110;";

#[track_caller]
fn held(script: &str, expect: &str) {
    check(&format!("{HELD} {script}"), expect);
}

#[test]
fn a_held_order_is_paid() {
    held("pay 2 p 200", "paid 2 left 3 held 0");
    held("at 159; pay 2 p 200", "paid 2 left 3 held 0");
    held("close; pay 2 p 200", "paid 2 left 3 held 0");
    held("pause; pay 2 p 200", "paid 2 left 3 held 0");
}

#[test]
fn a_failed_payment_leaves_a_held_order_held() {
    held("fail 2 p 200", "payment-failed 2");
    held("fail 2 p 200; fail 2 p 200", "nothing");
    held("fail 2 p 200; fail 2 q 200", "payment-failed 2");
    held("fail 2 p 200; pay 2 p 200", "paid 2 left 3 held 0");
    held("fail 2 p 200; pay 2 q 200; pay 2 p 200", "refund-due 2 200");
    held("fail 2 p 7", "payment-failed 2");
}

#[test]
fn an_order_confirmed_by_a_payment_needs_no_other() {
    held("pay 2 p 200; pay 2 p 200", "nothing");
    held("pay 2 p 200; pay 2 q 200", "refund-due 2 200");
    held("pay 2 p 200; pay 2 q 200; pay 2 q 200", "nothing");
    held("pay 2 p 200; fail 2 p 200", "nothing");
    held("pay 2 p 200; fail 2 q 200", "nothing");
}

#[test]
fn an_order_confirmed_at_once_needs_no_payment() {
    let confirmed = "announce hold=0; at 100; buy ann k 2;";
    check(&format!("{confirmed} pay 2 p 200"), "refund-due 2 200");
    check(&format!("{confirmed} pay 2 p 200; pay 2 p 200"), "nothing");
    check(&format!("{confirmed} fail 2 p 200"), "nothing");
}

#[test]
fn a_late_payment_confirms_an_expired_order_if_there_is_room() {
    held("at 160; expire; pay 2 p 200", "paid 2 left 3 held 0");
    held("at 160; pay 2 p 200", "expired 2 left 5 held 0, paid 2 left 3 held 0");
    held("at 700; pay 2 p 200", "expired 2 left 5 held 0, paid 2 left 3 held 0");
    held("at 160; expire; close; pay 2 p 200", "paid 2 left 3 held 0");
    held("at 160; expire; fail 2 p 200", "nothing");
    held("at 160; fail 2 p 200", "expired 2 left 5 held 0");
    held("at 160; expire; pay 2 p 200; pay 2 q 200", "refund-due 2 200");
}

#[test]
fn a_late_payment_goes_back_if_there_is_no_room() {
    held("at 160; expire; buy bob k 3; buy cyd k; pay 2 p 200", "refund-due 2 200");
    held("at 160; expire; buy ann l 2; pay 2 p 200", "refund-due 2 200");
    held("at 160; expire; adjust -4 a; pay 2 p 200", "refund-due 2 200");
    held("at 160; expire; at 700; retire; pay 2 p 200", "refund-due 2 200");
}

#[test]
fn a_payment_for_an_order_that_is_no_more_goes_back() {
    held("cancel 2 ann; pay 2 p 200", "refund-due 2 200");
    held("cancel 2 ann; pay 2 p 200; pay 2 p 200", "nothing");
    held("cancel 2 ann; fail 2 p 200", "nothing");
    held("buy ann l 2; pay 3 p 200", "refund-due 3 200");
    held("buy ann l 2; fail 3 p 200", "nothing");
    held("pay 1 p 200", "refund-due 1 200");
    held("pay 99 p 200", "refund-due 99 200");
    held("pay 18446744073709551615 p 200", "refund-due 18446744073709551615 200");
    held("fail 99 p 200", "nothing");
}

#[test]
fn a_wrong_amount_or_currency_never_confirms() {
    held("pay 2 p 199", "mismatch 2 expected 200, refund-due 2 199");
    held("pay 2 p 201", "mismatch 2 expected 200, refund-due 2 201");
    held("pay 2 p 200 currency=USD", "mismatch 2 expected 200, refund-due 2 200");
    held("pay 2 p 0", "mismatch 2 expected 200, refund-due 2 0");
    held("pay 2 p 199; pay 2 p 199", "nothing");
    held("pay 2 p 199; pay 2 q 200", "paid 2 left 3 held 0");
    held("cancel 2 ann; pay 2 p 199", "mismatch 2 expected 200, refund-due 2 199");
    held("pay 2 p 200; pay 2 q 199", "mismatch 2 expected 200, refund-due 2 199");
    held(
        "at 160; pay 2 p 199",
        "expired 2 left 5 held 0, mismatch 2 expected 200, refund-due 2 199",
    );
}

#[test]
fn a_negative_amount_is_out_of_range() {
    held("pay 2 p -1", "refused out-of-range");
    held("refund 2 p -9223372036854775808", "refused out-of-range");
    held("fail 2 p -1; pay 2 p 200", "paid 2 left 3 held 0");
    held(
        "pay 2 p 9223372036854775807",
        "mismatch 2 expected 200, refund-due 2 9223372036854775807",
    );
    held("at 160; pay 2 p -1", "expired 2 left 5 held 0, refused out-of-range");
}

#[test]
fn a_payment_id_names_one_order_and_one_amount() {
    held("pay 2 p 200; pay 2 p 199", "refused payment-id-reused");
    held("pay 2 p 200; pay 3 p 200", "refused payment-id-reused");
    held("pay 2 p 200; pay 2 p 200 currency=USD", "refused payment-id-reused");
    held("fail 2 p 200; pay 2 p 199", "refused payment-id-reused");
    held("fail 2 p 200; pay 2 p 199; pay 2 p 200", "paid 2 left 3 held 0");
    held("pay 2 p 200; refund 2 p 199", "refused payment-id-reused");
    held("pay 9 p 200; at 160; pay 2 p 200", "expired 2 left 5 held 0, refused payment-id-reused");
}

#[test]
fn a_refund_is_the_last_word() {
    held("pay 2 p 199; refund 2 p 199", "refund-settled 2 199");
    held("pay 2 p 200; refund 2 p 200", "refund-settled 2 200");
    held("pay 2 p 200; refund 2 p 200; refund 2 p 200", "nothing");
    held("pay 2 p 200; refund 2 p 200; pay 2 p 200", "nothing");
    held("pay 2 p 200; refund 2 p 200; fail 2 p 200", "nothing");
    held("pay 2 p 200; refund 2 p 200; pay 2 q 200", "refund-due 2 200");
    held("fail 2 p 200; refund 2 p 200", "refund-settled 2 200");
    held("refund 2 p 200", "refund-settled 2 200");
    held("refund 2 p 200; pay 2 p 200", "nothing");
    held("refund 2 p 200; fail 2 p 200", "nothing");
    held("refund 99 p 200", "refund-settled 99 200");
    held("pay 99 p 200; refund 99 p 200; pay 99 p 200", "nothing");
    held("at 160; refund 2 p 200", "expired 2 left 5 held 0, refund-settled 2 200");
}

#[test]
fn payments_outlive_their_deal() {
    held("pay 2 p 200; at 700; retire; pay 2 p 200", "nothing");
    held("pay 2 p 200; at 700; retire; pay 2 q 200", "refund-due 2 200");
    held("pay 2 p 200; at 700; retire; pay 2 p 100", "refused payment-id-reused");
    held("pay 2 p 200; at 700; retire; refund 2 p 200", "refund-settled 2 200");
    held("pay 2 p 200; at 700; retire; fail 2 q 200", "nothing");
}
