//! A partition as its owner sees it, checked at every step for what must hold whatever is decided:
//! the state survives its bytes, and a state rebuilt from the decisions decides as the live one.

use decider::{Context, Input, State, decide};
use schemas::log::{Command, Decision, DecisionsRecord, decode_decisions_record};
use schemas::{Offset, Timestamp};

use crate::auditor::Auditor;

/// The partition. Offset 0 is its genesis record.
#[derive(Clone)]
pub(crate) struct World {
    pub(crate) state: State,
    pub(crate) decisions: Vec<Decision>,
    auditor: Auditor,
}

impl World {
    pub(crate) fn new() -> Self {
        Self { state: State::default(), decisions: Vec::new(), auditor: Auditor::default() }
    }

    pub(crate) fn next_offset(&self) -> Offset {
        self.decisions.len() as Offset + 1
    }

    /// Decides about `input`, folds the decision and checks both.
    #[track_caller]
    pub(crate) fn step(&mut self, input: Input<'_>, append_time: Timestamp) -> &Decision {
        let offset = self.next_offset();
        let context = Context { rules: 1, offset, append_time, after: offset };
        let decision = decide(&self.state, input, context);
        let restored = State::decode(&self.state.encode()).expect("its own bytes");
        assert_eq!(decide(&restored, input, context), decision, "I4 after a snapshot");
        assert_eq!(restored.next_expiry(), self.state.next_expiry());
        assert_eq!(restored.next_retirement(), self.state.next_retirement());
        let read = decode_decisions_record(&decision.encode()).expect("its own bytes");
        assert_eq!(read, DecisionsRecord::Decision(decision.clone()));
        self.state.fold(&decision);
        let mut restored = restored;
        restored.fold(&decision);
        assert_eq!(restored.encode(), self.state.encode(), "the fold after a snapshot");
        if let Input::Command(command) = input {
            self.auditor.audit(command, &decision);
            self.auditor.compare(&self.state);
        }
        self.decisions.push(decision);
        self.decisions.last().expect("just pushed")
    }

    #[track_caller]
    pub(crate) fn command(&mut self, command: &Command, append_time: Timestamp) -> &Decision {
        self.step(Input::Command(command), append_time)
    }

    /// The state folded again from the first decision on.
    #[track_caller]
    pub(crate) fn rebuilt(&self) -> State {
        let mut rebuilt = State::default();
        for decision in &self.decisions {
            rebuilt.fold(decision);
        }
        assert_eq!(rebuilt.log_time(), self.state.log_time());
        assert_eq!(rebuilt.encode(), self.state.encode(), "the fold gives the same bytes");
        rebuilt
    }
}
