//! Causes that stop one partition, and how it comes back.

use std::sync::Arc;
use std::time::Duration;

use decision_log::{DecisionWriter, Verdict, genesis_record};
use event_log::{Fate, Record, headers};
use order_worker::{Order, PartitionWorker, Phase, Resume, WorkerParts};
use schemas::log::Genesis;
use serde_json::{Value, json};

use crate::gate::Gate;
use crate::world::{World, eager, pass, settle};

#[track_caller]
fn assert_parked(world: &World, cause: &str) {
    let status = &world.board.list()[0];
    assert_eq!(status.phase, Phase::Parked, "{status:?}");
    let park = status.park.as_deref().unwrap();
    assert!(park.contains(cause), "{park:?} does not say {cause:?}");
}

fn look_again(world: &World, worker: &mut PartitionWorker) {
    pass(world, worker, Duration::from_secs(11));
    settle(worker);
}

#[test]
fn an_unreadable_command_is_decided_and_the_rest_goes_on() {
    let world = World::new();
    let deal_id = world.announce(1, 0);
    world.send_bytes(b"\xff not a command".to_vec());
    world.buy(deal_id);
    let mut worker = world.worker(1, eager());
    settle(&mut worker);
    world.assert_all_decided();
    assert_eq!(world.confirmed(), 1);
}

