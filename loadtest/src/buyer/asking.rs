//! How a buyer asks what became of an order, until it is decided and once more at the very end.
//! Must not know how the order was bought.

use std::time::Duration;

use bytes::Bytes;
use http::Method;
use schemas::http::OrderStatus;
use uuid::Uuid;

use super::{ANSWER_WITHIN, Buyer, Errand, WAIT, decided, poll_after};
use crate::client::{Answer, Draft, OrderReading, read_order};
use crate::crowd::Waiting;
use crate::history::{Decided, Ending, FaultKind, Purchase, Reread};

/// What became of the question for an order.
enum Asked {
    /// As it stands, and when to ask again.
    Order(Decided, Duration),
    /// Patience was over first.
    Unanswered,
    /// An answer that makes no sense; it is among the faults.
    Broken,
}

impl Buyer {
    pub(super) async fn ask_until_decided(
        &self,
        errand: &mut Errand,
        ticket: Uuid,
        mut pause: Duration,
    ) -> Ending {
        loop {
            if !self.pause(pause, errand.deadline).await {
                return Ending::Unknown;
            }
            match self.ask(ticket, errand).await {
                Asked::Order(order, poll_after) if order.status == OrderStatus::Queued => {
                    pause = poll_after;
                }
                Asked::Order(order, _) => return Ending::Decided(order),
                Asked::Unanswered => return Ending::Unknown,
                Asked::Broken => return Ending::Broken,
            }
        }
    }

    pub(super) async fn reread(&self, ticket: Uuid, errand: &mut Errand) -> Reread {
        match self.ask(ticket, errand).await {
            Asked::Order(order, _) => Reread::Order(order),
            Asked::Unanswered | Asked::Broken => Reread::Unanswered,
        }
    }

    /// Some look at a decision once more, at a gateway that may not have seen it. What it says
    /// stands among the sightings.
    pub(super) async fn look_twice(&self, ticket: Uuid, errand: &mut Errand) {
        if errand.route.looks_twice() {
            self.ask(ticket, errand).await;
        }
    }

    /// Asks for an order until there is an answer about it.
    async fn ask(&self, ticket: Uuid, errand: &mut Errand) -> Asked {
        let mut tries = 0;
        loop {
            let permit = self.wait_permit(Waiting::Order);
            let (query, within) = match permit {
                Some(_) => ("?wait=5", ANSWER_WITHIN + WAIT),
                None => ("", ANSWER_WITHIN),
            };
            let draft = Draft {
                method: Method::GET,
                path: &format!("/v1/orders/{ticket}{query}"),
                authorization: Some(&self.authorization),
                idempotency_key: None,
                body: Bytes::new(),
            };
            let answer = self.exchange(&draft, within, &mut errand.route).await;
            drop(permit);
            if let Some(answer) = &answer
                && let Some(asked) = self.read_asked(ticket, &errand.purchase, answer)
            {
                return asked;
            }
            tries += 1;
            let retry_after = answer.as_ref().and_then(Answer::retry_after);
            if !self.pause(self.world.pause(tries, retry_after), errand.deadline).await {
                return Asked::Unanswered;
            }
            self.world.note_retry();
        }
    }

    fn read_asked(&self, ticket: Uuid, purchase: &Purchase, answer: &Answer) -> Option<Asked> {
        let (fault, kind) = match read_order(answer) {
            OrderReading::Order(order) => {
                self.memory.note_order(ticket, &order, answer);
                self.check_order(purchase, &order);
                let poll_after = poll_after(&order, answer);
                return Some(Asked::Order(decided(&order, answer.received), poll_after));
            }
            OrderReading::ComeBack => return None,
            OrderReading::Denied(fault) => (fault, FaultKind::LosesOrder),
            OrderReading::Unexpected(fault) => (fault, FaultKind::Form),
        };
        self.memory.note_fault(format!("GET /v1/orders/{ticket}: {fault}"), kind);
        Some(Asked::Broken)
    }
}
