//! One buyer: sends a purchase until it is answered, then asks until it is decided, and writes
//! down what was told when. Judges nothing but the form of answers.

mod asking;
mod memory;
mod verdict;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Method};
use schemas::http::{Order, OrderStatus, Problem, ProblemCode, PurchaseRequest};
use tokio::sync::SemaphorePermit;

use self::memory::Memory;
use crate::client::{Answer, Draft, Loss, PurchaseReading, read_purchase};
use crate::crowd::{ExtraKind, Role, Waiting, When};
use crate::history::{
    Attempt, BuyerHistory, Decided, Ending, FaultKind, Key, Moment, Purchase, Refused, Reread,
    Ticket, TurnedAway, place_of,
};
use crate::route::{Leg, Route};
use crate::world::World;

/// An answer that takes longer is given up, and the connection with it.
const ANSWER_WITHIN: Duration = Duration::from_secs(15);
/// How long those who wait let the service wait.
const WAIT: Duration = Duration::from_secs(5);
/// When to ask again, if an answer does not say.
const ASK_AGAIN_AFTER: Duration = Duration::from_secs(1);

/// A buyer with everything that is needed to buy.
pub(crate) struct Buyer {
    number: u32,
    role: Role,
    authorization: HeaderValue,
    world: Arc<World>,
    memory: Memory,
}

/// A purchase on its way through the gateways.
struct Errand {
    purchase: Purchase,
    /// When patience is over.
    deadline: Moment,
    route: Route,
}

/// How the sending of a purchase ended.
enum Sent {
    Ticket(Ticket, Duration),
    Ended(Ending),
}

impl Buyer {
    pub(crate) fn new(
        number: u32,
        role: Role,
        authorization: HeaderValue,
        world: Arc<World>,
    ) -> Self {
        Self { number, role, authorization, world, memory: Memory::default() }
    }

    /// The first purchase, and the second if it comes soon after.
    pub(crate) async fn buy(&self, opened: Moment) -> Vec<Attempt> {
        let due = opened.plus(self.role.due);
        let first = async {
            let attempt = self.attempt(Leg::First, self.first_purchase(), due).await;
            self.world.observer.stepped();
            attempt
        };
        match self.role.extra.map(|extra| extra.when) {
            Some(When::After(wait)) => {
                let second = self.attempt(Leg::Second, self.second_purchase(), due.plus(wait));
                let (first, second) = tokio::join!(first, second);
                vec![first, second]
            }
            Some(When::AtTheEnd) | None => vec![first.await],
        }
    }

    /// Whether a purchase is to come when all is settled.
    pub(crate) fn comes_late(&self) -> bool {
        self.role.extra.is_some_and(|extra| extra.when == When::AtTheEnd)
    }

    /// The second purchase of a buyer who comes late.
    pub(crate) async fn buy_late(&self, due: Moment) -> Attempt {
        let attempt = self.attempt(Leg::Second, self.second_purchase(), due).await;
        self.world.observer.stepped();
        attempt
    }

    /// Asks for every order once more. What was unknown may be known now.
    pub(crate) async fn ask_again(&self, attempts: &mut [Attempt]) {
        for attempt in attempts {
            let Some(ticket) = attempt.ticket else { continue };
            let mut errand = self.errand(Leg::Last, attempt.purchase, self.world.clock.now());
            attempt.reread = self.reread(ticket.id, &mut errand).await;
            if let (Ending::Unknown, Reread::Order(order)) = (&attempt.ending, &attempt.reread)
                && order.status != OrderStatus::Queued
            {
                attempt.ending = Ending::Decided(*order);
            }
            self.world.observer.stepped();
        }
    }

    /// What this buyer did and saw.
    pub(crate) fn into_history(self, attempts: Vec<Attempt>) -> BuyerHistory {
        let (sightings, faults) = self.memory.into_parts();
        BuyerHistory { number: self.number, attempts, sightings, faults }
    }

    fn first_purchase(&self) -> Purchase {
        let quantity = self.role.quantity;
        Purchase { key: Key::First, quantity, is_other_payload: false }
    }

    fn second_purchase(&self) -> Purchase {
        let Some(extra) = self.role.extra else { return self.first_purchase() };
        let (key, is_other_payload) = match extra.kind {
            ExtraKind::Repeat => (Key::First, false),
            ExtraKind::OtherPayload => (Key::First, true),
            ExtraKind::SecondKey => (Key::Second, false),
        };
        Purchase { key, quantity: extra.quantity, is_other_payload }
    }

