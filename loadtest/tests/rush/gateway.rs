//! A gateway of the shop: plays the API on a view that may be some purchases old. It can be told to
//! be unreliable. Must not know how the shop decides.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, Response};
use http_body_util::Full;
use schemas::http::{
    Deal, DealStatus, Order, OrderStatus, Page, Problem, ProblemCode, PurchaseRequest, Queue,
    Rejection,
};
use schemas::log::RefusalCode;
use schemas::{DealId, Timestamp};
use serde::Serialize;
use tokio::sync::watch;
use uuid::Uuid;

use crate::shop::{Bug, Row, Shop, View, now};

type Answer = Response<Full<Bytes>>;

/// The door refuses for what it knew at most so long ago.
const AS_OF_AGE_MAX: Duration = Duration::from_secs(1);

/// What a bad day does to every third request about purchases and orders.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Fault {
    LosesAnswers,
    BreaksConnections,
    ComesBackLater,
    IsOverloaded,
}

/// One gateway of a shop.
pub(crate) struct Gateway {
    pub(crate) purchases: watch::Sender<u64>,
    /// So many requests find it not ready.
    pub(crate) starting: u32,
    /// So many looks at the deal do not find it.
    pub(crate) unaware: u32,
    pub(crate) fault: Option<Fault>,
    number: usize,
    shop: Arc<Mutex<Shop>>,
    /// So many purchases is its view behind.
    lag: usize,
    requests: u64,
}

/// An answer in the making.
struct Desk<'a> {
    shop: &'a mut Shop,
    view: View,
    gateway: usize,
}

impl Gateway {
    /// The only one, and up to date.
    pub(crate) fn only(shop: Shop) -> Self {
        Self::of(&Arc::new(Mutex::new(shop)), 0, 0)
    }

    /// One of several, which sees the shop as it was so many purchases ago.
    pub(crate) fn of(shop: &Arc<Mutex<Shop>>, number: usize, lag: usize) -> Self {
        Self {
            purchases: watch::Sender::default(),
            starting: 0,
            unaware: 0,
            fault: None,
            number,
            shop: Arc::clone(shop),
            lag,
            requests: 0,
        }
    }

    pub(crate) fn with_fault(fault: Fault) -> Self {
        Self { fault: Some(fault), ..Self::only(Shop::default()) }
    }

    /// None: the connection breaks.
    pub(crate) fn answer(&mut self, head: &Parts, body: &Bytes) -> Option<Answer> {
        if self.starting > 0 {
            self.starting -= 1;
            return Some(problem(ProblemCode::NotReady, None));
        }
        if self.unaware > 0 && head.uri.path().starts_with("/v1/deals/") {
            self.unaware -= 1;
            return Some(problem(ProblemCode::DealNotFound, None));
        }
        if head.method == Method::POST {
            self.purchases.send_modify(|count| *count += 1);
        }
        let is_of_deals =
            ["/v1/admin/", "/v1/deals"].iter().any(|of| head.uri.path().starts_with(of));
        self.requests += u64::from(!is_of_deals);
        let is_bad = !is_of_deals && self.requests.is_multiple_of(3);
        match self.fault.filter(|_| is_bad) {
            Some(Fault::BreaksConnections) => None,
            Some(Fault::ComesBackLater) => Some(problem(ProblemCode::OutcomeUnknown, None)),
            Some(Fault::IsOverloaded) => Some(problem(ProblemCode::Overloaded, None)),
            Some(Fault::LosesAnswers) => {
                self.serve(head, body);
                None
            }
            None => Some(self.serve(head, body)),
        }
    }

    fn serve(&self, head: &Parts, body: &Bytes) -> Answer {
        let mut shop = self.shop.lock().unwrap();
        shop.decide();
        if head.method == Method::POST {
            shop.note_purchase();
        }
        let view = shop.view(self.lag);
        let mut desk = Desk { shop: &mut shop, view, gateway: self.number };
        let path = head.uri.path();
        if path.starts_with("/v1/admin/") {
            return desk.announce(head, body);
        }
        if let Some(rest) = path.strip_prefix("/v1/deals") {
            return desk.look(rest);
        }
        if desk.shop.has(Bug::FailsPlainly) && self.requests.is_multiple_of(7) {
            return Response::builder().status(500).body(Full::from("oh no")).unwrap();
        }
        if seen(&head.headers) > view.decided_next && !desk.shop.has(Bug::IgnoresSeen) {
            return problem(ProblemCode::ViewBehind, None);
        }
        let customer = header(&head.headers, "authorization").replace("Bearer ", "");
        if head.method == Method::POST {
            return desk.purchase(customer, header(&head.headers, "idempotency-key"), body);
        }
        desk.order(&customer, path)
    }
}

