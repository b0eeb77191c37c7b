//! What should have been decided, by rule set 1 as the protocol words it. Knows the world before
//! the decision, the command and the log time, and nothing of what was decided.

mod deal;
mod in_hand;
mod payment;
mod purchase;

use schemas::Timestamp;
use schemas::limits::EVENTS_MAX;
use schemas::log::{
    CancelOrder, Command, CommandRefused, CommandRepeated, CommandsRecord, DecodeFault, Event,
    OrderExpired, RefundDue, RefusalCode, Unreadable, decode_command,
};

use crate::world::{PaymentState, World};
use in_hand::InHand;

/// The rule set that is written here.
pub(crate) const RULES: u32 = 1;

/// What stands at an offset of the commands log.
#[derive(Debug)]
pub(crate) enum Input {
    Command(Command),
    /// The genesis record again.
    Genesis,
    /// Broken for every version.
    Unreadable,
    /// A newer writer's: what it means is unknown here.
    Newer,
}

impl Input {
    pub(crate) fn read(payload: &[u8]) -> Self {
        match decode_command(payload) {
            Ok(CommandsRecord::Command(command)) => Self::Command(command),
            Ok(CommandsRecord::Genesis(_)) => Self::Genesis,
            Err(DecodeFault::Unreadable(_)) => Self::Unreadable,
            Err(DecodeFault::Newer { .. }) => Self::Newer,
        }
    }
}

/// The events that the command should have at that log time; none if this build cannot tell.
pub(crate) fn judge(world: &World, input: &Input, log_time: Timestamp) -> Option<Vec<Event>> {
    let command = match input {
        Input::Command(command) => command,
        Input::Genesis => return Some(Vec::new()),
        Input::Unreadable => return Some(vec![Event::Unreadable(Unreadable {})]),
        Input::Newer => return None,
    };
    Some(match command {
        Command::AnnounceDeal(command) => deal::announce(world, command, log_time),
        Command::AdjustStock(command) => told(deal::adjust(world, command, log_time)),
        Command::PauseDeal(command) => told(deal::pause(world, command.deal_id, log_time)),
        Command::ResumeDeal(command) => told(deal::resume(world, command.deal_id, log_time)),
        Command::RescheduleDeal(command) => told(deal::reschedule(world, command, log_time)),
        Command::CloseDeal(command) => told(deal::close(world, command.deal_id)),
        Command::RetireDeal(command) => deal::retire(world, command, log_time),
        Command::PlacePurchase(command) => purchase::place(world, command, log_time),
        Command::CancelOrder(command) => cancel(world, command, log_time),
        Command::RecordPayment(command) => payment::record(world, command, log_time),
        Command::ExpireHolds(_) => expire(world, log_time),
    })
}

/// An event, nothing because it is so already, or a refusal.
type Answer = Result<Option<Event>, RefusalCode>;

fn told(answer: Answer) -> Vec<Event> {
    match answer {
        Ok(event) => event.into_iter().collect(),
        Err(code) => vec![refused(code)],
    }
}

fn refused(code: RefusalCode) -> Event {
    Event::CommandRefused(CommandRefused { code })
}

fn repeated(first: schemas::Offset) -> Event {
    Event::CommandRepeated(CommandRepeated { first })
}

/// Another customer's order is unknown to a cancellation, and its hold is left alone.
fn cancel(world: &World, command: &CancelOrder, log_time: Timestamp) -> Vec<Event> {
    let order = world.order(command.order).filter(|order| order.customer == command.customer);
    let Some(mut order) = order.and_then(|order| InHand::new(world, order)) else {
        return vec![refused(RefusalCode::OrderNotFound)];
    };
    let mut events: Vec<Event> = order.expire(log_time).into_iter().collect();
    if !order.has_units() {
        events.push(refused(RefusalCode::OrderNotCancellable));
        return events;
    }
    events.push(order.cancelled());
    let paid = order.row.payment.and_then(|paid| world.payments.get_key_value(&paid.payment));
    if let Some((payment, known)) = paid
        && known.state == PaymentState::Paid
    {
        let (order, payment, money) = (known.order, *payment, known.money);
        events.push(Event::RefundDue(RefundDue { order, payment, money }));
    }
    events
}

/// The oldest holds that are due, by when they run out and by age.
fn expire(world: &World, log_time: Timestamp) -> Vec<Event> {
    let mut counters = std::collections::BTreeMap::new();
    let due = world.holds.iter().take_while(|(expires_at, _)| *expires_at <= log_time);
    let mut events = Vec::new();
    for (_, order) in due.take(EVENTS_MAX) {
        let Some(row) = world.orders.get(order) else { continue };
        let Some(deal) = world.deals.get(&row.deal_id) else { continue };
        let (left, held) = counters.entry(row.deal_id).or_insert_with(|| (deal.left(), deal.held));
        *left += i128::from(row.quantity);
        *held -= i128::from(row.quantity);
        events.push(Event::OrderExpired(OrderExpired {
            deal_id: row.deal_id,
            order: *order,
            stock_left: units(*left),
            held: units(*held),
        }));
    }
    events
}

/// A counter as an event tells it. One that is negative (a breach that was reported) is told as 0.
fn units(count: i128) -> u64 {
    u64::try_from(count.max(0)).unwrap_or(u64::MAX)
}
