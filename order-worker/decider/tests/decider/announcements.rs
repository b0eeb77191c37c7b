//! Announcements: created, replaced before opening, sent again after it, and what is out of range.

use crate::script::{check, play};

#[test]
fn a_deal_is_created_and_replaced_before_it_opens() {
    check("announce", "announced 5");
    check("announce; announce stock=9", "announced 9");
    check("announce; announce", "nothing");
    check("announce; reschedule opens=200; announce", "announced 5");
    check(
        "announce; at 99; announce stock=9; at 100; buy ann k",
        "held x1 until 160 left 8 held 1",
    );
    check("announce; pause; announce stock=9", "announced 9, paused");
    check("announce; pause; announce stock=9; at 100; buy ann k", "rejected deal-paused retryable");
    check("announce; pause; announce; at 100; buy ann k", "rejected deal-paused retryable");
    check("announce; close; announce", "refused deal-closed");
    check("announce; announce opens=200; at 150; buy ann k", "rejected deal-not-open retryable");
}

#[test]
fn a_replacement_starts_the_counters_anew_and_keeps_the_keys_of_adjustments() {
    check(
        "announce; adjust 3 a; announce stock=9; at 100; buy ann k",
        "held x1 until 160 left 8 held 1",
    );
    check("announce; adjust 3 a; announce stock=9; adjust 3 a", "repeated 2");
    check("announce; adjust -5 a; announce stock=1; adjust 1 b", "adjusted +1 left 2");
}

#[test]
fn the_same_announcement_sent_again_does_not_undo_adjustments() {
    check("announce; adjust 3 a; announce; at 100; buy ann k", "held x1 until 160 left 7 held 1");
}

#[test]
fn after_opening_only_the_same_announcement_is_a_success() {
    check("announce; at 100; announce", "nothing");
    check("announce; at 100; announce stock=6", "refused deal-already-open");
    check("announce; at 100; announce title=3", "refused deal-already-open");
    check("announce; at 100; announce description=3", "refused deal-already-open");
    check("announce; at 100; announce image=0", "refused deal-already-open");
    check("announce; at 100; announce stock=999999999999", "refused deal-already-open");
    check("announce; announce stock=6; at 100; announce", "refused deal-already-open");
    check("announce; announce stock=6; at 100; announce stock=6", "nothing");
    check("announce; at 100; close; announce", "nothing");
    check("announce; at 700; announce", "nothing");
    check("announce; reschedule closes=800; at 100; announce", "nothing");
}

#[test]
fn a_retired_deal_is_never_announced_again() {
    check("announce; at 700; retire; announce", "refused deal-retired");
    check("announce; at 700; retire; announce stock=999999999999", "refused deal-retired");
}

#[test]
fn terms_have_limits() {
    for fits in [
        "stock=0",
        "stock=100000000",
        "limit=1000",
        "price=0",
        "price=1000000000000",
        "hold=2592000",
        "title=200",
        "name=200",
        "description=4000",
        "image=2048",
        "opens=0",
        "opens=0 closes=31622400",
        "opens=699",
    ] {
        let (_, told) = play(&format!("announce {fits}"));
        assert!(told.starts_with("announced"), "{fits}: {told}");
    }
    for beyond in [
        "stock=100000001",
        "stock=18446744073709551615",
        "limit=0",
        "limit=1001",
        "limit=4294967295",
        "price=-1",
        "price=1000000000001",
        "hold=2592001",
        "hold=4294967295",
        "title=0",
        "title=201",
        "name=0",
        "name=201",
        "description=4001",
        "image=2049",
        "opens=700",
        "opens=701",
        "opens=-1",
        "opens=0 closes=31622401",
        "opens=-9223372036854775808 closes=9223372036854775807",
        "opens=253402300000 closes=253402300800",
    ] {
        check(&format!("announce {beyond}"), "refused out-of-range");
        check(&format!("announce; announce {beyond}"), "refused out-of-range");
    }
}
