//! What clients were told, against what stands in the logs and against what they were told before:
//! I2, I5, I7 and I9 as a client sees them.

mod deals;
mod door;
mod pages;
mod streams;
mod tickets;

use std::collections::{BTreeMap, BTreeSet};

use schemas::http::{Order, OrderStatus, ProblemCode};
use schemas::log::{Command, PlacePurchase};
use schemas::{DealId, Offset, Partition, Position};
use uuid::Uuid;

pub(super) use deals::Listeners;

use super::ledger::is_step;
use super::requests::Requests;
use super::{Breach, Check, Checked, expect, ledger, read_command};
use crate::faults::Site;
use crate::history::{Asked, Said, Told, position_of};
use crate::plan::OPERATORS;
use crate::universe::Universe;

/// A purchase for which an id was given out.
#[derive(Clone, Debug)]
struct Issued {
    subject: Uuid,
    deal: DealId,
    quantity: i64,
}

/// What is known beside what clients were told.
pub(super) struct Known<'a> {
    pub(super) partitions: &'a [Checked],
    pub(super) requests: &'a Requests,
    pub(super) universe: &'a Universe,
}

/// What clients were told so far.
#[derive(Default)]
pub(crate) struct Memory {
    /// Ids that were given out, and for what.
    issued: BTreeMap<Uuid, Issued>,
    /// The same by where their purchases stand: an order has one id for ever.
    ids: BTreeMap<Position, Uuid>,
    /// Ids of commands that were given out.
    tickets: BTreeSet<Uuid>,
    /// What a client last saw of an id, and the `decided_next` of which partition that was.
    last: BTreeMap<(Site, Uuid), (OrderStatus, Partition, Offset)>,
    /// The order that took units under a key.
    keys: BTreeMap<(Uuid, DealId, String), Uuid>,
}

impl Memory {
    pub(crate) fn order_ids(&self) -> Vec<Uuid> {
        self.issued.keys().copied().collect()
    }

    pub(crate) fn check(&mut self, told: &Told, known: &Known<'_>) -> Check {
        for (partition, decided_next) in &told.had_seen {
            let shown = told.shows.get(partition);
            let is_order = matches!(told.asked, Asked::Order(_)) && told.status == 200;
            expect("I9", !is_order || shown.is_none_or(|shown| shown >= decided_next), || {
                format!("a client that has seen {decided_next} is shown {shown:?}: {told:?}")
            })?;
        }
        match &told.asked {
            Asked::Purchase { deal, key, quantity } => {
                let issued = Issued { subject: told.subject, deal: *deal, quantity: *quantity };
                self.check_purchase(told, issued, key, known)
            }
            Asked::Order(id) => self.check_shown(told, *id, known),
            Asked::Stream(id) => streams::check(told, *id, known),
            Asked::Orders(status) => {
                let Said::Orders(page) = &told.said else { return Ok(()) };
                known.universe.count("pages of orders shown");
                pages::check(told, page, *status, known)?;
                page.items.iter().try_for_each(|order| self.remember(told, order, known).map(drop))
            }
            Asked::Deal(deal_id) => deals::check(told, *deal_id, known),
            Asked::Command => {
                if let Said::Command(queued) = &told.said {
                    self.tickets.insert(queued.command_id);
                }
                tickets::check_command(told, known)
            }
            Asked::Ticket(id) => {
                let is_issued = self.tickets.contains(id);
                tickets::check(told, (*id, is_issued), known)
            }
        }
    }

    fn check_purchase(
        &mut self,
        told: &Told,
        issued: Issued,
        key: &str,
        known: &Known<'_>,
    ) -> Check {
        let deal = issued.deal;
        match &told.said {
            Said::Order(order) => {
                let is_taken = told.status == 202;
                known.universe.count(if is_taken { "purchases taken" } else { "answered 200" });
                check_command(told, order, known)?;
                self.issued.insert(order.order_id, issued);
                if order.status != OrderStatus::Queued {
                    self.check_key((told.subject, deal, key.to_owned()), order)?;
                }
                self.check_order(told, order.order_id, order, known)
            }
            Said::Problem(problem) => {
                door::count(told, known.universe);
                door::check_known_key(told, (deal, key), problem.code, known.partitions)?;
                door::check_refusal(told, deal, problem.code, known)
            }
            Said::Stream(_) | Said::Orders(_) | Said::Deal(_) | Said::Command(_) | Said::Other => {
                Ok(())
            }
        }
    }

