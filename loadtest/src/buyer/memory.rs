//! What a buyer remembers: how far the log was seen, what was told of orders and when, and answers
//! that made no sense, or contradict what is remembered. One buyer's requests may run side by side.

use std::sync::{Mutex, MutexGuard, PoisonError};

use http::HeaderValue;
use schemas::http::{Order, OrderStatus};
use uuid::Uuid;

use super::verdict::Verdict;
use crate::client::Answer;
use crate::gateways::Carried;
use crate::history::{Fault, FaultKind, Seen, Sighting, place_of};

/// Most faults that are kept of one buyer; one is enough to know.
const FAULTS_MAX: usize = 8;

#[derive(Default)]
pub(super) struct Memory(Mutex<Inner>);

#[derive(Default)]
struct Inner {
    seen: Vec<Seen>,
    sightings: Vec<Sighting>,
    /// The first that was told of each ticket.
    verdicts: Vec<(Uuid, Verdict)>,
    faults: Vec<Fault>,
    /// Gateway and number of the connection of the last answer.
    connection: Option<(usize, u64)>,
}

impl Memory {
    /// What was seen so far: the highest `decided_next` of each partition.
    pub(super) fn seen(&self) -> Vec<Seen> {
        self.lock().seen.clone()
    }

    /// What the next request to a gateway carries. A repeat is sent by another connection.
    pub(super) fn carried(&self, gateway: usize) -> Carried {
        let inner = self.lock();
        let avoid = inner.connection.filter(|(of, _)| *of == gateway).map(|(_, number)| number);
        Carried { seen: seen_header(&inner.seen), avoid }
    }

    /// Keeps the highest of what was seen, whichever gateway showed it, and by which connection
    /// it came. An answer that shows less than its request had `sent` is a fault.
    pub(super) fn note_answer(&self, answer: &Answer, sent: &[Seen]) {
        for entry in answer.seen() {
            if let Some(what) = sent.iter().find_map(|sent| what_is_less(entry, *sent)) {
                let what = format!("gateway {} showed {what}", answer.gateway + 1);
                self.note_fault(what, FaultKind::ShowsLess);
            }
            self.note_seen(entry);
        }
        self.lock().connection = Some((answer.gateway, answer.connection));
    }

    fn note_seen(&self, entry: Seen) {
        let seen = &mut self.lock().seen;
        // A log that was replaced says nothing any more.
        seen.retain(|known| known.log_id == entry.log_id);
        match seen.iter_mut().find(|known| known.partition == entry.partition) {
            Some(known) => known.decided_next = known.decided_next.max(entry.decided_next),
            None => seen.push(entry),
        }
    }

    /// Notes how an answer shows the order of a ticket.
    pub(super) fn note_order(&self, ticket: Uuid, order: &Order, answer: &Answer) {
        self.note_status(ticket, order.status, answer);
        // A repeat's ticket shows the first order, which may not go back either.
        if order.order_id != ticket {
            self.note_status(order.order_id, order.status, answer);
        }
        if order.status != OrderStatus::Queued {
            self.check_shown(ticket, answer);
            self.check_verdict(ticket, &Verdict::of(order), answer);
        }
    }

    /// Who is shown a decision has to be told that the log is decided so far: otherwise the next
    /// gateway could not know.
    fn check_shown(&self, ticket: Uuid, answer: &Answer) {
        let Some(place) = place_of(ticket) else { return };
        let says_so = |entry: Seen| entry.is_of(&place) && entry.decided_next > place.decided_next;
        if !answer.seen().into_iter().any(says_so) {
            let gateway = answer.gateway + 1;
            let what = format!("gateway {gateway} showed {ticket} decided, but not that it is");
            self.note_fault(what, FaultKind::ShowsLess);
        }
    }

    /// A decision is told in the same way for ever.
    fn check_verdict(&self, ticket: Uuid, now: &Verdict, answer: &Answer) {
        let first = self.lock().first_verdict(ticket, now);
        if let Some(first) = first.filter(|first| first != now)
            && let Some(difference) = first.difference(now)
        {
            let gateway = answer.gateway + 1;
            let what = format!("order {ticket}: at gateway {gateway} its {difference}");
            self.note_fault(what, FaultKind::Changes);
        }
    }