    fn errand(&self, leg: Leg, purchase: Purchase, due: Moment) -> Errand {
        let World { seed, gateways, patience, .. } = &*self.world;
        let route = Route::new(*seed, self.number, leg, gateways.count());
        Errand { purchase, deadline: due.plus(*patience), route }
    }

    async fn attempt(&self, leg: Leg, purchase: Purchase, due: Moment) -> Attempt {
        self.world.clock.sleep_until(due).await;
        let mut errand = self.errand(leg, purchase, due);
        let (asked, sent_at, sent) = self.send(&mut errand).await;
        let (ticket, ending) = match sent {
            // Asked for when all have come: a crowd that is too large has to be one of purchases.
            Sent::Ticket(ticket, _) if self.world.once => (Some(ticket), Ending::Unknown),
            Sent::Ticket(ticket, pause) => {
                let ending = self.ask_until_decided(&mut errand, ticket.id, pause).await;
                (Some(ticket), ending)
            }
            Sent::Ended(ending) => {
                let ticket = match &ending {
                    Ending::Decided(order) => {
                        let (id, at) = (order.order_id, order.at);
                        Some(Ticket { id, at, is_admission: false })
                    }
                    Ending::Refused(_)
                    | Ending::TurnedAway(_)
                    | Ending::Unknown
                    | Ending::Broken => None,
                };
                (ticket, ending)
            }
        };
        if let (Some(ticket), Ending::Decided(_)) = (ticket, &ending) {
            self.look_twice(ticket.id, &mut errand).await;
        }
        let reread = Reread::NotAsked;
        Attempt { purchase, due, asked, sent: sent_at, ticket, ending, reread }
    }

    /// Sends the same until it is answered for good, or patience is over. When the request was
    /// made and sent whose answer counts.
    async fn send(&self, errand: &mut Errand) -> (Moment, Moment, Sent) {
        let body = self.body(&errand.purchase);
        let key = match errand.purchase.key {
            Key::First => format!("rush-{}-first", self.number),
            Key::Second => format!("rush-{}-second", self.number),
        };
        let key = HeaderValue::try_from(key).expect("ASCII");
        let (mut tries, mut is_lost) = (0, false);
        loop {
            let permit = self.wait_permit(Waiting::Purchase);
            let (path, within) = match permit {
                Some(_) => ("/v1/purchases?wait=5", ANSWER_WITHIN + WAIT),
                None => ("/v1/purchases", ANSWER_WITHIN),
            };
            let draft = Draft {
                method: Method::POST,
                path,
                authorization: Some(&self.authorization),
                idempotency_key: Some(&key),
                body: body.clone(),
            };
            let answer = self.exchange(&draft, within, &mut errand.route).await;
            drop(permit);
            if let Some(answer) = &answer
                && let Some(sent) = self.read_sent(&errand.purchase, answer)
            {
                // Where an answer was lost, the purchase may have been taken all the same.
                let is_unsure = is_lost && matches!(sent, Sent::Ended(Ending::TurnedAway(_)));
                let sent = if is_unsure { Sent::Ended(Ending::Unknown) } else { sent };
                return (answer.asked, answer.sent, sent);
            }
            is_lost |= answer.is_none();
            tries += 1;
            let retry_after = answer.as_ref().and_then(Answer::retry_after);
            if !self.pause(self.world.pause(tries, retry_after), errand.deadline).await {
                let now = self.world.clock.now();
                return (now, now, Sent::Ended(Ending::Unknown));
            }
            self.world.note_retry();
        }
    }

    fn body(&self, purchase: &Purchase) -> Bytes {
        let other = || "other".parse().expect("a client reference of five letters");
        let request = PurchaseRequest {
            deal_id: self.world.deal_id,
            quantity: i64::from(purchase.quantity),
            client_reference: purchase.is_other_payload.then(other),
        };
        serde_json::to_vec(&request).expect("a purchase is plain data").into()
    }

