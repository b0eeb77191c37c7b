//! What every reader of the decisions log does: the filter, and a gateway's view behind it.

use std::hint::black_box;

use decider::State;
use decision_log::{DecisionWriter, Filter, Seen, Verdict};
use gateway::view::{Touched, View};
use schemas::Digest;
use schemas::log::{Decision, FilterState};

use crate::Work;
use crate::sale::{FIRST, announce, decide_all, held, purchases};

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
    let state = FilterState {
        log_id: Some(1),
        read_offset: FIRST,
        epoch,
        claim: CLAIM,
        decided_next: FIRST,
        ..FilterState::default()
    };
    let writer = DecisionWriter::of(&FilterState { epoch: 1, ..state.clone() });
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