    /// Notes with which status an answer showed an order.
    fn note_status(&self, id: Uuid, status: OrderStatus, answer: &Answer) {
        let mut inner = self.lock();
        let is_same = |known: &&mut Sighting| known.id == id && known.status == status;
        match inner.sightings.iter_mut().find(is_same) {
            Some(known) => {
                known.first_known = known.first_known.min(answer.received);
                known.last_asked = known.last_asked.max(answer.asked);
            }
            None => inner.sightings.push(Sighting {
                id,
                status,
                first_known: answer.received,
                last_asked: answer.asked,
            }),
        }
    }

    pub(super) fn note_fault(&self, what: String, kind: FaultKind) {
        let mut inner = self.lock();
        if inner.faults.len() < FAULTS_MAX {
            inner.faults.push(Fault { kind, what });
        }
    }

    pub(super) fn into_parts(self) -> (Vec<Sighting>, Vec<Fault>) {
        let inner = self.0.into_inner().unwrap_or_else(PoisonError::into_inner);
        (inner.sightings, inner.faults)
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    /// What was told of a ticket before; from now on this, if nothing was.
    fn first_verdict(&mut self, ticket: Uuid, now: &Verdict) -> Option<Verdict> {
        let known = self.verdicts.iter().find(|(of, _)| *of == ticket);
        let first = known.map(|(_, first)| first.clone());
        if first.is_none() {
            self.verdicts.push((ticket, now.clone()));
        }
        first
    }
}

/// How an entry of an answer falls short of what its request had `sent`; for people.
fn what_is_less(entry: Seen, sent: Seen) -> Option<String> {
    if entry.log_id != sent.log_id {
        // Whoever believes it forgets all that was seen.
        return Some(format!("log {} to who had seen log {}", entry.log_id, sent.log_id));
    }
    let is_less = entry.is_of(&sent) && entry.decided_next < sent.decided_next;
    is_less.then(|| format!("{} to who had seen {}", entry.decided_next, sent.decided_next))
}

/// The value of `Timedeal-Seen`; none if nothing was seen.
fn seen_header(seen: &[Seen]) -> Option<HeaderValue> {
    let entry = |seen: &Seen| format!("{}.{}:{}", seen.log_id, seen.partition, seen.decided_next);
    let entries: Vec<String> = seen.iter().map(entry).collect();
    if entries.is_empty() {
        return None;
    }
    Some(HeaderValue::try_from(entries.join(",")).expect("digits and punctuation"))
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use schemas::http::{Order, OrderStatus};
    use uuid::Uuid;

    use super::{FaultKind, Memory};
    use crate::client::Answer;
    use crate::history::{Moment, Seen, order_id_at};

    fn ticket() -> Uuid {
        order_id_at(Seen { log_id: 3, partition: 1, decided_next: 9 })
    }

    fn answer(gateway: usize, seen: &str) -> Answer {
        let response = http::Response::builder().header("timedeal-seen", seen);
        let (head, ()) = response.body(()).unwrap().into_parts();
        let [asked, sent, received] = [1, 2, 3].map(Moment);
        Answer { head, body: Bytes::new(), gateway, asked, sent, received, connection: 7 }
    }

    /// The header of the next request after these answers, each of a gateway of its own.
    #[track_caller]
    fn check(answers: &[&str], expected: Option<&str>) {
        let memory = Memory::default();
        for (gateway, seen) in answers.iter().enumerate() {
            memory.note_answer(&answer(gateway, seen), &[]);
        }
        let seen = memory.carried(0).seen;
        assert_eq!(seen.as_ref().map(|value| value.to_str().unwrap()), expected);
    }

    #[test]
    fn the_highest_of_each_partition_is_sent_back_whichever_gateway_showed_it() {
        check(&[], None);
        check(&["3.1:5"], Some("3.1:5"));
        check(&["3.1:5", "3.1:9", "3.1:7"], Some("3.1:9"));
        check(&["3.1:5,3.2:8", "3.2:1,3.1:6", "3.4:0"], Some("3.1:6,3.2:8,3.4:0"));
        check(&["3.1:5", "4.1:2"], Some("4.1:2"));
        check(&["3.1:5", "nonsense"], Some("3.1:5"));
    }

    #[test]
    fn an_answer_that_shows_less_than_its_request_said_is_a_fault() {
        let memory = Memory::default();
        memory.note_answer(&answer(0, "3.1:9"), &[]);
        // Its request was made before 9 was seen.
        memory.note_answer(&answer(1, "3.1:8"), &[]);
        memory.note_answer(&answer(1, "3.1:9,3.2:1"), &memory.seen());
        memory.note_answer(&answer(1, "3.1:8"), &memory.seen());
        memory.note_answer(&answer(0, "4.1:9"), &memory.seen());
        let (_, faults) = memory.into_parts();
        assert!(faults.iter().all(|fault| fault.kind == FaultKind::ShowsLess), "{faults:?}");
        let told: Vec<_> = faults.iter().map(|fault| &*fault.what).collect();
        let less = "gateway 2 showed 8 to who had seen 9";
        assert_eq!(told, [less, "gateway 1 showed log 4 to who had seen log 3"]);
    }

    fn order(status: &str, quantity: u32) -> Order {
        let order = serde_json::json!({
            "order_id": ticket(), "status": status, "quantity": quantity,
        });
        serde_json::from_value(order).unwrap()
    }

    /// The faults of these answers about one order, each of a gateway of its own.
    #[track_caller]
    fn check_orders(answers: &[(Order, &str)], expected: &[FaultKind]) {
        let memory = Memory::default();
        for (gateway, (order, seen)) in answers.iter().enumerate() {
            memory.note_order(ticket(), order, &answer(gateway, seen));
        }
        let (_, faults) = memory.into_parts();
        let kinds: Vec<_> = faults.iter().map(|fault| fault.kind).collect();
        assert_eq!(kinds, expected, "{faults:?}");
    }

    #[test]
    fn an_answer_that_shows_a_decision_says_that_the_log_is_decided_so_far() {
        let less = FaultKind::ShowsLess;
        check_orders(&[(order("queued", 1), "3.1:9"), (order("confirmed", 1), "3.1:10")], &[]);
        check_orders(&[(order("confirmed", 1), "3.1:9")], &[less]);
        check_orders(&[(order("confirmed", 1), "")], &[less]);
        check_orders(&[(order("confirmed", 1), "3.2:10,4.1:10")], &[less]);
        check_orders(&[(order("confirmed", 1), "3.2:1,3.1:12")], &[]);
    }

    #[test]
    fn a_decision_that_is_told_in_another_way_is_a_fault() {
        let told = |order: Order| (order, "3.1:10");
        check_orders(&[told(order("held", 2)), told(order("expired", 2))], &[]);
        // Who does not know it yet need not say how many.
        check_orders(&[(order("queued", 1), "3.1:9"), told(order("held", 2))], &[]);
        check_orders(&[told(order("held", 2)), told(order("held", 1))], &[FaultKind::Changes]);
        let mut other = order("held", 2);
        other.order_id = Uuid::nil();
        check_orders(&[told(order("held", 2)), told(other)], &[FaultKind::Changes]);
    }

    #[test]
    fn a_status_is_noted_for_the_ticket_and_for_the_order() {
        let memory = Memory::default();
        let mut first = order("confirmed", 1);
        first.order_id = Uuid::nil();
        memory.note_order(ticket(), &first, &answer(0, "3.1:10"));
        memory.note_order(ticket(), &first, &answer(1, "3.1:10"));
        let (sightings, faults) = memory.into_parts();
        let noted: Vec<_> = sightings.iter().map(|noted| (noted.id, noted.status)).collect();
        let status = OrderStatus::Confirmed;
        assert_eq!(noted, [(ticket(), status), (Uuid::nil(), status)]);
        assert_eq!(faults, []);
    }

    #[test]
    fn a_connection_is_avoided_at_its_own_gateway_only() {
        let memory = Memory::default();
        memory.note_answer(&answer(1, ""), &[]);
        assert_eq!([0, 1].map(|gateway| memory.carried(gateway).avoid), [None, Some(7)]);
    }
}
