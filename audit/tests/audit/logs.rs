//! What the filter lets through and what it keeps out; logs that are short, broken, newer or not of
//! one system.

use audit::AuditError;
use audit::Invariant::{I2, I3, I4};
use futures_executor::block_on;
use schemas::log::{
    Command, CommandsRecord, Event, OrderRepeated, Owner, PlacePurchase, Unreadable, decode_command,
};
use schemas::{CustomerId, DealId, Digest, Offset};

use crate::history::{Entry, History, audit, claim, logs, owner, violated};
use crate::orders::{announce, buy, customer, deal_id, terms};

pub(crate) fn purchase(history: &History, offset: Offset) -> PlacePurchase {
    match decode_command(&history.commands[usize::try_from(offset).unwrap()].1) {
        Ok(CommandsRecord::Command(Command::PlacePurchase(command))) => *command,
        other => panic!("no purchase: {other:?}"),
    }
}

pub(crate) fn repeated(deal_id: DealId, customer: CustomerId, first: Offset) -> Event {
    Event::OrderRepeated(OrderRepeated { deal_id, customer, first })
}

/// A deal and three orders.
fn sold() -> History {
    let mut history = History::new();
    history.at(1).step(&announce("d", terms()));
    history.at(150);
    for name in ["ann", "bob", "eve"] {
        history.step(&buy("d", name, "k", 1));
    }
    history
}

#[test]
fn a_clean_history_with_every_kind_of_ignored_record_passes() {
    let mut history = sold();
    // A producer that sent twice, a claim too late, a new owner, its predecessor's late records.
    let twice = history.entries[history.index(3)].clone();
    history.entries.push(twice.clone());
    history.entries.push(Entry::Owner(owner(1)));
    history.own(2);
    history.entries.push(twice);
    let next = history.append(buy("d", "dan", "k", 1).encode());
    let decision = history.decide(next);
    history.entries.push(Entry::Decision { epoch: 1, claim: claim(1), decision: decision.clone() });
    history.state.fold(&decision);
    history.write(decision);
    history.append(buy("d", "joe", "k", 1).encode());
    let report = history.audit_rows(|_| {});
    assert_eq!(violated(&report), [], "{report}");
    assert_eq!((report.exit_code(), report.pending()), (0, 1));
    let range = &report.partitions[0];
    assert_eq!((range.owners, range.stale_owners), (2, 1));
    assert_eq!((range.repeats, range.zombies, range.gaps), (1, 2, 0));
    assert_eq!((range.effective, range.decided_next), (5, 6));
    assert_eq!((range.read_offset, range.rows_read_offset), (range.end, Some(range.end)));
    assert!(report.warnings.is_empty(), "{:?}", report.warnings);
}

#[test]
fn a_decision_skipped_breaks_i2() {
    let mut history = sold();
    let index = history.index(3);
    history.entries.remove(index);
    history.edit(4, |decision| decision.after = 3);
    let report = history.audit();
    assert!(violated(&report).contains(&I2), "{report}");
    let told = &report.line(I2).violations[0];
    assert_eq!(told.command, Some(4));
    assert!(told.explanation.contains("3..4"), "{told}");
}

#[test]
fn a_lost_append_is_a_gap_and_leaves_its_commands_pending() {
    let mut history = sold();
    let index = history.index(3);
    history.entries.remove(index);
    let report = history.audit();
    assert_eq!((report.exit_code(), report.pending()), (0, 2), "{report}");
    assert_eq!(report.partitions[0].gaps, 1);
    assert!(report.warnings[0].contains("was lost"), "{report}");
    // Rows of a reader that does not look at `after`.
    let mut careless = sold();
    let report = {
        careless.edit(4, |decision| decision.after = 3);
        let index = careless.index(3);
        careless.entries.remove(index);
        let tables = careless.tables(careless.entries.len());
        audit(&[history], Some(tables)).unwrap()
    };
    assert_eq!(violated(&report), [audit::Invariant::I6], "{report}");
}

#[test]
fn an_owner_that_never_starts_over_after_a_gap_breaks_i2() {
    let mut history = sold();
    let index = history.index(3);
    history.entries.remove(index);
    let gap = history.entries[history.index(4)].clone();
    history.entries.extend(std::iter::repeat_n(gap, 65_536));
    history.breaks(&[I2]);
}

#[test]
fn a_decision_before_any_owner_breaks_i2() {
    let mut history = History::new();
    // The filter's state begins with zeros, and such a writer says that it is just that.
    history.entries.pop();
    let next = history.append(announce("d", terms()).encode());
    let decision = history.decide(next);
    history.entries.push(Entry::Decision { epoch: 0, claim: Digest(0), decision });
    history.breaks(&[I2]);
}

#[test]
fn decisions_out_of_order_break_i3() {
    let mut history = sold();
    let (third, fourth) = (history.index(3), history.index(4));
    history.entries.swap(third, fourth);
    history.edit(4, |decision| decision.after = 3);
    let report = history.audit();
    assert!(violated(&report).contains(&I3), "{report}");
    assert_eq!(report.line(I3).violations[0].command, Some(3));
}

