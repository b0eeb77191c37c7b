//! Every small decisions log that three owners can leave behind: with claims that come too late,
//! zombies, repeats and gaps. At every record of it, the view and the read model say what a naive
//! reader says that filters and folds by code of its own; also if they begin at that record.

use std::collections::BTreeMap;

use decision_log::{DecisionHead, DecisionWriter, Filter, Seen, Verdict};
use gateway::view::{Known, Touched, View};
use schemas::Digest;
use schemas::http::OrderStatus;
use schemas::log::{Decision, Event, FilterState, Genesis, Owner};

use crate::memory_store::Rows;
use crate::setup::LOG_ID;
use crate::world::{Wish, World, deal_id};

/// Epoch and claim of the owners. Two have claimed the same epoch.
const OWNERS: [(u64, u128); 3] = [(1, 10), (2, 20), (2, 30)];

#[derive(Clone, Copy, Debug)]
enum Record {
    Owner(usize),
    /// The owner's decision on that command.
    Decision(usize, usize),
}

/// A filter without any of the real one's code.
#[derive(Clone, Debug, Default)]
struct Naive {
    current: (u64, u128),
    /// How many commands are decided.
    decided: usize,
    is_parked: bool,
}

impl Naive {
    fn read(&mut self, record: Record) {
        match record {
            Record::Owner(owner) if OWNERS[owner].0 > self.current.0 => {
                self.current = OWNERS[owner];
            }
            Record::Owner(_) => {}
            Record::Decision(owner, _) if OWNERS[owner].0 > self.current.0 => {
                self.is_parked = true;
            }
            Record::Decision(owner, command) => {
                let counts = self.current == OWNERS[owner] && command == self.decided;
                self.decided += usize::from(counts);
            }
        }
    }
}

/// The real readers: one filter, and what follows it.
struct Readers {
    filter: Filter,
    view: View,
    rows: Rows,
    /// Views that have begun later, where the read model stood.
    later: Vec<(u64, View)>,
}

struct SmallLogs {
    /// Records after the genesis record and the first owner's.
    records_max: usize,
    commands: Vec<Decision>,
    prefixes: usize,
    records: usize,
}

fn owner(number: usize) -> Owner {
    let (epoch, claim) = OWNERS[number];
    Owner { epoch, claim: Digest(claim), worker: "w".into(), rules: 1 }
}

fn head(number: usize, decision: &Decision) -> DecisionHead {
    let (epoch, claim) = OWNERS[number];
    let owner = FilterState { epoch, claim: Digest(claim), ..FilterState::default() };
    DecisionWriter::of(&owner).head(decision, &decision.encode())
}

impl Readers {
    fn new() -> Self {
        let mut filter = Filter::new(FilterState::default(), 1);
        let genesis = Genesis { log_id: LOG_ID, partitions: 1 };
        filter.admit(0, Seen::Genesis(genesis)).unwrap();
        let view = View::seed(LOG_ID, 0, filter.state().clone(), Vec::new());
        Self { filter, view, rows: Rows::default(), later: Vec::new() }
    }

    /// Reads one record; false if it parks.
    fn read(&mut self, record: Record, commands: &[Decision]) -> bool {
        let read_offset = self.filter.state().read_offset;
        let deals = self.rows.deals.values().cloned().collect();
        let begun = View::seed(LOG_ID, 0, self.filter.state().clone(), deals);
        self.later.push((self.filter.state().decided_next, begun));
        let verdict = match record {
            Record::Owner(number) => self.filter.admit(read_offset, Seen::Owner(&owner(number))),
            Record::Decision(number, command) => {
                let head = head(number, &commands[command]);
                self.filter.admit(read_offset, Seen::Decision(head))
            }
        };
        let Ok(verdict) = verdict else { return false };
        assert_ne!(verdict, Verdict::Repeat { differs: true });
        let later = self.later.iter_mut().map(|(_, view)| view);
        let views = std::iter::once(&mut self.view).chain(later);
        if let (Record::Decision(_, command), Verdict::Effective) = (record, verdict) {
            let mut touched = Touched::default();
            views.for_each(|view| {
                view.apply(&commands[command], &mut touched);
                view.advance(self.filter.state().clone());
            });
            self.rows.apply(0, &read_model::fold(LOG_ID, 0, &commands[command]));
        } else {
            views.for_each(|view| view.advance(self.filter.state().clone()));
        }
        true
    }

