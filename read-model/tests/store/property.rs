//! Promise I6 for any history: rows are the fold of the decisions, however they were batched.

use proptest::collection::vec;
use proptest::prelude::any;
use proptest::strategy::{Strategy as _, ValueTree as _};
use proptest::test_runner::{Config, TestRunner};
use schemas::Partition;
use schemas::log::Decision;

use crate::naive::{Naive, stored};
use crate::world::{Wish, World};
use crate::{Backend, changes, filter};

const HISTORIES: u8 = 24;

/// Each history is a log of its own, in one store: they must not touch each other either.
pub(crate) async fn any_split_into_batches_leaves_the_naive_rows(backend: &impl Backend) {
    let mut runner = TestRunner::new(Config::default());
    let histories = (vec(any::<Wish>(), 1..200), vec(1_usize..60, 1..40));
    let store = backend.open().await;
    for log_id in 1..=HISTORIES {
        let (wishes, splits) = histories.new_tree(&mut runner).unwrap().current();
        let mut world = World::new();
        world.decide((0, 0, 0));
        let mut decisions = vec![World::new().decide((0, 0, 0))];
        decisions.extend(wishes.iter().map(|wish| world.decide(*wish)));
        let partition = Partition::from(log_id) * 100;
        let (mut rest, mut expected) = (decisions.as_slice(), 0);
        for length in splits.iter().copied().cycle() {
            if rest.is_empty() {
                break;
            }
            let batch: &[Decision];
            (batch, rest) = rest.split_at(length.min(rest.len()));
            let next = expected + u64::try_from(batch.len()).unwrap();
            let changes = changes(log_id, partition, batch);
            store.commit(partition, expected, &filter(log_id, next), &changes).await.unwrap();
            expected = next;
        }
        let naive = Naive::of(log_id, partition, &decisions);
        let held = stored(&*store, log_id, partition, 37).await;
        assert_eq!(held, (expected, naive), "wishes {wishes:?}, splits {splits:?}");
    }
}
