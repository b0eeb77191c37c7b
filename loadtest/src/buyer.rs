//! One buyer: sends a purchase until it is answered, then asks until it is decided, and writes
//! down what was told when. Judges nothing but the form of answers.

mod memory;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Method};
use schemas::http::{Order, OrderStatus, Problem, PurchaseRequest};
use tokio::sync::SemaphorePermit;
use uuid::Uuid;

use self::memory::Memory;
use crate::client::{Answer, OrderReading, PurchaseReading, read_order, read_purchase};
use crate::crowd::{ExtraKind, Role, Waiting, When};
use crate::history::{
    Attempt, BuyerHistory, Decided, Ending, Key, Moment, Purchase, Refused, Reread, Ticket,
};
use crate::world::{Draft, World};

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

/// What became of the question for an order.
enum Asked {
    /// As it stands, and when to ask again.
    Order(Decided, Duration),
    /// Patience was over first.
    Unanswered,
    /// An answer that makes no sense; it is among the faults.
    Broken,
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
            let attempt = self.attempt(self.first_purchase(), due).await;
            self.world.observer.stepped();
            attempt
        };
        match self.role.extra.map(|extra| extra.when) {
            Some(When::After(wait)) => {
                let (first, second) =
                    tokio::join!(first, self.attempt(self.second_purchase(), due.plus(wait)));
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
        let attempt = self.attempt(self.second_purchase(), due).await;
        self.world.observer.stepped();
        attempt
    }

    /// Asks for every order once more. What was unknown may be known now.
    pub(crate) async fn ask_again(&self, attempts: &mut [Attempt]) {
        for attempt in attempts {
            let Some(ticket) = attempt.ticket else { continue };
            let deadline = self.world.pool.now().plus(self.world.patience);
            attempt.reread = self.reread(ticket.id, &attempt.purchase, deadline).await;
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

    async fn attempt(&self, purchase: Purchase, due: Moment) -> Attempt {
        self.world.pool.sleep_until(due).await;
        let deadline = due.plus(self.world.patience);
        let (sent_at, sent) = self.send(&purchase, deadline).await;
        let (ticket, ending) = match sent {
            Sent::Ticket(ticket, pause) => {
                let ending = self.ask_until_decided(&purchase, ticket.id, pause, deadline).await;
                (Some(ticket), ending)
            }
            Sent::Ended(ending) => {
                let ticket = match &ending {
                    Ending::Decided(order) => {
                        let (id, at) = (order.order_id, order.at);
                        Some(Ticket { id, at, is_admission: false })
                    }
                    Ending::Refused(_) | Ending::Unknown | Ending::Broken => None,
                };
                (ticket, ending)
            }
        };
        Attempt { purchase, due, sent: sent_at, ticket, ending, reread: Reread::NotAsked }
    }

    /// Sends the same until it is answered for good, or patience is over.
    async fn send(&self, purchase: &Purchase, deadline: Moment) -> (Moment, Sent) {
        let body = self.body(purchase);
        let key = match purchase.key {
            Key::First => format!("rush-{}-first", self.number),
            Key::Second => format!("rush-{}-second", self.number),
        };
        let key = HeaderValue::try_from(key).expect("ASCII");
        let mut tries = 0;
        loop {
            let permit = self.wait_permit(Waiting::Purchase);
            let (path, within) = match permit {
                Some(_) => ("/v1/purchases?wait=5", ANSWER_WITHIN + WAIT),
                None => ("/v1/purchases", ANSWER_WITHIN),
            };
            let mut headers = vec![("idempotency-key", key.clone())];
            headers.extend(self.memory.seen_header().map(|seen| ("timedeal-seen", seen)));
            let draft = Draft {
                method: Method::POST,
                path,
                authorization: Some(&self.authorization),
                headers,
                body: body.clone(),
            };
            let answer = self.exchange(&draft, within).await;
            drop(permit);
            if let Some(answer) = &answer
                && let Some(sent) = self.read_sent(purchase, answer)
            {
                return (answer.sent, sent);
            }
            tries += 1;
            let retry_after = answer.as_ref().and_then(Answer::retry_after);
            if !self.pause(self.world.pause(tries, retry_after), deadline).await {
                return (self.world.pool.now(), Sent::Ended(Ending::Unknown));
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

    async fn exchange(&self, draft: &Draft<'_>, within: Duration) -> Option<Answer> {
        let request = self.world.request(draft);
        let avoid = self.memory.last_connection();
        let answer = self.world.pool.exchange(request, within, avoid).await.ok()?;
        self.memory.note_answer(&answer);
        Some(answer)
    }

    /// What a purchase's answer ends or begins; none: the same has to be sent again.
    fn read_sent(&self, purchase: &Purchase, answer: &Answer) -> Option<Sent> {
        match read_purchase(answer) {
            PurchaseReading::Queued(order) => {
                self.memory.note_status(order.order_id, order.status, answer);
                let is_admission = answer.head.status.as_u16() == 202;
                let ticket = Ticket { id: order.order_id, at: answer.received, is_admission };
                Some(Sent::Ticket(ticket, poll_after(&order, answer)))
            }
            PurchaseReading::Decided(order) => {
                self.memory.note_status(order.order_id, order.status, answer);
                self.check_order(purchase, &order);
                Some(Sent::Ended(Ending::Decided(decided(&order, answer.received))))
            }
            PurchaseReading::Refused(problem) => {
                Some(Sent::Ended(Ending::Refused(refused(&problem, answer))))
            }
            PurchaseReading::ComeBack => None,
            PurchaseReading::Unexpected(fault) => {
                self.memory.note_fault(format!("POST /v1/purchases: {fault}"), false);
                Some(Sent::Ended(Ending::Broken))
            }
        }
    }

    async fn ask_until_decided(
        &self,
        purchase: &Purchase,
        ticket: Uuid,
        mut pause: Duration,
        deadline: Moment,
    ) -> Ending {
        loop {
            if !self.pause(pause, deadline).await {
                return Ending::Unknown;
            }
            match self.ask(ticket, purchase, deadline).await {
                Asked::Order(order, poll_after) if order.status == OrderStatus::Queued => {
                    pause = poll_after;
                }
                Asked::Order(order, _) => return Ending::Decided(order),
                Asked::Unanswered => return Ending::Unknown,
                Asked::Broken => return Ending::Broken,
            }
        }
    }

    async fn reread(&self, ticket: Uuid, purchase: &Purchase, deadline: Moment) -> Reread {
        match self.ask(ticket, purchase, deadline).await {
            Asked::Order(order, _) => Reread::Order(order),
            Asked::Unanswered | Asked::Broken => Reread::Unanswered,
        }
    }

    /// Asks for an order until there is an answer about it.
    async fn ask(&self, ticket: Uuid, purchase: &Purchase, deadline: Moment) -> Asked {
        let mut tries = 0;
        loop {
            let permit = self.wait_permit(Waiting::Order);
            let (query, within) = match permit {
                Some(_) => ("?wait=5", ANSWER_WITHIN + WAIT),
                None => ("", ANSWER_WITHIN),
            };
            let seen = self.memory.seen_header().map(|seen| ("timedeal-seen", seen));
            let draft = Draft {
                method: Method::GET,
                path: &format!("/v1/orders/{ticket}{query}"),
                authorization: Some(&self.authorization),
                headers: seen.into_iter().collect(),
                body: Bytes::new(),
            };
            let answer = self.exchange(&draft, within).await;
            drop(permit);
            if let Some(answer) = &answer
                && let Some(asked) = self.read_asked(ticket, purchase, answer)
            {
                return asked;
            }
            tries += 1;
            let retry_after = answer.as_ref().and_then(Answer::retry_after);
            if !self.pause(self.world.pause(tries, retry_after), deadline).await {
                return Asked::Unanswered;
            }
            self.world.note_retry();
        }
    }

    fn read_asked(&self, ticket: Uuid, purchase: &Purchase, answer: &Answer) -> Option<Asked> {
        let (fault, loses_order) = match read_order(answer) {
            OrderReading::Order(order) => {
                self.memory.note_status(ticket, order.status, answer);
                self.check_order(purchase, &order);
                let poll_after = poll_after(&order, answer);
                return Some(Asked::Order(decided(&order, answer.received), poll_after));
            }
            OrderReading::ComeBack => return None,
            OrderReading::Denied(fault) => (fault, true),
            OrderReading::Unexpected(fault) => (fault, false),
        };
        self.memory.note_fault(format!("GET /v1/orders/{ticket}: {fault}"), loses_order);
        Some(Asked::Broken)
    }

    /// An order is for this deal, and for what was asked.
    fn check_order(&self, purchase: &Purchase, order: &Order) {
        let id = order.order_id;
        if order.deal_id.is_some_and(|deal_id| deal_id != self.world.deal_id) {
            self.memory.note_fault(format!("order {id} is of another deal"), false);
        }
        let asked = purchase.quantity;
        if let Some(found) = order.quantity.filter(|found| *found != asked) {
            let what = format!("order {id} is of {found} units, asked for {asked}");
            self.memory.note_fault(what, false);
        }
        let is_explained = order.rejection.is_some() == (order.status == OrderStatus::Rejected);
        if !is_explained {
            let what = format!("order {id} is {} without reason", order.status.as_str());
            self.memory.note_fault(what, false);
        }
    }

    /// Waits, but not beyond the deadline; false if there is no time left to go on.
    async fn pause(&self, wait: Duration, deadline: Moment) -> bool {
        let until = self.world.pool.now().plus(wait);
        if until > deadline {
            return false;
        }
        self.world.pool.sleep_until(until).await;
        true
    }
}

fn decided(order: &Order, at: Moment) -> Decided {
    let rejection = order.rejection.as_ref().map(|rejection| rejection.code);
    Decided { order_id: order.order_id, status: order.status, rejection, at }
}

fn refused(problem: &Problem, answer: &Answer) -> Refused {
    let (code, as_of) = (problem.code, problem.as_of);
    Refused { code, as_of, seen: answer.seen(), at: answer.received }
}

/// When to ask for a queued order: the order's own word, or the header's.
fn poll_after(order: &Order, answer: &Answer) -> Duration {
    let queue = order.queue.as_ref().map(|queue| Duration::from_millis(queue.poll_after_ms));
    queue.or_else(|| answer.retry_after()).unwrap_or(ASK_AGAIN_AFTER)
}
