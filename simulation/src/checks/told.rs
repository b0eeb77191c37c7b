//! What clients were told, against what stands in the logs and against what they were told before:
//! I2, I5, I7 and I9 as a client sees them.

use std::collections::{BTreeMap, BTreeSet};

use schemas::http::{Order, OrderStatus, ProblemCode};
use schemas::log::{Command, PlacePurchase};
use schemas::{DealId, Digest, Offset, Partition, Position};
use uuid::Uuid;

use super::ledger::is_step;
use super::{Check, Checked, expect, ledger, read_command};
use crate::faults::Site;
use crate::history::{Asked, Said, Told, position_of};
use crate::plan::OPERATORS;
use crate::universe::Universe;

/// How old what a refusal rests on may be: one second by a clock that may run slow.
const FRESH_MS: u64 = 1_100;

/// What clients were told so far.
#[derive(Default)]
pub(crate) struct Memory {
    /// Ids that were given out, and to whom.
    issued: BTreeMap<Uuid, Uuid>,
    /// What a client last saw of an id, and the `decided_next` of which partition that was.
    last: BTreeMap<(Site, Uuid), (OrderStatus, Partition, Offset)>,
    /// The order that took units under a key.
    keys: BTreeMap<(Uuid, DealId, String), Uuid>,
}

impl Memory {
    pub(crate) fn order_ids(&self) -> Vec<Uuid> {
        self.issued.keys().copied().collect::<BTreeSet<_>>().into_iter().collect()
    }

