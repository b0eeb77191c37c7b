//! What comes back to an owner: acknowledgements, its own decisions read back, outcomes of
//! reminders. Anything unexpected means that the state is no longer known to be the fold of the
//! log, and everything starts over.

use std::sync::Arc;

use decision_log::{DecisionHead, Entry, Park, Verdict};
use event_log::{AppendError, Log, Record};
use futures_util::FutureExt;
use platform::fail_point::{self, FailPoint};
use schemas::log::Command;
use schemas::{Offset, Partition};

use super::{Owner, PendingTick, READ_BACK_MS_MAX, ReadBackDeadline, now};
use crate::setback::Setback;
use crate::ticks::Kind;

impl Owner {
    pub(super) fn collect_answers(&mut self) -> Result<bool, Setback> {
        let mut busy = false;
        while let Some(front) = self.appends.front_mut() {
            let Some(answer) = (&mut front.receipt).now_or_never() else { break };
            let (last, largest) = (front.last, front.largest);
            self.appends.pop_front();
            answer.map_err(|fault| not_appended(fault, largest))?;
            fail_point::reach(FailPoint::AfterAppend);
            let at_ms = self.parts.clock.elapsed_millis() + READ_BACK_MS_MAX;
            self.deadlines.push_back(ReadBackDeadline { last, at_ms });
            busy = true;
        }
        self.collect_tick();
        self.collect_snapshot();
        Ok(busy)
    }

    fn collect_tick(&mut self) {
        if let Some(answer) = self.tick.as_mut().and_then(FutureExt::now_or_never) {
            self.tick = None;
            self.ticks.appended(answer.0, answer.1, now(&self.parts));
        }
    }

    pub(super) async fn read_back(&mut self) -> Result<bool, Setback> {
        let entries = self.reader.next_heads(self.sent.heads()).await?;
        let busy = !entries.is_empty();
        for entry in entries {
            match entry {
                Entry::Genesis => {}
                Entry::Owner(owner, Verdict::Owner) => {
                    return Err(Setback::Fenced { epoch: owner.epoch });
                }
                Entry::Owner(..) => self.metrics.ignored.increment(1),
                Entry::Decision { head, verdict, .. } => self.judge(&head, verdict)?,
            }
        }
        let decided_next = self.decided_next();
        while self.deadlines.front().is_some_and(|it| it.last < decided_next) {
            self.deadlines.pop_front();
        }
        Ok(busy)
    }

    fn judge(&mut self, head: &DecisionHead, verdict: Verdict) -> Result<(), Setback> {
        if verdict == (Verdict::Repeat { differs: true }) {
            self.metrics.repeats_changed.increment(1);
            let (partition, offset) = (self.parts.partition, head.offset);
            tracing::error!(
                partition,
                offset,
                "promise I4 is broken: a repeat says something else"
            );
        }
        if head.epoch != self.epoch || head.claim != self.claim {
            self.metrics.ignored.increment(1);
            return Ok(());
        }
        if verdict != Verdict::Effective {
            let what = format!("own decision on {} was ignored: {verdict:?}", head.offset);
            return Err(Setback::Lost(what.into()));
        }
        self.sent.read_back(head).map_err(|fault| Setback::Lost(fault.to_string().into()))
    }

    pub(super) fn check_deadlines(&self) -> Result<(), Setback> {
        let now_ms = self.parts.clock.elapsed_millis();
        match self.deadlines.front() {
            Some(deadline) if deadline.at_ms <= now_ms => {
                let what = format!("own decision on {} was not read back", deadline.last);
                Err(Setback::Lost(what.into()))
            }
            Some(_) | None => Ok(()),
        }
    }
}

/// What an append that failed means. To decide the same again helps against everything but its
/// size.
fn not_appended(fault: AppendError, largest: Offset) -> Setback {
    match fault {
        AppendError::TooLarge { bytes, .. } => Park::TooLarge { offset: largest, bytes }.into(),
        AppendError::Full { .. }
        | AppendError::Unavailable { .. }
        | AppendError::Unknown { .. } => Setback::Lost(fault.to_string().into()),
    }
}

/// Hands a reminder to the commands log.
pub(super) fn append_tick(
    commands: &Arc<dyn Log>,
    partition: Partition,
    kind: Kind,
    command: &Command,
) -> PendingTick {
    let payload = command.encode().into();
    let record = Record { payload, ..Record::default() };
    let receipt = commands.append(partition, vec![record]);
    async move {
        let appended = receipt.await.ok().and_then(|appended| appended.first().copied());
        (kind, appended.map(|appended| appended.offset))
    }
    .boxed()
}
