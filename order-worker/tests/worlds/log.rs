//! The decisions log of a small world: every log that can come about, each stored once, and judged
//! once by every reader that there can be. Must not know how its records came to be written.

use std::collections::HashMap;

use decision_log::{DecisionHead, Filter, Park, Seen, Verdict};
use schemas::log::{FilterState, Genesis, Owner};
use schemas::{Digest, Offset, Timestamp};

use crate::kept::Kept;

/// A record, and who really wrote it: no reader can see that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Record {
    pub(crate) author: u8,
    pub(crate) epoch: u64,
    pub(crate) claim: u128,
    pub(crate) body: Body,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Body {
    Owner { rules: u32 },
    Decision { offset: Offset, after: Offset, payload: u64 },
}

impl Record {
    pub(crate) fn of_owner(author: u8, owner: &Owner) -> Self {
        let Owner { epoch, claim, worker: _, rules } = *owner;
        Self { author, epoch, claim: claim.0, body: Body::Owner { rules } }
    }

    /// All workers have one name, so that names tell nothing.
    pub(crate) fn owner(&self) -> Option<Owner> {
        let Body::Owner { rules } = self.body else { return None };
        let (epoch, claim) = (self.epoch, Digest(self.claim));
        Some(Owner { epoch, claim, worker: "".into(), rules })
    }

    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        out.extend([self.author, self.epoch as u8, self.claim as u8]);
        match self.body {
            Body::Owner { rules } => out.extend([0, rules as u8]),
            Body::Decision { offset, after, payload } => {
                out.extend([1, offset as u8, after as u8]);
                out.extend(payload.to_le_bytes());
            }
        }
    }

    fn head(&self) -> Option<DecisionHead> {
        let Body::Decision { offset, after, payload: hash } = self.body else { return None };
        let (epoch, claim) = (self.epoch, Digest(self.claim));
        let log_time = Timestamp::from_millis(offset.cast_signed());
        Some(DecisionHead { epoch, claim, offset, after, log_time, hash })
    }
}

/// What the pure decider makes of the command at `offset`, and what folding it makes of a state:
/// numbers that tell whether anything before was different.
pub(crate) fn decide(state: u64, offset: Offset, rules: u32) -> u64 {
    mix(state ^ (offset << 8) ^ u64::from(rules))
}

pub(crate) fn fold(state: u64, payload: u64) -> u64 {
    mix(state.rotate_left(17) ^ payload)
}

fn mix(value: u64) -> u64 {
    let value = (value ^ 0x9e37_79b9_7f4a_7c15).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    value ^ (value >> 29)
}

/// Judges the next record with the filter, as if it lacked what `kept` lacks.
pub(crate) fn judge(filter: &mut Filter, record: &Record, kept: Kept) -> Result<Verdict, Park> {
    let read_offset = filter.state().read_offset;
    if let Some(owner) = record.owner() {
        return filter.admit(read_offset, Seen::Owner(&owner));
    }
    let mut head = record.head().expect("no claim, so a decision");
    if !kept.after {
        head.after = filter.state().decided_next;
    }
    if !kept.checkpoint_epoch && filter.state().epoch == 0 {
        let (epoch, claim) = (head.epoch, head.claim);
        *filter = Filter::new(FilterState { epoch, claim, ..filter.state().clone() }, 1);
    }
    filter.admit(read_offset, Seen::Decision(head))
}

/// What a reader stores to go on later.
pub(crate) fn checkpoint(state: &FilterState, kept: Kept) -> FilterState {
    if kept.checkpoint_epoch {
        return state.clone();
    }
    FilterState { epoch: 0, claim: Digest(0), rules: 0, ..state.clone() }
}

/// The state of a filter that has read the genesis record.
pub(crate) fn begun() -> FilterState {
    let mut filter = Filter::new(FilterState::default(), 1);
    let genesis = Seen::Genesis(Genesis { log_id: 7, partitions: 1 });
    filter.admit(0, genesis).expect("an empty filter takes any log");
    filter.state().clone()
}

/// A log, and what its readers have made of it.
#[derive(Debug)]
struct Read {
    records: Vec<Record>,
    /// One that has read from the beginning.
    filter: Filter,
    /// Commands that were decided for it, and the fold of their decisions.
    decided: Offset,
    state: u64,
    /// Who has effective decisions in the current epoch.
    author: Option<u8>,
    /// Readers that have restarted once, before any of the records, and know something else.
    restarted: Vec<Filter>,
}

/// Every log of a world, by number. The first has the genesis record only.
#[derive(Debug)]
pub(crate) struct Logs {
    kept: Kept,
    logs: Vec<Read>,
    next: HashMap<(usize, Record), usize>,
}

