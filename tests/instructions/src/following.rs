//! What every reader of the decisions log does: the filter, an owner that reads back what it wrote,
//! and a gateway's view.

use std::hint::black_box;
use std::sync::Arc;

use bytes::Bytes;
use decider::State;
use decision_log::{DecisionWriter, Entry, Filter, Reader, Seen, Verdict};
use event_log::{ReadLimits, SimulatedLog};
use futures_util::FutureExt;
use gateway::view::{Touched, View};
use schemas::Digest;
use schemas::log::{Decision, FilterState};

use crate::sale::{FIRST, NOW, announce, decide_all, held, purchases};
use crate::{TIMES, Work};

const CLAIM: Digest = Digest(7);

/// Decisions of the owner, one after the other.
pub(crate) fn effective() -> Work {
    admit_each(1, Verdict::Effective)
}

/// The same from somebody who was the owner once.
pub(crate) fn fenced() -> Work {
    admit_each(2, Verdict::Fenced)
}

/// Judges decisions of epoch 1 while `epoch` is the current one. Their payload is hashed, as it is
/// in a reader.
fn admit_each(epoch: u64, meant: Verdict) -> Work {
    let state = FilterState { read_offset: FIRST, ..owned_in(epoch) };
    let writer = DecisionWriter::of(&owned_in(1));
    let mut filter = Filter::new(state, 1);
    let decisions: Vec<(Decision, Vec<u8>)> =
        held().into_iter().map(|decision| (decision.clone(), decision.encode())).collect();
    Box::new(move || {
        let mut count = 0;
        for (read_offset, (decision, payload)) in (FIRST..).zip(&decisions) {
            let head = writer.head(decision, black_box(payload));
            let verdict = filter.admit(read_offset, Seen::Decision(head)).unwrap();
            count += usize::from(verdict == meant);
        }
        count
    })
}

/// Nothing is read and nothing but the deal is decided.
fn owned_in(epoch: u64) -> FilterState {
    let (claim, decided_next) = (CLAIM, FIRST);
    FilterState { log_id: Some(1), epoch, claim, decided_next, ..FilterState::default() }
}

/// Decisions of an owner as records in a log in memory, and read back by it.
pub(crate) fn read_back() -> Work {
    let owner = owned_in(1);
    let log = Arc::new(SimulatedLog::new("decisions", 1, Arc::new(|| NOW)));
    let decisions = held();
    let payloads: Vec<Bytes> = decisions.iter().map(|it| it.encode().into()).collect();
    let limits = ReadLimits { records_max: TIMES, bytes_max: usize::MAX };
    Box::new(move || {
        let writer = DecisionWriter::of(&owner);
        let mut heads = Vec::with_capacity(TIMES);
        for (decision, payload) in decisions.iter().zip(&payloads) {
            heads.push(writer.head(decision, payload));
            log.append_raw(0, writer.record(payload.clone()));
        }
        let mut reader = Reader::new(Arc::clone(&log) as _, 0, owner.clone(), limits);
        let read = reader.next_heads(&heads).now_or_never();
        let is_effective =
            |it: &Entry<()>| matches!(it, Entry::Decision { verdict: Verdict::Effective, .. });
        read.unwrap().unwrap().iter().filter(|it| is_effective(it)).count()
    })
}

/// Orders that are held, in a view that knows their deal.
pub(crate) fn view_held() -> Work {
    let mut state = State::default();
    let announced = announce(&mut state, 1_000_000);
    let decisions = decide_all(&mut state, FIRST, &purchases(0));
    let mut view = View::seed(1, 0, FilterState::default(), Vec::new());
    view.apply(&announced, &mut Touched::default());
    Box::new(move || {
        let mut touched = Touched::default();
        for decision in &decisions {
            view.apply(black_box(decision), &mut touched);
        }
        touched.offsets.len()
    })
}
