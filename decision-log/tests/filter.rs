//! Every line of the filter, and the schedules that each line is made for.

use decision_log::{Claim, ClaimOutcome, DecisionHead, Filter, Park, Seen, Verdict};
use schemas::log::{FilterState, Genesis, Owner};
use schemas::{Digest, Timestamp};

const GENESIS: Genesis = Genesis { log_id: 7, partitions: 4 };

fn owner(epoch: u64, claim: u128) -> Owner {
    Owner { epoch, claim: Digest(claim), worker: "w".into(), rules: 1 }
}

fn decision(epoch: u64, claim: u128, offset: u64, after: u64) -> DecisionHead {
    let log_time = Timestamp::from_millis(offset.cast_signed() * 10);
    DecisionHead { epoch, claim: Digest(claim), offset, after, log_time, hash: offset }
}

/// What a test feeds to a filter.
#[derive(Debug)]
enum Fed {
    Genesis(Genesis),
    Owner(Owner),
    Decision(DecisionHead),
}

fn feed(filter: &mut Filter, fed: &Fed) -> Result<Verdict, Park> {
    let read_offset = filter.state().read_offset;
    let seen = match fed {
        Fed::Genesis(genesis) => Seen::Genesis(*genesis),
        Fed::Owner(owner) => Seen::Owner(owner),
        Fed::Decision(head) => Seen::Decision(*head),
    };
    filter.admit(read_offset, seen)
}

/// A filter that has read the genesis record and the owner of epoch 1 with claim 10.
fn begun() -> Filter {
    let mut filter = Filter::new(FilterState::default(), 4);
    assert_eq!(feed(&mut filter, &Fed::Genesis(GENESIS)), Ok(Verdict::Genesis));
    assert_eq!(feed(&mut filter, &Fed::Owner(owner(1, 10))), Ok(Verdict::Owner));
    filter
}

/// Feeds the script and compares every verdict; restarts from the stored state after each record,
/// because whatever a reader knows must be in its state.
#[track_caller]
fn check(script: &[(Fed, Verdict)]) -> FilterState {
    let mut filter = begun();
    let mut restarted = filter.state().clone();
    for (fed, expected) in script {
        assert_eq!(feed(&mut filter, fed), Ok(*expected));
        let mut anew = Filter::new(restarted, 4);
        let verdict = feed(&mut anew, fed).expect("what did not park before does not now");
        let same = match (verdict, *expected) {
            // Only a reader that has seen the first can compare a repeat with it.
            (Verdict::Repeat { .. }, Verdict::Repeat { .. }) => true,
            (found, expected) => found == expected,
        };
        assert!(same, "a restarted reader says {verdict:?}, not {expected:?}");
        assert_eq!(anew.state(), filter.state());
        restarted = anew.state().clone();
    }
    restarted
}

#[test]
fn decisions_of_the_current_owner_are_effective_in_order() {
    let state = check(&[
        (Fed::Decision(decision(1, 10, 1, 1)), Verdict::Effective),
        (Fed::Decision(decision(1, 10, 2, 2)), Verdict::Effective),
    ]);
    assert_eq!((state.decided_next, state.read_offset), (3, 4));
    assert_eq!(state.log_time, Timestamp::from_millis(20));
}

#[test]
fn a_lost_append_before_a_kept_one_leaves_a_gap_that_is_ignored() {
    check(&[
        (Fed::Decision(decision(1, 10, 1, 1)), Verdict::Effective),
        (Fed::Decision(decision(1, 10, 3, 3)), Verdict::Gap),
        (Fed::Owner(owner(2, 11)), Verdict::Owner),
        (Fed::Decision(decision(2, 11, 2, 2)), Verdict::Effective),
        (Fed::Decision(decision(2, 11, 3, 3)), Verdict::Effective),
    ]);
}

#[test]
fn a_zombie_between_the_new_owners_records_is_fenced() {
    check(&[
        (Fed::Owner(owner(2, 11)), Verdict::Owner),
        (Fed::Decision(decision(2, 11, 1, 1)), Verdict::Effective),
        (Fed::Decision(decision(1, 10, 2, 2)), Verdict::Fenced),
        (Fed::Decision(decision(2, 11, 2, 2)), Verdict::Effective),
    ]);
}

#[test]
fn a_reader_that_restarts_between_owner_record_and_zombie_does_not_adopt_the_zombie() {
    let mut before = begun();
    feed(&mut before, &Fed::Owner(owner(2, 11))).unwrap();
    let checkpoint = before.state().clone();
    let mut after = Filter::new(checkpoint, 4);
    let zombie = Fed::Decision(decision(1, 10, 1, 1));
    assert_eq!(feed(&mut after, &zombie), Ok(Verdict::Fenced));
}

