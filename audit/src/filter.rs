//! The filter, written again from the protocol's text: which records of a decisions partition
//! count. The lines are numbered as there.

use std::collections::BTreeMap;

use event_log::Stored;
use schemas::log::{Decision, DecodeFault};
use schemas::log::{
    DecisionsRecord, FilterState, Genesis, HEADER_CLAIM, HEADER_EPOCH, Owner,
    decode_decisions_record,
};
use schemas::{Digest, Offset};

/// What a record comes to.
#[derive(Debug)]
pub(crate) enum Reading {
    /// Line 0.
    Genesis,
    /// Line 1: the owner from here on.
    Owner,
    /// Line 1: too late.
    StaleOwner,
    /// Lines 3 to 6.
    Decision(Standing, Written),
}

/// What a decision comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Line 3.
    Zombie,
    /// Line 4.
    Repeat,
    /// Line 5.
    Gap,
    /// Line 6.
    Effective,
}

/// A decision and who wrote it.
#[derive(Debug)]
pub(crate) struct Written {
    pub(crate) decision: Decision,
    pub(crate) epoch: u64,
    /// Whether an owner record before it has the same epoch and claim.
    pub(crate) is_claimed: bool,
    /// Where it stands in the decisions log.
    pub(crate) record: Offset,
    /// Hash of its bytes.
    pub(crate) digest: Digest,
}

/// Why no reader can go on.
#[derive(Debug)]
pub(crate) enum Stop {
    /// The log breaks the protocol.
    Broken(String),
    /// This build cannot tell.
    Newer(String),
}

/// The filter's state and every owner there was.
#[derive(Debug, Default)]
pub(crate) struct Filter {
    pub(crate) state: FilterState,
    /// Rules by epoch and claim, of all owner records.
    claims: BTreeMap<(u64, Digest), u32>,
    /// Rules by epoch, of the owner records that counted.
    rules: BTreeMap<u64, u32>,
}

impl Filter {
    /// Takes the next record in.
    pub(crate) fn read(&mut self, stored: &Stored) -> Result<Reading, Stop> {
        let record = decode_decisions_record(&stored.payload).map_err(|fault| match fault {
            DecodeFault::Newer { .. } => Stop::Newer(fault.to_string()),
            DecodeFault::Unreadable(_) => Stop::Broken(format!("the record is {fault}")),
        })?;
        if self.state.log_id.is_none() && !matches!(record, DecisionsRecord::Genesis(_)) {
            return Err(Stop::Broken("a record before the genesis record".into()));
        }
        let reading = match record {
            DecisionsRecord::Genesis(genesis) => self.genesis(genesis)?,
            DecisionsRecord::Owner(owner) => self.owner(&owner),
            DecisionsRecord::Decision(decision) => self.decision(stored, decision)?,
        };
        self.state.read_offset = stored.offset + 1;
        Ok(reading)
    }

    /// Whether two owners decided by one rule set, as did all owners between them: only then do
    /// their decisions follow from the commands in the same way.
    pub(crate) fn share_rules(&self, one: u64, other: u64) -> bool {
        let mut rules = self.rules.range(one.min(other)..=one.max(other)).map(|(_, rules)| rules);
        rules.next().is_some_and(|first| rules.all(|next| next == first))
    }

    fn genesis(&mut self, genesis: Genesis) -> Result<Reading, Stop> {
        let log_id = *self.state.log_id.get_or_insert(genesis.log_id);
        if log_id != genesis.log_id {
            let reason = format!("a genesis record of log {}, not {log_id}", genesis.log_id);
            return Err(Stop::Broken(reason));
        }
        Ok(Reading::Genesis)
    }

    fn owner(&mut self, owner: &Owner) -> Reading {
        let Owner { epoch, claim, rules, .. } = *owner;
        self.claims.entry((epoch, claim)).or_insert(rules);
        if epoch <= self.state.epoch {
            return Reading::StaleOwner;
        }
        (self.state.epoch, self.state.claim, self.state.rules) = (epoch, claim, rules);
        self.rules.insert(epoch, rules);
        Reading::Owner
    }

    fn decision(&mut self, stored: &Stored, decision: Decision) -> Result<Reading, Stop> {
        let (epoch, claim) = writer(stored)?;
        let is_claimed = self.claims.contains_key(&(epoch, claim));
        let standing = self.standing(epoch, claim, &decision)?;
        if standing == Standing::Effective {
            self.state.decided_next = decision.offset + 1;
            self.state.log_time = decision.log_time;
        }
        let (record, digest) = (stored.offset, Digest::of("timedeal.audit", &[&stored.payload]));
        let written = Written { decision, epoch, is_claimed, record, digest };
        Ok(Reading::Decision(standing, written))
    }

    fn standing(&self, epoch: u64, claim: Digest, decision: &Decision) -> Result<Standing, Stop> {
        let FilterState { epoch: current, claim: owner, decided_next, .. } = self.state;
        if epoch > current {
            let reason = format!("a decision of epoch {epoch} while {current} is current");
            return Err(Stop::Broken(reason));
        }
        Ok(if epoch < current || claim != owner {
            Standing::Zombie
        } else if decision.offset < decided_next {
            Standing::Repeat
        } else if decision.after != decided_next {
            Standing::Gap
        } else {
            Standing::Effective
        })
    }
}

/// Epoch and claim of a decision's writer.
fn writer(stored: &Stored) -> Result<(u64, Digest), Stop> {
    let text = |name| stored.header(name).and_then(|value| std::str::from_utf8(value).ok());
    let epoch = text(HEADER_EPOCH).and_then(|epoch| epoch.parse().ok());
    let claim = text(HEADER_CLAIM).and_then(|claim| claim.parse().ok());
    let missing = || Stop::Broken("a decision without valid epoch and claim headers".into());
    epoch.zip(claim).ok_or_else(missing)
}

/// Where the commands and the decisions of a partition begin: after its genesis record.
pub(crate) const FIRST: Offset = 1;