    /// A permit to ask with `?wait`, if that is this buyer's way and there is room.
    fn wait_permit(&self, waiting: Waiting) -> Option<SemaphorePermit<'_>> {
        let waits = self.role.waiting == waiting;
        waits.then(|| self.world.waits.try_acquire().ok()).flatten()
    }

    /// Asks the gateway on the way. Where nobody listens nothing was sent, so another one is asked
    /// at once; where the answer was lost, another one is asked next.
    async fn exchange(
        &self,
        draft: &Draft<'_>,
        within: Duration,
        route: &mut Route,
    ) -> Option<Answer> {
        let gateways = &self.world.gateways;
        for tries_left in (0..gateways.count()).rev() {
            // All that was seen by the moment that the answer calls `asked` is sent with it:
            // nothing may be awaited between here and there.
            let gateway = route.next();
            let (seen, carried) = (self.memory.seen(), self.memory.carried(gateway));
            match gateways.exchange(gateway, draft, carried, within).await {
                Ok(answer) => {
                    self.memory.note_answer(&answer, &seen);
                    self.world.note_shown(&answer);
                    route.note_answer();
                    return Some(answer);
                }
                Err(Loss::NoConnection) if tries_left > 0 => {
                    route.leave();
                    self.world.note_retry();
                }
                Err(Loss::NoConnection | Loss::Broken | Loss::TimedOut) => {
                    route.leave();
                    return None;
                }
            }
        }
        None
    }

    /// What a purchase's answer ends or begins; none: the same has to be sent again.
    fn read_sent(&self, purchase: &Purchase, answer: &Answer) -> Option<Sent> {
        match read_purchase(answer) {
            PurchaseReading::Queued(order) => {
                self.memory.note_order(order.order_id, &order, answer);
                self.check_order(purchase, &order);
                let is_admission = answer.head.status.as_u16() == 202;
                let ticket = Ticket { id: order.order_id, at: answer.received, is_admission };
                Some(Sent::Ticket(ticket, poll_after(&order, answer)))
            }
            PurchaseReading::Decided(order) => {
                self.memory.note_order(order.order_id, &order, answer);
                self.check_order(purchase, &order);
                Some(Sent::Ended(Ending::Decided(decided(&order, answer.received))))
            }
            PurchaseReading::Refused(problem) => {
                Some(Sent::Ended(Ending::Refused(refused(&problem, answer))))
            }
            PurchaseReading::ComeBack(code) if self.world.once => {
                // Where nobody knows whether it was taken, it was not turned away.
                let is_unknown = code == ProblemCode::OutcomeUnknown;
                let turned = TurnedAway { code, at: answer.received };
                let turned = Ending::TurnedAway(turned);
                Some(Sent::Ended(if is_unknown { Ending::Unknown } else { turned }))
            }
            PurchaseReading::ComeBack(_) => None,
            PurchaseReading::Unexpected(fault) => {
                self.memory.note_fault(format!("POST /v1/purchases: {fault}"), FaultKind::Form);
                Some(Sent::Ended(Ending::Broken))
            }
        }
    }

    /// An order has a place in the log, and is for this deal and for what was asked.
    fn check_order(&self, purchase: &Purchase, order: &Order) {
        let id = order.order_id;
        if place_of(id).is_none() {
            self.memory.note_fault(format!("order {id} has no place in a log"), FaultKind::Form);
        }
        if order.deal_id.is_some_and(|deal_id| deal_id != self.world.deal_id) {
            self.memory.note_fault(format!("order {id} is of another deal"), FaultKind::Form);
        }
        let asked = purchase.quantity;
        if let Some(found) = order.quantity.filter(|found| *found != asked) {
            let what = format!("order {id} is of {found} units, asked for {asked}");
            self.memory.note_fault(what, FaultKind::Form);
        }
        let is_explained = order.rejection.is_some() == (order.status == OrderStatus::Rejected);
        if !is_explained {
            let what = format!("order {id} is {} without reason", order.status.as_str());
            self.memory.note_fault(what, FaultKind::Form);
        }
    }

    /// Waits, but not beyond the deadline; false if there is no time left to go on.
    async fn pause(&self, wait: Duration, deadline: Moment) -> bool {
        let until = self.world.clock.now().plus(wait);
        if until > deadline {
            return false;
        }
        self.world.clock.sleep_until(until).await;
        true
    }
}

fn decided(order: &Order, at: Moment) -> Decided {
    let rejection = order.rejection.as_ref().map(|rejection| rejection.code);
    Decided { order_id: order.order_id, status: order.status, rejection, at }
}

fn refused(problem: &Problem, answer: &Answer) -> Refused {
    Refused {
        code: problem.code,
        gateway: answer.gateway,
        as_of: problem.as_of,
        seen: answer.seen(),
        at: answer.received,
    }
}

/// When to ask for a queued order: the order's own word, or the header's.
fn poll_after(order: &Order, answer: &Answer) -> Duration {
    let queue = order.queue.as_ref().map(|queue| Duration::from_millis(queue.poll_after_ms));
    queue.or_else(|| answer.retry_after()).unwrap_or(ASK_AGAIN_AFTER)
}
