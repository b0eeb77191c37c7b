//! When the owner reminds its partition of the time: `expire_holds` when a hold is due,
//! `retire_deal` when a deal has been closed for long. Pure: the fold says what is due, the clock
//! only when to ask; whether it really is due is decided by log time.

use std::time::Duration;

use schemas::log::{Command, ExpireHolds, RetireDeal};
use schemas::{DealId, Offset, Timestamp};
use uuid::Uuid;

/// After a tick that expired nothing the next waits at least so long.
const FRUITLESS_PAUSE: Duration = Duration::from_millis(100);
/// After a retirement that retired nothing (holds are left) the next waits so long.
const RETIREMENT_PAUSE: Duration = Duration::from_secs(60);
/// After an append that failed or has no known outcome.
const FAILURE_PAUSE: Duration = Duration::from_secs(1);

/// Which reminder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Expiry,
    Retirement,
}

/// One kind of reminder: at most one unanswered at a time.
#[derive(Debug, Default)]
struct Reminder {
    unanswered: Unanswered,
    not_before: Timestamp,
}

#[derive(Debug, Default, PartialEq, Eq)]
enum Unanswered {
    #[default]
    No,
    /// Handed to the log, which has not said where it stands.
    Sent,
    /// Stands in the log at this offset and waits for its decision.
    At(Offset),
}

/// What the owner knows of its reminders.
#[derive(Debug, Default)]
pub(crate) struct Ticks {
    expiry: Reminder,
    retirement: Reminder,
    /// The deal that the last retirement was for.
    retiring: Option<DealId>,
}

/// What the fold says is due next.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Due {
    /// When the oldest hold runs out.
    pub(crate) expiry: Option<Timestamp>,
    /// Which deal may be forgotten next, when it closed, and from when on.
    pub(crate) retirement: Option<(Timestamp, DealId, Timestamp)>,
}

impl Ticks {
    /// The next reminder to append at `now`, if one is due. It counts as sent.
    pub(crate) fn take(&mut self, due: Due, now: Timestamp) -> Option<(Kind, Command)> {
        if due.expiry.is_some_and(|at| self.expiry.ready(at, now)) {
            self.expiry.unanswered = Unanswered::Sent;
            return Some((Kind::Expiry, expire_holds(now)));
        }
        let (from, deal_id, closes_at) = due.retirement?;
        if !self.retirement.ready(from, now) {
            return None;
        }
        self.retirement.unanswered = Unanswered::Sent;
        self.retiring = Some(deal_id);
        Some((Kind::Retirement, retire_deal(deal_id, closes_at, now)))
    }

    /// When to look again, if nothing else happens; none while every reminder is unanswered.
    pub(crate) fn next(&self, due: Due) -> Option<Timestamp> {
        let expiry = due.expiry.and_then(|at| self.expiry.next(at));
        let retirement = due.retirement.and_then(|(from, ..)| self.retirement.next(from));
        expiry.into_iter().chain(retirement).min()
    }

    /// The log says where a reminder stands, or that it does not, or that nobody knows.
    pub(crate) fn appended(&mut self, kind: Kind, offset: Option<Offset>, now: Timestamp) {
        let reminder = self.of(kind);
        match offset {
            Some(offset) => reminder.unanswered = Unanswered::At(offset),
            None => reminder.answered(now.plus(FAILURE_PAUSE)),
        }
    }

    /// Everything before `decided_next` is decided at `log_time`; `due` is what is left to do.
    pub(crate) fn decided(
        &mut self,
        decided_next: Offset,
        log_time: Timestamp,
        due: Due,
        now: Timestamp,
    ) {
        if self.expiry.is_decided(decided_next) {
            // Due by this clock but not by the log's: this clock is ahead by what is left.
            let left = due.expiry.map_or(Duration::ZERO, |at| at.since(log_time));
            let fruitless = left > Duration::ZERO;
            let pause = if fruitless { left.max(FRUITLESS_PAUSE) } else { Duration::ZERO };
            self.expiry.answered(now.plus(pause));
        }
        if self.retirement.is_decided(decided_next) {
            let still =
                due.retirement.is_some_and(|(_, deal_id, _)| Some(deal_id) == self.retiring);
            let pause = if still { RETIREMENT_PAUSE } else { Duration::ZERO };
            self.retirement.answered(now.plus(pause));
        }
    }

    fn of(&mut self, kind: Kind) -> &mut Reminder {
        match kind {
            Kind::Expiry => &mut self.expiry,
            Kind::Retirement => &mut self.retirement,
        }
    }
}

impl Reminder {
    fn ready(&self, due_at: Timestamp, now: Timestamp) -> bool {
        self.next(due_at).is_some_and(|at| at <= now)
    }

    fn next(&self, due_at: Timestamp) -> Option<Timestamp> {
        (self.unanswered == Unanswered::No).then(|| due_at.max(self.not_before))
    }

    fn is_decided(&self, decided_next: Offset) -> bool {
        matches!(self.unanswered, Unanswered::At(offset) if offset < decided_next)
    }

    fn answered(&mut self, not_before: Timestamp) {
        *self = Self { unanswered: Unanswered::No, not_before };
    }
}

fn expire_holds(received_at: Timestamp) -> Command {
    let body = ExpireHolds { ticket_key: 0, received_at, actor: Uuid::nil(), admission: None };
    Command::ExpireHolds(Box::new(body))
}

fn retire_deal(deal_id: DealId, closes_at: Timestamp, received_at: Timestamp) -> Command {
    Command::RetireDeal(Box::new(RetireDeal {
        deal_id,
        closes_at,
        ticket_key: 0,
        received_at,
        actor: Uuid::nil(),
        admission: None,
    }))
}