    fn check(&self, decided: &[Decision]) {
        let (orders, stock_left) = naive_fold(decided);
        let found = self.rows.orders.values().map(|row| (row.position.offset, row.status));
        assert_eq!(found.collect::<BTreeMap<_, _>>(), orders, "I6");
        let deal = self.rows.deals.get(&deal_id(0));
        assert_eq!(deal.map(|deal| deal.stock_left), stock_left, "I6");
        let views = self.later.iter().map(|(from, view)| (*from, view));
        for (from, view) in views.chain([(1, &self.view)]) {
            assert_eq!(view.deal(deal_id(0)).map(|deal| &**deal), deal);
            for offset in 1..=5 {
                check_one(view, from, offset, (&orders, decided.len() as u64));
            }
        }
    }
}

/// What a view that began before command `from` says of a position.
fn check_one(
    view: &View,
    from: u64,
    offset: u64,
    (orders, decided): (&BTreeMap<u64, OrderStatus>, u64),
) {
    match (view.look(offset), orders.get(&offset)) {
        (Known::Queued { ahead }, None) => assert_eq!(offset, decided + 1 + ahead),
        (Known::Order(row), Some(status)) => assert_eq!(row.status, *status),
        (Known::Command(_), None) => assert!((from..=decided).contains(&offset)),
        (Known::Stored(_), _) => assert!(offset < from),
        (known, status) => panic!("{offset} is {status:?}, not {known:?}"),
    }
}

/// Status of every order and the units that are left, from the events alone.
fn naive_fold(decided: &[Decision]) -> (BTreeMap<u64, OrderStatus>, Option<u64>) {
    let (mut orders, mut announced) = (BTreeMap::new(), None);
    for decision in decided {
        for event in &decision.events {
            if let Event::DealAnnounced(event) = event {
                announced = Some(event.terms.stock);
            } else if let Event::OrderHeld(_) = event {
                orders.insert(decision.offset, OrderStatus::Held);
            } else if let Event::OrderRejected(_) = event {
                orders.insert(decision.offset, OrderStatus::Rejected);
            } else if let Event::OrderPaid(event) = event {
                orders.insert(event.order, OrderStatus::Confirmed);
            } else {
                panic!("not in these logs: {event:?}");
            }
        }
    }
    let sold = orders.values().filter(|status| **status != OrderStatus::Rejected).count() as u64;
    (orders, announced.map(|announced| announced - sold))
}

impl SmallLogs {
    /// All logs that begin so. A view cannot be copied, so every log is read from its beginning.
    fn read_all(&mut self, log: &mut Vec<Record>) {
        self.prefixes += 1;
        let (mut naive, mut readers) = (Naive::default(), Readers::new());
        for record in log.iter() {
            naive.read(*record);
            self.records += 1;
            assert_eq!(readers.read(*record, &self.commands), !naive.is_parked, "{log:?}");
        }
        if naive.is_parked {
            return;
        }
        assert_eq!(readers.filter.state().decided_next, naive.decided as u64 + 1, "{log:?}");
        readers.check(&self.commands[..naive.decided]);
        if log.len() > self.records_max {
            return;
        }
        for owner in 0..OWNERS.len() {
            let decisions = (0..self.commands.len()).map(|it| Record::Decision(owner, it));
            for record in std::iter::once(Record::Owner(owner)).chain(decisions) {
                log.push(record);
                self.read_all(log);
                log.pop();
            }
        }
    }
}

#[test]
fn every_reader_of_every_small_log_sees_the_same() {
    let mut world = World::new();
    let wishes = [
        Wish::Announce { deal: 0, stock: 1, hold_seconds: 60 },
        Wish::Buy { deal: 0, customer: 1, key: 1, quantity: 1 },
        Wish::Buy { deal: 0, customer: 2, key: 2, quantity: 1 },
        Wish::Pay { order: 1 },
    ];
    let commands = wishes.map(|wish| world.decide(wish)).to_vec();
    let records_max = if std::env::var("TIMEDEAL_WORLDS").is_ok() { 5 } else { 4 };
    let mut logs = SmallLogs { records_max, commands, prefixes: 0, records: 0 };
    logs.read_all(&mut vec![Record::Owner(0)]);
    println!("{} logs, {} records", logs.prefixes, logs.records);
}