#[test]
fn a_repeat_with_other_bytes_breaks_i4_however_late_it_comes() {
    let mut history = sold();
    let mut repeat = history.decision(2);
    history.write(repeat.clone());
    assert_eq!(violated(&history.audit()), []);
    repeat.events.clear();
    history.write(repeat);
    history.breaks(&[I4]);
}

#[test]
fn a_zombie_that_decides_otherwise_breaks_i4() {
    let mut history = sold();
    history.own(2);
    let next = history.append(buy("d", "dan", "k", 1).encode());
    let decision = history.decide(next);
    history.state.fold(&decision);
    let mut other = decision.clone();
    other.events.clear();
    let zombie = |decision| Entry::Decision { epoch: 1, claim: claim(1), decision };
    history.entries.push(zombie(other.clone()));
    history.write(decision);
    history.breaks(&[I4]);
    // It counted from elsewhere: then it may say something else.
    let at = history.entries.len() - 2;
    other.after = 4;
    history.entries[at] = zombie(other);
    assert_eq!(violated(&history.audit()), []);
}

#[test]
fn a_writer_that_claimed_nothing_is_kept_out_and_told() {
    let mut history = sold();
    let mut decision = history.decision(4);
    decision.events = vec![Event::Unreadable(Unreadable {})];
    let stranger = Digest::of("stranger", &[]);
    history.entries.push(Entry::Decision { epoch: 1, claim: stranger, decision });
    let report = history.audit();
    assert_eq!((report.exit_code(), report.partitions[0].zombies), (0, 1), "{report}");
    assert!(report.warnings[0].contains("no owner record"), "{report}");
}

#[test]
fn rows_that_follow_a_zombie_or_a_stranger_break_i6() {
    let zombies = [(1, claim(1)), (2, Digest::of("stranger", &[]))];
    for (epoch, claim) in zombies {
        let mut history = sold();
        history.own(2);
        let next = history.append(buy("d", "dan", "k", 1).encode());
        let mut decision = history.decide(next);
        decision.events = vec![repeated(deal_id("d"), customer("dan"), 2)];
        // A reader that looks neither at epochs nor at claims takes it for the owner's.
        let mut careless = history.clone();
        careless.write(decision.clone());
        let tables = careless.tables(careless.entries.len());
        history.entries.push(Entry::Decision { epoch, claim, decision });
        let report = audit(&[history], Some(tables)).unwrap();
        assert_eq!(violated(&report), [audit::Invariant::I6], "{report}");
    }
}

#[test]
fn an_epoch_that_nobody_claimed_stops_the_partition() {
    let mut history = sold();
    let decision = history.decision(4);
    history.entries.push(Entry::Decision { epoch: 9, claim: claim(9), decision });
    history.breaks(&[I2]);
    let range = &history.audit().partitions[0];
    assert!(range.stopped.is_some());
    assert_eq!((range.read_offset, range.end), (6, 7));
}

#[test]
fn a_decision_without_its_command_breaks_i2() {
    let mut history = sold();
    history.commands.pop();
    history.breaks(&[I2]);
    let mut zombie = sold();
    let mut decision = zombie.decision(4);
    (decision.offset, decision.after) = (90, 90);
    zombie.write(decision);
    zombie.breaks(&[I2]);
}

#[test]
fn bytes_that_are_no_record_break_i2_and_newer_ones_are_left_to_a_newer_audit() {
    let mut history = sold();
    history.entries.push(Entry::Raw(b"{".to_vec()));
    history.breaks(&[I2]);
    let mut newer = sold();
    newer.entries.push(Entry::Raw(br#"{"v":2,"type":"decision"}"#.to_vec()));
    let report = newer.audit();
    assert_eq!((violated(&report), report.exit_code()), (vec![], 2), "{report}");
}

#[test]
fn decisions_by_unknown_rules_are_counted_and_not_judged() {
    let mut history = sold();
    history.entries[1] = Entry::Owner(Owner { rules: 2, ..owner(1) });
    let report = history.audit();
    assert_eq!((report.exit_code(), report.partitions[0].unjudged), (0, 4), "{report}");
}

#[test]
fn logs_that_do_not_belong_together_cannot_be_looked_at() {
    let mut other = sold();
    other.commands[0].1 = schemas::log::Genesis { log_id: 4, partitions: 1 }.encode();
    assert!(matches!(audit(&[other], None), Err(AuditError::OtherLog { .. })));
    let mut empty = sold();
    empty.commands.clear();
    empty.entries.clear();
    assert!(matches!(audit(&[empty], None), Err(AuditError::NoGenesis)));
}

#[test]
fn a_log_without_its_beginning_is_told_and_nothing_is_said_to_hold() {
    let histories = [History::of(0, 2), History::of(1, 2)];
    let (commands, decisions) = logs(&histories);
    decisions.trim(1, 1);
    let (commands, decisions) = (std::sync::Arc::new(commands), std::sync::Arc::new(decisions));
    let input = audit::AuditInput { commands, decisions, store: None };
    let report = block_on(audit::run(input)).unwrap();
    assert_eq!(report.exit_code(), 2);
    assert!(report.partitions[0].stopped.is_none() && report.partitions[1].stopped.is_some());
}