impl Logs {
    pub(crate) fn new(kept: Kept) -> Self {
        let filter = Filter::new(begun(), 1);
        let (records, restarted) = (Vec::new(), Vec::new());
        let first = Read { records, filter, decided: 0, state: 0, author: None, restarted };
        Self { kept, logs: vec![first], next: HashMap::new() }
    }

    pub(crate) fn kept(&self) -> Kept {
        self.kept
    }

    pub(crate) fn len(&self) -> usize {
        self.logs.len()
    }

    /// The records from `read_offset` on; the genesis record is not among them.
    pub(crate) fn from(&self, log: usize, read_offset: Offset) -> &[Record] {
        let read = usize::try_from(read_offset).expect("small") - 1;
        &self.logs[log].records[read..]
    }

    pub(crate) fn records(&self, log: usize) -> &[Record] {
        &self.logs[log].records
    }

    pub(crate) fn end(&self, log: usize) -> Offset {
        self.logs[log].records.len() as Offset + 1
    }

    /// What a reader of the whole log knows.
    pub(crate) fn filter(&self, log: usize) -> &FilterState {
        self.logs[log].filter.state()
    }

    /// The truth at `read_offset`: filter and fold of the log up to there.
    pub(crate) fn truth(&self, log: usize, read_offset: Offset) -> (FilterState, u64) {
        let mut at = 0;
        let read = usize::try_from(read_offset).expect("small") - 1;
        for record in &self.logs[log].records[..read] {
            at = self.next[&(at, *record)];
        }
        (self.filter(at).clone(), self.logs[at].state)
    }

    /// The log with `record` at its end; says which promise its readers see broken, if any.
    pub(crate) fn append(&mut self, log: usize, record: Record) -> Result<usize, String> {
        if let Some(next) = self.next.get(&(log, record)) {
            return Ok(*next);
        }
        let read = self.read(&self.logs[log], record)?;
        let next = self.logs.len();
        self.logs.push(read);
        self.next.insert((log, record), next);
        Ok(next)
    }

    fn read(&self, before: &Read, record: Record) -> Result<Read, String> {
        let mut filter = before.filter.clone();
        let verdict = judge(&mut filter, &record, self.kept).map_err(|park| park.to_string())?;
        let mut restarted = before.restarted.clone();
        let stored = checkpoint(before.filter.state(), self.kept);
        restarted.push(Filter::new(stored, 1));
        for (at, reader) in restarted.iter_mut().enumerate() {
            let found = judge(reader, &record, self.kept);
            if !is_same(&found, verdict) {
                return Err(format!("restarted reader {at}: {found:?}, not {verdict:?}"));
            }
        }
        // Who knows the same as one that has read everything goes on as that one does.
        restarted.retain(|reader| reader.state() != filter.state());
        let mut records = before.records.clone();
        records.push(record);
        let Read { decided, state, author, .. } = *before;
        let mut read = Read { records, filter, decided, state, author, restarted };
        match verdict {
            Verdict::Owner => read.author = None,
            Verdict::Effective => read.take(&record, before.filter.state())?,
            Verdict::Repeat { differs: true } => return Err("I4: a repeat differs".into()),
            Verdict::Genesis
            | Verdict::StaleOwner
            | Verdict::Fenced
            | Verdict::Gap
            | Verdict::Repeat { differs: false } => {}
        }
        Ok(read)
    }
}

impl Read {
    /// An effective decision: the one that follows from all commands up to its own, by the rules
    /// that its owner has named, and the only one.
    fn take(&mut self, record: &Record, before: &FilterState) -> Result<(), String> {
        let Body::Decision { offset, after, payload } = record.body else {
            return Err("a claim is no decision".into());
        };
        self.decided += 1;
        if offset != self.decided || after != self.decided {
            return Err(format!("I2: {offset} after {after} is decision {}", self.decided));
        }
        if payload != decide(self.state, offset, before.rules) {
            return Err(format!("I4: {offset} is not decided as its log says"));
        }
        if self.author.is_some_and(|author| author != record.author) {
            return Err(format!("two owners decide in epoch {}", record.epoch));
        }
        self.author = Some(record.author);
        self.state = fold(self.state, payload);
        Ok(())
    }
}

/// Only a reader that has seen the first decision can compare a repeat with it.
fn is_same(found: &Result<Verdict, Park>, verdict: Verdict) -> bool {
    match (found, verdict) {
        (Ok(Verdict::Repeat { .. }), Verdict::Repeat { .. }) => true,
        (found, verdict) => *found == Ok(verdict),
    }
}