    pub(crate) fn check(
        &mut self,
        told: &Told,
        partitions: &[Checked],
        universe: &Universe,
    ) -> Check {
        for (partition, decided_next) in &told.had_seen {
            let shown = told.shows.get(partition);
            let is_order = matches!(told.asked, Asked::Order(_)) && told.status == 200;
            expect("I9", !is_order || shown.is_none_or(|shown| shown >= decided_next), || {
                format!("a client that has seen {decided_next} is shown {shown:?}: {told:?}")
            })?;
        }
        match (&told.asked, &told.said) {
            (Asked::Purchase { deal, key, .. }, Said::Order(order)) => {
                universe.count(if told.status == 202 { "purchases taken" } else { "answered 200" });
                self.issued.insert(order.order_id, told.subject);
                check_command(told, order, partitions)?;
                if order.status != OrderStatus::Queued {
                    self.check_key((told.subject, *deal, key.clone()), order)?;
                }
                self.check_order(told, order.order_id, order, partitions)
            }
            (Asked::Order(id), Said::Order(order)) => {
                universe.count("orders shown");
                check_asked(told, *id, order, partitions)?;
                self.check_order(told, *id, order, partitions)
            }
            (Asked::Order(id), Said::Problem(problem)) => {
                let is_unknown = problem.code == ProblemCode::OrderNotFound;
                let is_issued = self.issued.contains_key(id);
                expect("I2", !(is_unknown && is_issued), || {
                    format!("an order that was given out is not found: {told:?}")
                })
            }
            (Asked::Orders, Said::Orders(orders)) => {
                universe.count("pages of orders shown");
                orders
                    .iter()
                    .try_for_each(|order| self.check_order(told, order.order_id, order, &[]))
            }
            (Asked::Purchase { deal, key, .. }, Said::Problem(problem)) => {
                check_known_key(told, (*deal, key), problem.code, partitions)?;
                check_refusal(told, *deal, problem.code, partitions, universe)
            }
            (_, _) => Ok(()),
        }
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
    fn check_order(
        &mut self,
        told: &Told,
        id: Uuid,
        order: &Order,
        partitions: &[Checked],
    ) -> Check {
        let Some(position) = position_of(order.order_id) else {
            return expect("I2", false, || format!("{id} is no place of this log"));
        };
        let Some(&decided_next) = told.shows.get(&position.partition) else { return Ok(()) };
        if told.arrived {
            self.check_forward(told, (id, order.status), (position.partition, decided_next))?;
        }
        let Some(ledger) = ledger(partitions, position) else { return Ok(()) };
        let queued = order.status == OrderStatus::Queued;
        if queued {
            let is_taken = told.status == 202;
            return expect("I9", is_taken || decided_next <= position.offset, || {
                format!("{id} is shown as queued at {decided_next}")
            });
        }
        let truth = ledger.orders.get(&position.offset).and_then(|it| at(&it.past, decided_next));
        expect("I6", truth == Some(order.status), || {
            format!("{id} is {:?} at {decided_next}, the log says {truth:?}", order.status)
        })
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
        let is_look = matches!(told.asked, Asked::Order(_) | Asked::Orders);
        let has_said = told.had_seen.get(&of).is_some_and(|seen| *seen >= shown);
        expect("I9", !(is_look && has_said) || leads(before, status), || {
            format!("{id} was {before:?} and is {status:?} now: {told:?}")
        })
    }
}

/// The newest entry that was so at `decided_next`.
fn at<T: Copy>(past: &[(Offset, T)], decided_next: Offset) -> Option<T> {
    past.iter().rev().find(|(from, _)| *from <= decided_next).map(|(_, it)| *it)
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

/// I2: who is told that a purchase was taken finds it in the log.
fn check_command(told: &Told, order: &Order, partitions: &[Checked]) -> Check {
    let found = position_of(order.order_id).and_then(|position| purchase(partitions, position));
    let is_theirs = found.is_some_and(|purchase| purchase.customer.0 == told.subject);
    expect("I2", is_theirs, || format!("no purchase of theirs stands there: {told:?}"))
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

/// I5 at the door: whose first order has taken units by the `decided_next` that the answer states
/// is told of it, whatever has become of the deal since, until that is retired.
fn check_known_key(
    told: &Told,
    (deal_id, key): (DealId, &str),
    code: ProblemCode,
    partitions: &[Checked],
) -> Check {
    let Some((&partition, &decided_next)) = told.shows.iter().next() else { return Ok(()) };
    let Some(checked) = partitions.get(usize::from(partition)) else { return Ok(()) };
    let ledger = &checked.ledger;
    let first = ledger.first_under(deal_id, Digest::of_key(told.subject, key));
    let first = first.filter(|first| *first < decided_next);
    let took = first.and_then(|first| ledger.orders.get(&first)).is_some_and(|order| {
        order.past.first().is_some_and(|(_, status)| *status != OrderStatus::Rejected)
    });
    expect("I5", !took || code == ProblemCode::DealRetired, || {
        format!("refused at {decided_next}, although {first:?} took units: {told:?}")
    })
}

/// I7 at the door: refused for what was so at the `decided_next` that the answer states, and that
/// was reached a second ago at the earliest.
fn check_refusal(
    told: &Told,
    deal_id: DealId,
    code: ProblemCode,
    partitions: &[Checked],
    universe: &Universe,
) -> Check {
    let is_state = matches!(code, ProblemCode::SoldOut | ProblemCode::DealPaused);
    let Some((&partition, &decided_next)) = told.shows.iter().next().filter(|_| is_state) else {
        return Ok(());
    };
    universe.count("refusals at the door");
    let Some(checked) = partitions.get(usize::from(partition)) else { return Ok(()) };
    let past = checked.ledger.deals.get(&deal_id).map(|deal| {
        let past = deal.past.iter().map(|&(from, left, paused)| (from, (left, paused)));
        at(&past.collect::<Vec<_>>(), decided_next)
    });
    let state = past.flatten();
    let is_sold_out = code == ProblemCode::SoldOut;
    let is_so = state.is_some_and(|(left, paused)| if is_sold_out { left == 0 } else { paused });
    expect("I7", is_so, || format!("{deal_id} was {state:?} at {decided_next}: {told:?}"))?;
    let reached = checked.ledger.decided_next_at(told.at_ms.saturating_sub(FRESH_MS));
    expect("I7", decided_next >= reached, || {
        format!("refused by a view at {decided_next}, and the log was at {reached}: {told:?}")
    })
}