#[test]
fn of_two_claims_with_one_epoch_the_first_counts_and_the_seconds_decisions_do_not() {
    check(&[
        (Fed::Owner(owner(2, 20)), Verdict::Owner),
        (Fed::Owner(owner(2, 21)), Verdict::StaleOwner),
        (Fed::Decision(decision(2, 21, 1, 1)), Verdict::Fenced),
        (Fed::Decision(decision(2, 20, 1, 1)), Verdict::Effective),
    ]);
}

#[test]
fn a_repeat_is_ignored_and_compared_with_the_first() {
    let changed = DecisionHead { hash: 99, ..decision(1, 10, 1, 1) };
    check(&[
        (Fed::Decision(decision(1, 10, 1, 1)), Verdict::Effective),
        (Fed::Decision(decision(1, 10, 1, 1)), Verdict::Repeat { differs: false }),
        (Fed::Decision(changed), Verdict::Repeat { differs: true }),
        (Fed::Decision(decision(1, 10, 2, 2)), Verdict::Effective),
    ]);
}

#[test]
fn a_decision_of_an_unclaimed_epoch_parks_and_changes_nothing() {
    let mut filter = begun();
    let before = filter.state().clone();
    let head = decision(2, 10, 1, 1);
    let park = Park::UnclaimedEpoch { read_offset: 2, found: 2, current: 1 };
    assert_eq!(feed(&mut filter, &Fed::Decision(head)), Err(park));
    assert_eq!(*filter.state(), before);
}

#[test]
fn genesis_sets_the_log_once_and_is_checked_ever_after() {
    let mut filter = begun();
    assert_eq!(feed(&mut filter, &Fed::Genesis(GENESIS)), Ok(Verdict::Genesis));
    let other = Genesis { log_id: 8, ..GENESIS };
    let park = Park::OtherLog { found: 8, expected: 7 };
    assert_eq!(feed(&mut filter, &Fed::Genesis(other)), Err(park));
    let wider = Genesis { partitions: 5, ..GENESIS };
    let park = Park::OtherPartitionCount { found: 5, expected: 4 };
    assert_eq!(feed(&mut filter, &Fed::Genesis(wider)), Err(park));
}

#[test]
fn a_partition_without_genesis_parks() {
    let mut filter = Filter::new(FilterState::default(), 4);
    assert_eq!(feed(&mut filter, &Fed::Owner(owner(1, 10))), Err(Park::NoGenesis));
    assert_eq!(feed(&mut filter, &Fed::Decision(decision(0, 0, 1, 1))), Err(Park::NoGenesis));
}

#[test]
fn a_claim_is_answered_by_its_own_record_only() {
    let mut filter = begun();
    let first = Claim::new(filter.state(), Digest(20), "same name", 1);
    let second = Claim::new(filter.state(), Digest(21), "same name", 1);
    let read_offset = filter.state().read_offset;
    let verdict = filter.admit(read_offset, Seen::Owner(first.owner())).unwrap();
    assert_eq!(first.outcome(first.owner(), verdict), Some(ClaimOutcome::Won));
    assert_eq!(second.outcome(first.owner(), verdict), None);
    let verdict = filter.admit(read_offset + 1, Seen::Owner(second.owner())).unwrap();
    assert_eq!(second.outcome(second.owner(), verdict), Some(ClaimOutcome::Lost));
}

mod random {
    use proptest::prelude::*;

    use super::*;

    fn fed() -> impl Strategy<Value = Fed> {
        prop_oneof![
            1 => (1..6_u64, 0..3_u128).prop_map(|(epoch, claim)| Fed::Owner(owner(epoch, claim))),
            5 => (1..6_u64, 0..3_u128, 1..6_u64, 1..6_u64).prop_map(
                |(epoch, claim, offset, after)| Fed::Decision(
                    decision(epoch, claim, offset.max(after), after)
                )
            ),
        ]
    }

    proptest! {
        /// Whatever stands in the log, no command is decided twice and none is left out.
        #[test]
        fn effective_decisions_are_complete_and_in_order(
            script in proptest::collection::vec(fed(), 0..60)
        ) {
            let mut filter = begun();
            let mut next = 1;
            for fed in &script {
                let epoch = filter.state().epoch;
                match feed(&mut filter, fed) {
                    Ok(Verdict::Effective) => {
                        let Fed::Decision(head) = fed else { unreachable!("only decisions") };
                        prop_assert_eq!(head.after, next);
                        prop_assert_eq!(head.epoch, epoch);
                        next = head.offset + 1;
                    }
                    Ok(_) => {}
                    Err(park) => {
                        let unclaimed = matches!(park, Park::UnclaimedEpoch { .. });
                        prop_assert!(unclaimed);
                        break;
                    }
                }
                prop_assert_eq!(filter.state().decided_next, next);
                prop_assert!(filter.state().epoch >= epoch);
            }
        }
    }
}
