//! The conformance suite of stores: every promise of the `Store` trait, held by each database.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod accounts;
mod committing;
mod mysql;
mod naive;
mod property;
mod reading;
mod sqlite;
mod world;

use std::future::Future;
use std::sync::Arc;

use read_model::{Changes, CommitError, Store, fold};
use schemas::log::{Decision, FilterState};
use schemas::{Digest, Partition, Timestamp};

/// One database with one read model in it.
pub(crate) trait Backend: Sync {
    /// Opens the read model, each time the same.
    fn open(&self) -> impl Future<Output = Arc<dyn Store>> + Send;

    /// Runs a statement behind the store's back.
    fn execute(&self, sql: &'static str) -> impl Future<Output = ()> + Send;
}

/// Runs every test of the suite against a backend.
macro_rules! conformance {
    ($name:ident, $backend:expr) => {
        conformance! { $name, $backend,
            committing::rows_and_filter_state_are_written_together,
            committing::a_commit_from_another_read_offset_changes_nothing,
            committing::a_commit_that_came_again_after_a_crash_changes_nothing,
            committing::a_commit_whose_rows_cannot_be_written_changes_nothing,
            committing::a_batch_of_ignored_records_moves_the_filter_alone,
            committing::partitions_do_not_touch_each_other,
            committing::an_order_made_and_paid_in_one_batch_is_one_row,
            committing::a_refund_for_a_position_without_an_order_is_passed_over,
            committing::a_rejected_order_takes_refunds,
            committing::a_stored_order_that_cannot_go_that_way_is_damage,
            committing::a_replaced_deal_keeps_its_identity_and_starts_anew,
            committing::a_new_log_stands_beside_the_old_logs_rows,
            committing::a_batch_of_any_size_is_written_whole,
            reading::what_is_not_there_is_none,
            reading::commands_tell_refusals_and_repeats,
            reading::histories_are_newest_first_over_all_logs,
            reading::histories_are_read_in_pages_and_by_status,
            reading::keys_are_of_orders_that_took_units_of_unretired_deals,
            reading::deals_come_with_the_projections_that_they_are_as_of,
            reading::an_order_comes_with_the_projection_that_it_is_as_of,
            reading::a_snapshot_does_not_move,
            reading::a_row_that_cannot_be_read_is_damage,
            accounts::an_account_is_found_by_its_address,
            accounts::an_address_has_one_account,
            accounts::a_customer_has_one_account,
            accounts::accounts_outlive_the_process,
            property::any_split_into_batches_leaves_the_naive_rows,
        }
    };
    ($name:ident, $backend:expr, $($module:ident :: $test:ident,)*) => {
        mod $name {
            $( #[tokio::test] async fn $test() { super::$module::$test(&$backend).await; } )*
        }
    };
}

conformance!(sqlite_store, super::sqlite::SqliteFile::new());
conformance!(mysql_store, super::mysql::Database::new());

pub(crate) const LOG: u8 = 7;

/// The filter's state after `read_offset` records of a log.
pub(crate) fn filter(log_id: u8, read_offset: u64) -> FilterState {
    FilterState {
        log_id: Some(log_id),
        read_offset,
        epoch: 3,
        claim: Digest(u128::MAX - 5),
        rules: 1,
        decided_next: read_offset + 1,
        log_time: Timestamp::from_millis(1_700_000_000_123),
    }
}

pub(crate) fn changes(log_id: u8, partition: Partition, decisions: &[Decision]) -> Vec<Changes> {
    decisions.iter().flat_map(|decision| fold(log_id, partition, decision)).collect()
}

/// Commits decisions of partition 0 as if each were one record.
pub(crate) async fn commit(
    store: &dyn Store,
    expected: u64,
    decisions: &[Decision],
) -> Result<(), CommitError> {
    let next = expected + u64::try_from(decisions.len()).unwrap();
    store.commit(0, expected, &filter(LOG, next), &changes(LOG, 0, decisions)).await
}
