//! What counts, what does not, and where a restart goes on.

use platform::jitter::SplitMix64;
use projector::Step;
use read_model::Store as _;
use schemas::log::{Decision, FilterState};

use crate::naive::{Naive, stored};
use crate::setup::{FIRST, Hand, LOG, SECOND, Setup, catch_up};
use crate::world::World;

/// The same decision with other events: what a zombie might have decided.
fn otherwise(decision: &Decision) -> Decision {
    Decision { events: World::new().decide((0, 3, 3)).events, ..decision.clone() }
}

#[tokio::test]
async fn only_effective_decisions_change_rows() {
    let setup = Setup::new().await;
    let mut world = World::new();
    let decisions: Vec<_> =
        [(0, 1, 0), (1, 0, 1), (8, 0, 0), (18, 0, 0)].map(|wish| world.decide(wish)).into();
    setup.own(FIRST);
    setup.decide(FIRST, &decisions[0]);
    setup.decide(FIRST, &decisions[1]);
    setup.own(SECOND);
    // A fenced zombie; a claim that came too late; an equal epoch with another claim.
    setup.decide(FIRST, &otherwise(&decisions[2]));
    setup.own(Hand { claim: 99, ..SECOND });
    setup.decide(Hand { claim: 99, ..SECOND }, &otherwise(&decisions[2]));
    // Repeats, the second with other bytes; the trace of a lost append; the genesis once more.
    setup.decide(SECOND, &decisions[1]);
    setup.decide(SECOND, &otherwise(&decisions[1]));
    setup.decide(SECOND, &Decision { after: 4, ..decisions[3].clone() });
    setup.genesis(LOG);
    setup.decide(SECOND, &decisions[2]);
    setup.decide(SECOND, &decisions[3]);
    let mut projector = setup.projector();
    catch_up(&mut projector).await;
    setup.holds(&decisions).await;
    let status = setup.status();
    assert_eq!((status.read_offset, status.end, status.lag_records), (14, 14, 0));
    assert_eq!((status.lag_ms, status.park), (0, None));
}

#[tokio::test]
async fn a_restart_between_an_owner_record_and_a_zombie_does_not_adopt_the_zombie() {
    let setup = Setup::new().await;
    let mut world = World::new();
    let first = world.decide((0, 1, 0));
    setup.own(FIRST);
    setup.decide(FIRST, &first);
    setup.own(SECOND);
    catch_up(&mut setup.projector()).await;
    let second = world.decide((1, 0, 1));
    setup.decide(FIRST, &otherwise(&second));
    let mut projector = setup.projector();
    assert_eq!(projector.step().await, Step::Committed { records: 1 });
    setup.holds(std::slice::from_ref(&first)).await;
    setup.decide(SECOND, &second);
    catch_up(&mut projector).await;
    setup.holds(&[first, second]).await;
}

#[tokio::test]
async fn of_two_projectors_the_slower_one_goes_on_behind_the_faster() {
    let setup = Setup::new().await;
    let mut world = World::new();
    let (mut one, mut other) = (setup.projector(), setup.projector());
    setup.own(FIRST);
    catch_up(&mut one).await;
    catch_up(&mut other).await;
    let mut decisions = Vec::new();
    for wish in [(0, 1, 0), (1, 0, 1), (14, 2, 7), (14, 2, 7), (12, 0, 0)] {
        decisions.push(world.decide(wish));
        setup.decide(FIRST, decisions.last().unwrap());
        assert_eq!(one.step().await, Step::Committed { records: 1 });
        assert_eq!(other.step().await, Step::Moved);
        setup.holds(&decisions).await;
        assert_eq!(other.step().await, Step::CaughtUp);
        std::mem::swap(&mut one, &mut other);
    }
}

#[tokio::test]
async fn a_first_start_goes_on_beside_another_logs_rows() {
    let setup = Setup::new().await;
    let old = LOG + 1;
    let state = FilterState { log_id: Some(old), read_offset: 500, ..FilterState::default() };
    let decisions = [World::new().decide((0, 1, 9))];
    let changes = read_model::fold(old, 0, &decisions[0]);
    setup.store.commit(0, 0, &state, &changes).await.unwrap();
    setup.own(FIRST);
    let decision = World::new().decide((0, 1, 0));
    setup.decide(FIRST, &decision);
    catch_up(&mut setup.projector()).await;
    setup.holds(&[decision]).await;
    assert_eq!(stored(&*setup.store, old, 0, 10).await, (500, Naive::of(old, 0, &decisions)));
}

/// Promise I6 at every read_offset that the store ever states, for random histories with random
/// zombies, repeats and restarts.
#[tokio::test]
async fn rows_are_the_fold_of_the_log_up_to_the_stated_read_offset() {
    for seed in 0..12 {
        let mut random = SplitMix64::new(seed);
        let setup = Setup::new().await;
        setup.own(SECOND);
        let mut world = World::new();
        let mut projector = setup.projector();
        let mut decisions = vec![world.decide((0, 0, 0))];
        setup.decide(SECOND, &decisions[0]);
        for _ in 0..150 {
            let drawn = random.draw();
            let [kind, what, ..] = drawn.to_be_bytes();
            let [a, b] = [16, 32].map(|bits| u16::try_from(drawn >> bits & 0xff).unwrap());
            match what % 16 {
                0 => setup.decide(FIRST, &otherwise(decisions.last().unwrap())),
                1 => setup.decide(SECOND, decisions.last().unwrap()),
                2 => projector = setup.projector(),
                3..=5 => {
                    catch_up(&mut projector).await;
                    let expected = (setup.end().await, Naive::of(LOG, 0, &decisions));
                    assert_eq!(setup.stored().await, expected, "seed {seed}");
                }
                _ => {
                    decisions.push(world.decide((kind, a, b)));
                    setup.decide_command(SECOND, decisions.last().unwrap()).await;
                }
            }
        }
        catch_up(&mut projector).await;
        setup.holds(&decisions).await;
    }
}

#[tokio::test]
async fn a_long_log_is_projected_in_bounded_batches() {
    let setup = Setup::new().await;
    setup.own(FIRST);
    let mut world = World::new();
    let mut decisions = vec![world.decide((0, 1, 0))];
    decisions.extend((0..3_000).map(|number| world.decide((7, 0, number))));
    for decision in &decisions {
        setup.decide(FIRST, decision);
    }
    let mut projector = setup.projector();
    let Step::Committed { records } = projector.step().await else { panic!("nothing was read") };
    assert!(records <= 2_048);
    let (read_offset, rows) = setup.stored().await;
    assert_eq!(read_offset, u64::try_from(records).unwrap());
    assert_eq!(rows, Naive::of(LOG, 0, &decisions[..records - 2]));
    assert_eq!(setup.status().lag_records, setup.end().await - read_offset);
    catch_up(&mut projector).await;
    setup.holds(&decisions).await;
}
