//! One suite for every backend of the log, then what only one of them can be asked.
//!
//! A case is a function of a [`backends::Backend`]; `for_backends!` makes it a test for each.
//! Cases know the contract only.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod appending;
mod backends;
mod embedded;
mod embedded_faults;
mod foreign;
mod kafka;
mod kafka_answers;
mod kafka_leaders;
mod kafka_links;
mod kafka_topics;
mod likeness;
mod outcomes;
mod pretended;
mod proxy;
mod reading;
mod simulated;

macro_rules! for_backends {
    ($group:ident on $($backend:ident),+: $cases:tt) => {
        mod $group {
            $(for_backends! { @one $backend $cases })+
        }
    };
    (@one $backend:ident { $($module:ident: $($case:ident),+ $(,)?;)+ }) => {
        mod $backend {
            $($(#[test] fn $case() {
                crate::$module::$case(&crate::backends::Backend::$backend());
            })+)+
        }
    };
}

// A broker's clock is nobody's to turn.
for_backends! { turned_clocks on embedded, simulated: {
    appending:
        an_append_of_nothing_does_not_count_for_log_time,
        log_time_follows_the_clock,
        log_time_never_falls_when_the_clock_goes_back,
        log_time_waits_for_a_clock_that_was_ahead;
} }

for_backends! { every_backend on embedded, simulated, kafka: {
    appending:
        the_first_record_has_offset_zero_and_the_rest_follow,
        a_receipt_tells_offsets_in_the_order_of_the_records,
        appends_of_one_caller_stand_in_the_order_of_the_calls,
        appends_from_many_threads_are_all_there_once_and_in_each_callers_order,
        partitions_do_not_know_of_each_other,
        an_append_of_nothing_leaves_no_trace,
        the_largest_record_is_taken,
        a_record_that_is_too_large_is_refused_with_all_of_its_call,
        an_append_to_no_partition_is_refused,
        an_append_after_close_is_refused,
        dropping_a_receipt_takes_nothing_back;
    reading:
        what_was_appended_is_read,
        keys_headers_and_payloads_come_back_as_they_were,
        an_empty_log_reads_as_empty,
        reading_at_the_end_finds_nothing,
        reading_past_the_end_is_out_of_range,
        a_read_starts_where_it_was_told_to,
        a_read_stops_at_its_record_limit,
        a_read_stops_at_its_byte_limit,
        a_read_returns_one_record_at_least,
        a_batch_names_the_end_of_the_log,
        a_record_is_readable_once_its_receipt_has_answered,
        reading_no_partition_is_refused,
        reading_after_close_is_refused,
        waiting_for_what_is_there_ends_at_once,
        waiting_ends_when_the_record_comes,
        waiting_for_a_later_offset_outlives_earlier_records,
        every_waiting_reader_is_woken,
        waiting_ends_when_the_log_is_closed;
} }