#[test]
fn a_newer_command_parks_the_partition_after_what_stands_before_it() {
    let world = World::new();
    let deal_id = world.announce(1, 0);
    world.buy(deal_id);
    world.send_bytes(br#"{"v":1,"type":"gift_wrap_order"}"#.to_vec());
    let mut worker = world.worker(1, eager());
    settle(&mut worker);
    assert_parked(&world, "gift_wrap_order");
    assert_eq!(world.confirmed(), 1);
    let claims = world.verdicts(Verdict::Owner);
    (0..5).for_each(|_| look_again(&world, &mut worker));
    assert_eq!(world.verdicts(Verdict::Owner), claims, "looking again leaves no trace in the log");
}

#[test]
fn a_decision_that_is_larger_than_the_log_takes_parks_the_partition() {
    let world = World::new();
    world.announce(1, 0);
    let gate = Gate::new(&world.decisions);
    // A claim fits, the announced terms do not: a broker may take less than we do.
    gate.take_at_most(300);
    let parts = WorkerParts { decisions: Arc::new(gate.clone()), ..world.parts() };
    let mut worker = PartitionWorker::new(parts, eager(), 1);
    settle(&mut worker);
    assert_parked(&world, "the decision on offset 1 has");
    look_again(&world, &mut worker);
    assert_parked(&world, "more than the log takes");
    // Each look leaves a claim behind, so the next one comes later.
    let claims = world.verdicts(Verdict::Owner);
    gate.take_at_most(usize::MAX);
    look_again(&world, &mut worker);
    assert_eq!(world.verdicts(Verdict::Owner), claims);
    pass(&world, &mut worker, Duration::from_secs(21));
    settle(&mut worker);
    assert_eq!(world.board.list()[0].phase, Phase::Owning);
    world.assert_all_decided();
}

#[test]
fn log_time_that_runs_ahead_parks_until_an_operator_accepts_it() {
    let world = World::new();
    world.announce(1, 0);
    let mut worker = world.worker(1, eager());
    world.clock.step_wall(-120_000);
    settle(&mut worker);
    assert_parked(&world, "ahead");
    assert!(world.board.resume(0, Resume { accept_log_time: true, new_log: false }));
    look_again(&world, &mut worker);
    assert_eq!(world.board.list()[0].phase, Phase::Owning);
    world.assert_all_decided();
}

#[test]
fn what_an_operator_accepts_holds_for_one_takeover() {
    let world = World::new();
    let deal_id = world.announce(1, 0);
    let mut worker = world.worker(1, eager());
    world.clock.step_wall(-120_000);
    settle(&mut worker);
    assert!(world.board.resume(0, Resume { accept_log_time: true, new_log: false }));
    look_again(&world, &mut worker);
    assert_eq!(world.board.list()[0].phase, Phase::Owning);
    world.decisions.lose_next(0);
    world.buy(deal_id);
    settle(&mut worker);
    look_again(&world, &mut worker);
    assert_parked(&world, "ahead");
}

#[test]
fn what_an_operator_accepted_goes_with_the_partition() {
    let world = World::new();
    world.announce(1, 0);
    let mut worker = world.worker(1, eager());
    world.clock.step_wall(-120_000);
    settle(&mut worker);
    assert!(world.board.resume(0, Resume { accept_log_time: true, new_log: false }));
    worker.follow(Order::Rest);
    worker.follow(Order::Own);
    settle(&mut worker);
    assert_parked(&world, "ahead");
}

#[test]
fn a_park_ends_with_its_cause() {
    let world = World::new();
    world.announce(1, 0);
    let mut worker = world.worker(1, eager());
    world.clock.step_wall(-120_000);
    settle(&mut worker);
    assert_parked(&world, "ahead");
    world.clock.step_wall(120_000);
    look_again(&world, &mut worker);
    assert_eq!(world.board.list()[0].phase, Phase::Owning);
}

#[test]
fn a_commands_log_that_was_cut_parks_the_partition() {
    let world = World::new();
    let deal_id = world.announce(1, 0);
    world.buy(deal_id);
    let mut worker = world.worker(1, eager());
    settle(&mut worker);
    world.commands.truncate(0, 1);
    let mut next = world.worker(2, eager());
    settle(&mut next);
    assert_parked(&world, "outside the commands log");
}

#[test]
fn a_decisions_log_that_was_cut_behind_a_snapshot_parks_the_partition() {
    let world = World::new();
    world.announce(1, 0);
    let mut worker = world.worker(1, eager());
    settle(&mut worker);
    worker.drain();
    settle(&mut worker);
    world.decisions.truncate(0, 1);
    let mut next = world.worker(2, eager());
    settle(&mut next);
    assert_parked(&world, "outside the decisions log");
}

#[test]
fn a_decision_of_an_epoch_that_nobody_claimed_parks_the_partition() {
    let world = World::new();
    let payload = br#"{"v":1,"type":"decision","offset":1,"after":1,"log_time":1,"events":[]}"#;
    let headers = headers([("epoch", "9".to_owned()), ("claim", "0".repeat(32))]);
    let payload = payload.to_vec().into();
    world.decisions.append_raw(0, Record { headers, payload, ..Record::default() });
    let mut worker = world.worker(1, eager());
    settle(&mut worker);
    assert_parked(&world, "epoch 9");
}

#[test]
fn an_effective_decision_that_is_impossible_parks_the_partition_and_stops_nothing_else() {
    let world = World::new();
    let deal_id = world.announce(1, 0);
    let mut worker = world.worker(1, eager());
    settle(&mut worker);
    let owner = world.entries().1;
    let Value::String(deal_id) = json!(deal_id) else { unreachable!("an id is text") };
    let expired = json!({
        "type": "order_expired", "deal_id": deal_id, "order": 77, "stock_left": 1, "held": 0
    });
    let decision = json!({
        "v": 1, "type": "decision", "offset": owner.decided_next, "after": owner.decided_next,
        "log_time": owner.log_time, "events": [expired]
    });
    world.commands.append_raw(0, Record::default());
    let payload = decision.to_string().into_bytes().into();
    world.decisions.append_raw(0, DecisionWriter::of(&owner).record(payload));
    let mut next = world.worker(2, eager());
    settle(&mut next);
    assert_parked(&world, "contradicts");
}

#[test]
fn an_owner_that_never_gets_on_waits_longer_each_time() {
    let world = World::new();
    world.announce(1, 0);
    let mut worker = world.worker(1, eager());
    world.decisions.set_fates(|_, records| {
        let is_claim = records.iter().all(|record| record.headers.is_empty());
        if is_claim { Fate::Lands } else { Fate::Refused }
    });
    for _ in 0..300 {
        pass(&world, &mut worker, Duration::from_millis(100));
        settle(&mut worker);
    }
    let claims = world.verdicts(Verdict::Owner);
    assert!((2..60).contains(&claims), "{claims} claims in half a minute");
}

#[test]
fn logs_that_do_not_belong_together_park_the_partition() {
    let world = World::new();
    world.commands.truncate(0, 0);
    world.commands.append_raw(0, genesis_record(&Genesis { log_id: 8, partitions: 1 }));
    let mut worker = world.worker(1, eager());
    settle(&mut worker);
    assert_parked(&world, "log is 8");
}
