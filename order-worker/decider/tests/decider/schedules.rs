//! Paused, resumed, moved, closed.

use crate::script::check;

const OPEN: &str = "announce; at 100;";

#[track_caller]
fn open(script: &str, expect: &str) {
    check(&format!("{OPEN} {script}"), expect);
}

#[test]
fn every_command_about_a_deal_needs_one() {
    for command in ["pause", "resume", "close", "reschedule closes=9", "adjust 1 a"] {
        check(command, "refused deal-not-found");
        check(&format!("announce; at 700; retire; {command}"), "refused deal-retired");
    }
}

#[test]
fn a_deal_is_paused_and_resumed() {
    open("pause", "paused");
    open("pause; pause", "nothing");
    open("resume", "nothing");
    open("pause; resume", "resumed");
    open("pause; resume; buy ann k", "held x1 until 160 left 4 held 1");
    check("announce; pause", "paused");
}

#[test]
fn a_closed_deal_is_neither_paused_nor_resumed() {
    open("close; pause", "refused deal-closed");
    open("at 700; pause", "refused deal-closed");
    open("pause; close; resume", "refused deal-closed");
    open("pause; at 700; resume", "refused deal-closed");
    open("pause; close; pause", "nothing");
    open("close; resume", "nothing");
}

#[test]
fn a_deal_closes_once() {
    open("close", "closed");
    open("close; close", "nothing");
    open("at 700; close", "closed");
    check("announce; close", "closed");
}

#[test]
fn closing_is_moved() {
    open("reschedule closes=800", "rescheduled 100..800");
    open("reschedule closes=800; at 799; buy ann k", "held x1 until 859 left 4 held 1");
    open("reschedule closes=101; at 101; buy ann k", "rejected deal-closed");
    open("reschedule closes=700", "nothing");
    open("reschedule", "nothing");
    open("reschedule opens=100", "nothing");
    open("reschedule opens=100 closes=800", "rescheduled 100..800");
}

#[test]
fn opening_is_moved_only_while_it_lies_ahead() {
    check("announce; reschedule opens=200", "rescheduled 200..700");
    check("announce; at 99; reschedule opens=50; buy ann k", "held x1 until 159 left 4 held 1");
    check("announce; reschedule opens=200 closes=300", "rescheduled 200..300");
    check("announce; reschedule opens=200; at 150; reschedule opens=160", "rescheduled 160..700");
    open("reschedule opens=101", "refused deal-already-open");
    open("reschedule opens=99", "refused deal-already-open");
    open("reschedule opens=900", "refused deal-already-open");
}

#[test]
fn a_schedule_has_limits() {
    open("reschedule closes=100", "refused out-of-range");
    open("reschedule closes=-9223372036854775808", "refused out-of-range");
    open("reschedule closes=9223372036854775807", "refused out-of-range");
    open("reschedule closes=31622500", "rescheduled 100..31622500");
    open("reschedule closes=31622501", "refused out-of-range");
    check("announce; reschedule opens=700", "refused out-of-range");
    check("announce; reschedule opens=-1", "refused out-of-range");
}

#[test]
fn what_time_has_closed_may_open_again_but_not_what_a_command_has() {
    open("at 700; reschedule closes=800", "rescheduled 100..800");
    open("at 700; reschedule closes=800; buy ann k", "held x1 until 760 left 4 held 1");
    open("close; reschedule closes=800", "refused deal-closed");
    open("at 700; close; reschedule closes=800", "refused deal-closed");
    open("close; reschedule opens=5 closes=1", "refused deal-closed");
}