impl Desk<'_> {
    fn announce(&mut self, head: &Parts, body: &Bytes) -> Answer {
        if header(&head.headers, "authorization") != "Bearer admin" {
            return problem(ProblemCode::Forbidden, None);
        }
        let parts: Vec<&str> = head.uri.path().split('/').collect();
        let (product_id, deal_key) = (parts[4].parse().unwrap(), parts[6].parse().unwrap());
        let deal_id = DealId::of(&product_id, &deal_key);
        self.shop.deal = Some((serde_json::from_slice(body).unwrap(), deal_id));
        json(201, &self.deal_body(), None)
    }

    fn look(&self, rest: &str) -> Answer {
        match rest.strip_prefix('/') {
            Some(_) => json(200, &self.deal_body(), None),
            None => {
                let page = Page::<Deal> { items: Vec::new(), next_cursor: None, as_of: now() };
                json(200, &page, None)
            }
        }
    }

    fn deal_body(&self) -> Deal {
        let (deal, deal_id) = self.shop.deal.clone().expect("announced");
        let hidden = if self.shop.has(Bug::HidesSales) { 1 } else { 0 };
        let sold = self.view.sold().min(deal.stock) - hidden * self.view.sold().min(1);
        let is_open = now() >= deal.opens_at;
        let has_stock = deal.stock > sold;
        Deal {
            deal_id,
            product_id: "rush-1".parse().unwrap(),
            deal_key: "x".parse().unwrap(),
            product: deal.product,
            title: deal.title,
            price: deal.price,
            stock: deal.stock.unsigned_abs(),
            limit_per_customer: u32::try_from(deal.limit_per_customer).unwrap(),
            opens_at: deal.opens_at,
            closes_at: deal.closes_at,
            hold_seconds: 0,
            status: match (is_open, has_stock) {
                (false, _) => DealStatus::Upcoming,
                (true, true) => DealStatus::Open,
                (true, false) => DealStatus::SoldOut,
            },
            stock_left: (deal.stock - sold).unsigned_abs(),
            held: 0,
            confirmed: sold.unsigned_abs(),
            server_time: now(),
        }
    }

    fn purchase(&mut self, customer: String, key: String, payload: &Bytes) -> Answer {
        let of = if self.shop.has(Bug::KeysPerGateway) { self.gateway } else { 0 };
        let key = (customer, key, of);
        if let Some(first) = self.shop.bound(&key, &self.view) {
            if self.shop.is_other_payload(first, payload) {
                return problem(ProblemCode::IdempotencyKeyReused, None);
            }
            return self.show(200, &self.order_body(first));
        }
        if let Some(as_of) = self.sold_out_as_of() {
            return problem(ProblemCode::SoldOut, Some((as_of, self.view.decided_next)));
        }
        let request: PurchaseRequest = serde_json::from_slice(payload).unwrap();
        let offset = self.shop.rows.len();
        self.shop.rows.push(Row {
            key,
            gateway: self.gateway,
            payload: payload.clone(),
            quantity: request.quantity,
            rejection: None,
            repeats: None,
            asked: 0,
        });
        self.show(202, &self.order_body(offset))
    }

    /// Since when the door is closed, if it is. A view that is too old closes no door.
    fn sold_out_as_of(&self) -> Option<Timestamp> {
        let is_early = self.is_second_with(Bug::ClosesDoorEarly);
        let needed = if is_early { self.shop.deal().stock / 2 } else { 0 };
        let is_closed = self.shop.stock_left(&self.view, self.gateway) <= needed;
        let as_of = if self.shop.has(Bug::HidesAge) { now() } else { self.view.at };
        (is_closed && as_of.plus(AS_OF_AGE_MAX) >= now()).then_some(as_of)
    }

    fn is_second_with(&self, bug: Bug) -> bool {
        self.gateway == 1 && self.shop.has(bug)
    }

    fn order(&mut self, customer: &str, path: &str) -> Answer {
        let id: Uuid = path.strip_prefix("/v1/orders/").unwrap().parse().unwrap();
        let has_places = !self.shop.has(Bug::GivesPlainIds);
        let rows = &mut self.shop.rows;
        let offset = (0..rows.len()).find(|offset| order_id(*offset, has_places) == id).unwrap();
        rows[offset].asked += 1;
        let is_asked_again = rows[offset].asked > 1;
        assert_eq!(rows[offset].key.0, customer);
        let mut order = self.order_body(offset);
        match self.shop.bug {
            Some(Bug::ForgetsOrders) if is_asked_again => {
                return problem(ProblemCode::OrderNotFound, None);
            }
            Some(Bug::GoesBack) if is_asked_again => {
                order.status = OrderStatus::Queued;
                order.rejection = None;
            }
            _ => {}
        }
        self.show(200, &order)
    }

    fn show(&self, status: u16, order: &Order) -> Answer {
        let decided_next = self.view.decided_next;
        json(status, order, Some(decided_next).filter(|_| !self.shop.has(Bug::HidesSeen)))
    }

    fn order_body(&self, ticket: usize) -> Order {
        let is_queued = ticket >= self.view.decided_next;
        let first = self.shop.rows[ticket].repeats.filter(|_| !is_queued);
        let offset = first.unwrap_or(ticket);
        let row = &self.shop.rows[offset];
        let rejection = row.rejection.filter(|_| !is_queued);
        let is_changed = self.is_second_with(Bug::GivesOtherReason);
        let rejection =
            rejection.map(|code| if is_changed { RefusalCode::DealPaused } else { code });
        let rejection =
            rejection.map(|code| Rejection { code, detail: "no".into(), retryable: false });
        Order {
            order_id: order_id(offset, !self.shop.has(Bug::GivesPlainIds)),
            deal_id: Some(self.shop.deal.as_ref().expect("announced").1),
            product_id: None,
            status: match (is_queued, &rejection) {
                (true, _) => OrderStatus::Queued,
                (false, Some(_)) => OrderStatus::Rejected,
                (false, None) => OrderStatus::Confirmed,
            },
            quantity: Some(u32::try_from(row.quantity).unwrap()),
            unit_price: None,
            total: None,
            purchased_at: None,
            decided_at: None,
            expires_at: None,
            rejection,
            queue: is_queued.then_some(Queue {
                ahead: 0,
                estimated_wait_ms: None,
                poll_after_ms: 5,
            }),
            payment: None,
            refund: None,
            client_reference: None,
        }
    }
}

