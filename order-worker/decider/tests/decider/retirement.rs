//! Deals forgotten.

use schemas::Digest;

use crate::orders::deal_id;
use crate::script::{check, play};

#[test]
fn a_deal_retires_when_it_has_closed_as_the_sender_knew() {
    check("announce; at 699; retire", "nothing");
    check("announce; at 700; retire", "retired");
    check("announce; at 900; retire closes=701", "nothing");
    check("announce; reschedule closes=800; at 900; retire", "nothing");
    check("announce; reschedule closes=800; at 900; retire closes=800", "retired");
    check("announce; at 100; close; retire", "nothing");
    check("announce; at 100; close; at 700; retire", "retired");
    check("announce; at 700; retire; retire", "nothing");
    check("at 700; retire", "nothing");
}

#[test]
fn a_deal_with_holds_does_not_retire() {
    let late = "announce; at 690; buy ann k; at 700;";
    check(&format!("{late} retire"), "nothing");
    check(&format!("{late} at 750; retire"), "nothing");
    check(&format!("{late} at 750; expire; retire"), "retired");
    check(&format!("{late} pay 2 p; retire"), "retired");
    check(&format!("{late} cancel 2 ann; retire"), "retired");
}

#[test]
fn what_a_retired_deal_leaves_is_its_id_and_the_payments() {
    let (world, _) = play(
        "announce; announce deal=e closes=800; at 100; buy ann k; buy ann k deal=e; \
         pay 3 p; pay 4 q; adjust 3 a; at 700; retire",
    );
    assert!(world.state.is_retired(&deal_id("d")) && !world.state.is_retired(&deal_id("e")));
    assert_eq!(world.state.deal(&deal_id("d")), None);
    assert_eq!(world.state.order(3), None);
    assert!(world.state.order(4).is_some());
    let counts = world.state.counts();
    assert_eq!((counts.deals, counts.retired_deals, counts.orders, counts.payments), (1, 1, 1, 2));
    assert_eq!(world.state.payment_summary(Digest::of_payment("p")).unwrap().order, 3);
    let next = world.state.next_retirement().unwrap();
    assert_eq!(next, (crate::orders::seconds(800), deal_id("e")));
}
