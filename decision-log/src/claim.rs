//! A claim to a partition: one owner record, and what the filter makes of it. Pure.

use schemas::Digest;
use schemas::log::{FilterState, Owner};

use crate::filter::Verdict;

/// A claim that was made and not answered yet. A worker has at most one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    owner: Owner,
}

/// What became of a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClaimOutcome {
    /// The partition is ours from our record on.
    Won,
    /// Another owner record with an epoch as high stands before ours.
    Lost,
}

impl Claim {
    /// A claim with an epoch above every one that `seen` knows of. `random` must be fresh for
    /// every claim: it tells ours from another of the same epoch or worker name.
    #[must_use]
    pub fn new(seen: &FilterState, random: Digest, worker: &str, rules: u32) -> Self {
        let epoch = seen.epoch.checked_add(1).expect("epochs grow by one and start at 0");
        Self { owner: Owner { epoch, claim: random, worker: worker.into(), rules } }
    }

    /// The record to append.
    #[must_use]
    pub fn owner(&self) -> &Owner {
        &self.owner
    }

    /// What an owner record and the filter's verdict on it say about this claim: none if it is
    /// another's record.
    #[must_use]
    pub fn outcome(&self, seen: &Owner, verdict: Verdict) -> Option<ClaimOutcome> {
        if *seen != self.owner {
            return None;
        }
        match verdict {
            Verdict::Owner => Some(ClaimOutcome::Won),
            Verdict::StaleOwner => Some(ClaimOutcome::Lost),
            Verdict::Genesis
            | Verdict::Fenced
            | Verdict::Repeat { .. }
            | Verdict::Gap
            | Verdict::Effective => unreachable!("the filter judges owner records as owners"),
        }
    }
}
