//! Rule set 1.
//!
//! Every function looks for the first reason to refuse, in one fixed precedence; what is left then
//! must succeed.

mod announcement;
mod cancellation;
mod expiry;
mod order_in_hand;
mod payment;
mod purchase;
mod retirement;
mod schedule;
mod stock;

use sabotage::Bug;
use schemas::log::{Command, CommandRefused, Event, RefusalCode, Unreadable};
use schemas::{DealId, Timestamp};

use super::Input;
use crate::State;
use crate::state::{Deal, Found};

/// The events that follow from `input` in `state` at `log_time`.
pub(super) fn decide(state: &State, input: Input<'_>, log_time: Timestamp) -> Vec<Event> {
    let command = match input {
        Input::Command(command) => command,
        Input::Genesis => return Vec::new(),
        Input::Unreadable => return vec![Event::Unreadable(Unreadable {})],
    };
    match command {
        Command::PlacePurchase(command) => purchase::place(state, command, log_time),
        Command::CancelOrder(command) => cancellation::cancel(state, command, log_time),
        Command::RecordPayment(command) => payment::record(state, command, log_time),
        Command::ExpireHolds(command) => {
            let by_owner = sabotage::is_planted(Bug::TickByWallClock);
            expiry::expire(state, if by_owner { command.received_at } else { log_time })
        }
        Command::AnnounceDeal(command) => announcement::announce(state, command, log_time),
        Command::AdjustStock(command) => settled(stock::adjust(state, command, log_time)),
        Command::PauseDeal(command) => settled(schedule::pause(state, command, log_time)),
        Command::ResumeDeal(command) => settled(schedule::resume(state, command, log_time)),
        Command::RescheduleDeal(command) => settled(schedule::reschedule(state, command, log_time)),
        Command::CloseDeal(command) => settled(schedule::close(state, command)),
        Command::RetireDeal(command) => retirement::retire(state, command, log_time),
    }
}

/// What becomes of a command about a deal: an event, nothing as it is so already, or a refusal.
type Outcome = Result<Option<Event>, RefusalCode>;

fn settled(outcome: Outcome) -> Vec<Event> {
    match outcome {
        Ok(event) => event.into_iter().collect(),
        Err(code) => vec![refused(code)],
    }
}

fn refused(code: RefusalCode) -> Event {
    Event::CommandRefused(CommandRefused { code })
}

/// The deal that a command names.
fn deal_of(state: &State, deal_id: DealId) -> Result<&Deal, RefusalCode> {
    match state.find(deal_id) {
        Found::Deal(deal) => Ok(deal),
        Found::Nothing => Err(RefusalCode::DealNotFound),
        Found::Retired => Err(RefusalCode::DealRetired),
    }
}