    fn check_shown(&mut self, told: &Told, id: Uuid, known: &Known<'_>) -> Check {
        match &told.said {
            Said::Order(order) => {
                known.universe.count("orders shown");
                check_asked(told, id, order, known.partitions)?;
                self.check_order(told, id, order, known)
            }
            Said::Problem(problem) => {
                let is_unknown = problem.code == ProblemCode::OrderNotFound;
                let is_issued = self.issued.contains_key(&id);
                expect("I2", !(is_unknown && is_issued), || {
                    format!("an order that was given out is not found: {told:?}")
                })
            }
            Said::Stream(_) | Said::Orders(_) | Said::Deal(_) | Said::Command(_) | Said::Other => {
                Ok(())
            }
        }
    }

    /// I2 at the end: each id that was given out stands for what was bought, by whom it was bought,
    /// and has become an order or repeats one.
    pub(crate) fn check_at_rest(&self, partitions: &[Checked]) -> Check {
        self.issued.iter().try_for_each(|(id, issued)| {
            let position = position_of(*id);
            let ledger = position.and_then(|position| ledger(partitions, position));
            let order = position.zip(ledger).and_then(|(at, ledger)| ledger.order_of(at.offset));
            let is_it = order.is_some_and(|(_, order)| {
                (order.customer.0, order.deal_id) == (issued.subject, issued.deal)
                    && i64::from(order.quantity) == issued.quantity
            });
            expect("I2", is_it, || format!("{id} was given out for {issued:?}, and is {order:?}"))
        })
    }

    /// I5: whatever took units under a key is one order.
    fn check_key(&mut self, key: (Uuid, DealId, String), order: &Order) -> Check {
        if order.status == OrderStatus::Rejected {
            return Ok(());
        }
        let first = *self.keys.entry(key.clone()).or_insert(order.order_id);
        expect("I5", first == order.order_id, || {
            format!("{key:?} is answered with {first} and with {}", order.order_id)
        })
    }

    /// I9 over what the client has seen, and the state of the answer against the log.
    fn check_order(&mut self, told: &Told, id: Uuid, order: &Order, known: &Known<'_>) -> Check {
        let position = self.remember(told, order, known)?;
        let Some(&decided_next) = told.shows.get(&position.partition) else { return Ok(()) };
        let Some(ledger) = ledger(known.partitions, position) else { return Ok(()) };
        let queued = order.status == OrderStatus::Queued;
        if queued {
            let is_taken = told.status == 202;
            return expect("I9", is_taken || decided_next <= position.offset, || {
                format!("{id} is shown as queued at {decided_next}")
            });
        }
        let found = ledger.orders.get(&position.offset);
        let truth = found.and_then(|it| at(&it.past, decided_next)).copied();
        expect("I6", truth == Some(order.status), || {
            format!("{id} is {:?} at {decided_next}, the log says {truth:?}", order.status)
        })
    }

    /// Takes note of an order that is shown: it has one id, and goes no way back. Where it stands.
    fn remember(
        &mut self,
        told: &Told,
        order: &Order,
        known: &Known<'_>,
    ) -> Result<Position, Breach> {
        let id = order.order_id;
        let words = || format!("{id} is no place of this log");
        let position = position_of(id).ok_or_else(|| Breach { promise: "I2", words: words() })?;
        let first = *self.ids.entry(position).or_insert(id);
        expect("I5", first == id, || format!("{position} has two ids, {first} and {id}"))?;
        let partition = position.partition;
        if let Some(&decided_next) = told.shows.get(&partition) {
            known.universe.count("orders compared with what their client saw before");
            if told.arrived {
                self.check_forward(told, (id, order.status), (partition, decided_next))?;
            }
        }
        Ok(position)
    }
}