fn order_id(offset: usize, has_place: bool) -> Uuid {
    if !has_place {
        return Uuid::from_u128(u128::try_from(offset).unwrap());
    }
    let bits = 3_u128 << 114 | 1_u128 << 100 | u128::try_from(offset).unwrap() << 56 | 7;
    let (first, middle, last) = (bits >> 74, bits >> 62 & 0xfff, bits & ((1 << 62) - 1));
    Uuid::from_u128(first << 80 | 0x8 << 76 | middle << 64 | 0b10 << 62 | last)
}

fn header(headers: &HeaderMap, name: &str) -> String {
    headers.get(name).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default()
}

/// How far the client has seen the one partition that there is.
fn seen(headers: &HeaderMap) -> usize {
    let header = header(headers, "timedeal-seen");
    header.strip_prefix("3.1:").map_or(0, |decided_next| decided_next.parse().unwrap())
}

fn json(status: u16, body: &impl Serialize, decided_next: Option<usize>) -> Answer {
    let mut answer = Response::builder().status(status).header("content-type", "application/json");
    if let Some(decided_next) = decided_next {
        answer = answer.header("timedeal-seen", format!("3.1:{decided_next}"));
    }
    answer.body(Full::from(serde_json::to_vec(body).unwrap())).unwrap()
}

fn problem(code: ProblemCode, resting_on: Option<(Timestamp, usize)>) -> Answer {
    let as_of = resting_on.map(|(as_of, _)| as_of);
    let problem = Problem { as_of, ..Problem::new(code, "so it is") };
    let decided_next = resting_on.map(|(_, decided_next)| decided_next);
    let mut answer = json(code.status(), &problem, decided_next);
    let kind = HeaderValue::from_static("application/problem+json");
    answer.headers_mut().insert("content-type", kind);
    answer
}
