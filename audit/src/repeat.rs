//! Decisions written more than once: by a former owner, by a producer that sent twice, after a gap.
//! Their bytes have to be the same (I4), all of them, however far apart they stand.
//!
//! Why fenced ones too: a decision follows from the commands up to its own and from nothing else.
//! A fenced owner may have gone on from decisions that were lost on their way, but those too were
//! what anybody would have decided. So what it says about a command is what the owner says, with
//! two exceptions: it counted from another `decided_next` (`after` differs), or another rule set
//! was in force between. A repeat of the current owner itself has no exception: it read the same
//! log.
//!
//! A writer without any owner record in the log is none: the filter keeps it out, what it writes
//! binds nobody, and by which rules it decided is unknown. It is counted and warned of.

use std::collections::BTreeMap;

use schemas::{Digest, Offset};

use crate::filter::{Filter, Standing, Written};
use crate::finding::Findings;
use crate::report::Invariant;

/// What is kept of a decision that was written.
#[derive(Clone, Copy, Debug)]
struct Trace {
    record: Offset,
    digest: Digest,
    after: Offset,
    epoch: u64,
    standing: Standing,
}

/// All decisions of a partition by the command that they answer.
#[derive(Debug, Default)]
pub(crate) struct Repeats {
    /// The effective ones.
    firsts: BTreeMap<Offset, Trace>,
    /// Ignored ones that came before the effective one.
    waiting: BTreeMap<Offset, Vec<Trace>>,
}

impl Repeats {
    /// Whether the command has an effective decision.
    pub(crate) fn is_decided(&self, offset: Offset) -> bool {
        self.firsts.contains_key(&offset)
    }

    /// Takes the next decision in.
    pub(crate) fn take(
        &mut self,
        standing: Standing,
        written: &Written,
        filter: &Filter,
        findings: &mut Findings,
    ) {
        let Written { ref decision, epoch, is_claimed, record, digest } = *written;
        let (offset, after) = (decision.offset, decision.after);
        let copy = Trace { record, digest, after, epoch, standing };
        if standing == Standing::Effective {
            for early in self.waiting.remove(&offset).unwrap_or_default() {
                compare(&copy, &early, filter, findings);
            }
            self.firsts.insert(offset, copy);
            return;
        }
        if !is_claimed {
            let partition = findings.place.partition;
            findings.warn(format!(
                "partition {partition}, record {record}: a decision on command {offset} by a \
                 writer that has no owner record before it"
            ));
            return;
        }
        match self.firsts.get(&offset) {
            Some(first) => compare(first, &copy, filter, findings),
            None => self.waiting.entry(offset).or_default().push(copy),
        }
    }
}

fn compare(first: &Trace, other: &Trace, filter: &Filter, findings: &mut Findings) {
    let is_bound = match other.standing {
        Standing::Repeat => true,
        Standing::Zombie | Standing::Gap | Standing::Effective => {
            first.after == other.after && filter.share_rules(first.epoch, other.epoch)
        }
    };
    if is_bound {
        findings.expect(Invariant::I4, first.digest == other.digest, || {
            let (one, two) = (first.record, other.record);
            format!("records {one} and {two} decide the same command differently")
        });
    }
}