impl Memory {
    /// I9 for a client that sends back what it has seen.
    fn check_forward(
        &mut self,
        told: &Told,
        (id, status): (Uuid, OrderStatus),
        (partition, decided_next): (Partition, Offset),
    ) -> Check {
        let seen = (status, partition, decided_next);
        let last = self.last.insert((told.client, id), seen);
        let Some((before, of, shown)) = last else { return Ok(()) };
        // A purchase in the log is told to be queued, even if it has been decided since.
        let is_look = matches!(told.asked, Asked::Order(_) | Asked::Orders(_));
        let has_said = told.had_seen.get(&of).is_some_and(|seen| *seen >= shown);
        expect("I9", !(is_look && has_said) || leads(before, status), || {
            format!("{id} was {before:?} and is {status:?} now: {told:?}")
        })
    }
}

/// The newest entry that was so at `decided_next`.
fn at<T>(past: &[(Offset, T)], decided_next: Offset) -> Option<&T> {
    past.iter().rev().find(|(from, _)| *from <= decided_next).map(|(_, it)| it)
}

/// Whether steps lead from one status to the other.
fn leads(from: OrderStatus, to: OrderStatus) -> bool {
    from == to
        || OrderStatus::ALL
            .into_iter()
            .any(|next| is_step(from, next) && next != from && leads_on(next, to, 4))
}

fn leads_on(from: OrderStatus, to: OrderStatus, steps: u32) -> bool {
    from == to
        || steps > 0
            && OrderStatus::ALL
                .into_iter()
                .any(|next| is_step(from, next) && leads_on(next, to, steps - 1))
}

/// I5: who asks for an order is shown the one that its purchase became, with what was bought, and
/// it is theirs. Support sees everybody's.
fn check_asked(told: &Told, id: Uuid, order: &Order, partitions: &[Checked]) -> Check {
    let (Some(asked), Some(shown)) = (position_of(id), position_of(order.order_id)) else {
        return expect("I5", false, || format!("no places of this log: {told:?}"));
    };
    expect("I9", told.shows.contains_key(&asked.partition), || {
        format!("an order is shown without saying of when: {told:?}")
    })?;
    let Some(ledger) = ledger(partitions, asked) else { return Ok(()) };
    let Some((first, known)) = ledger.order_of(asked.offset) else { return Ok(()) };
    // Before a repeat is decided, nobody can say that it is one.
    let is_it = [asked.offset, first].contains(&shown.offset);
    let is_theirs = told.client < OPERATORS || known.customer.0 == told.subject;
    let is_same = order.deal_id.is_none_or(|it| it == known.deal_id)
        && (shown.offset != first || order.quantity.is_none_or(|it| it == known.quantity));
    let is_right = asked.partition == shown.partition && is_it && is_theirs && is_same;
    expect("I5", is_right, || format!("{first} is {known:?}, and shown is {told:?}"))
}

/// I2: who is told that a purchase was taken finds it in the log, as they have sent it.
fn check_command(told: &Told, order: &Order, known: &Known<'_>) -> Check {
    let position = position_of(order.order_id);
    let found = position.and_then(|position| purchase(known.partitions, position));
    let is_theirs = found.is_some_and(|purchase| purchase.customer.0 == told.subject);
    let is_it = told.status != 202 || known.requests.place_of(told.request) == position;
    expect("I2", is_theirs && is_it, || format!("no purchase of theirs stands there: {told:?}"))
}

fn purchase(partitions: &[Checked], position: Position) -> Option<PlacePurchase> {
    let checked = partitions.get(usize::from(position.partition))?;
    match read_command(checked.commands.get(usize::try_from(position.offset).ok()?)?)? {
        Command::PlacePurchase(purchase) => Some(*purchase),
        Command::AnnounceDeal(_)
        | Command::AdjustStock(_)
        | Command::PauseDeal(_)
        | Command::ResumeDeal(_)
        | Command::RescheduleDeal(_)
        | Command::CloseDeal(_)
        | Command::RetireDeal(_)
        | Command::CancelOrder(_)
        | Command::RecordPayment(_)
        | Command::ExpireHolds(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use schemas::DealId;
    use uuid::Uuid;

    use super::{Issued, Memory};

    #[test]
    fn an_id_that_stands_for_nothing_is_found_at_rest() {
        let mut memory = Memory::default();
        assert_eq!(memory.check_at_rest(&[]), Ok(()));
        let issued = Issued { subject: Uuid::nil(), deal: DealId(Uuid::nil()), quantity: 1 };
        memory.issued.insert(Uuid::nil(), issued);
        assert_eq!(memory.check_at_rest(&[]).map_err(|breach| breach.promise), Err("I2"));
    }
}
