//! A small shop that plays the API from memory: one deal, one partition, decisions made when the
//! next request comes. It can be told to be unreliable, or wrong.

use std::collections::HashMap;
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, Method, Response};
use http_body_util::Full;
use schemas::http::{
    Deal, DealRequest, DealStatus, Order, OrderStatus, Page, Problem, ProblemCode, PurchaseRequest,
    Queue, Rejection,
};
use schemas::log::RefusalCode;
use schemas::{DealId, Timestamp};
use serde::Serialize;
use tokio::sync::watch;
use uuid::Uuid;

type Answer = Response<Full<Bytes>>;

/// What a bad day does to every third request about purchases and orders.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Fault {
    LosesAnswers,
    BreaksConnections,
    ComesBackLater,
}

/// What the shop does wrong.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Bug {
    Oversells,
    HidesSales,
    ForgetsOrders,
    ForgetsKeys,
    TakesOtherPayloads,
    RefusesTooEarly,
    IgnoresLimits,
    GoesBack,
    FailsPlainly,
}

#[derive(Clone)]
struct Row {
    customer: String,
    quantity: i64,
    rejection: Option<RefusalCode>,
    asked: u32,
}

/// The shop's memory; it outlives a crash.
#[derive(Default)]
pub(crate) struct Shop {
    pub(crate) purchases: watch::Sender<u64>,
    fault: Option<Fault>,
    bug: Option<Bug>,
    deal: Option<(DealRequest, DealId)>,
    rows: Vec<Row>,
    decided_next: usize,
    keys: HashMap<(String, String), (Bytes, usize)>,
    sold: i64,
    requests: u64,
    starting: u32,
}

impl Shop {
    pub(crate) fn with_fault(fault: Fault) -> Self {
        Self { fault: Some(fault), ..Self::default() }
    }

    pub(crate) fn with_bug(bug: Bug) -> Self {
        Self { bug: Some(bug), ..Self::default() }
    }

    /// As after a crash: the first requests find it not ready.
    pub(crate) fn restart(&mut self) {
        self.starting = 20;
    }

    /// None: the connection breaks.
    pub(crate) fn answer(&mut self, head: &Parts, body: &Bytes) -> Option<Answer> {
        self.decide();
        let path = head.uri.path();
        if path.starts_with("/v1/admin/") {
            return Some(self.announce(head, body));
        }
        if let Some(rest) = path.strip_prefix("/v1/deals") {
            return Some(self.look(rest));
        }
        if self.starting > 0 {
            self.starting -= 1;
            return Some(problem(ProblemCode::NotReady, None));
        }
        self.requests += 1;
        let is_bad = self.requests.is_multiple_of(3);
        match self.fault.filter(|_| is_bad) {
            Some(Fault::BreaksConnections) => None,
            Some(Fault::ComesBackLater) => Some(problem(ProblemCode::OutcomeUnknown, None)),
            Some(Fault::LosesAnswers) => {
                self.serve(head, body);
                None
            }
            None => Some(self.serve(head, body)),
        }
    }

    fn serve(&mut self, head: &Parts, body: &Bytes) -> Answer {
        if self.bug == Some(Bug::FailsPlainly) && self.requests.is_multiple_of(7) {
            return Response::builder().status(500).body(Full::from("oh no")).unwrap();
        }
        let customer = header(&head.headers, "authorization").replace("Bearer ", "");
        if head.method == Method::POST {
            return self.purchase(customer, &header(&head.headers, "idempotency-key"), body);
        }
        self.order(&customer, head.uri.path())
    }

    fn announce(&mut self, head: &Parts, body: &Bytes) -> Answer {
        if header(&head.headers, "authorization") != "Bearer admin" {
            return problem(ProblemCode::Forbidden, None);
        }
        let parts: Vec<&str> = head.uri.path().split('/').collect();
        let (product_id, deal_key) = (parts[4].parse().unwrap(), parts[6].parse().unwrap());
        let deal_id = DealId::of(&product_id, &deal_key);
        self.deal = Some((serde_json::from_slice(body).unwrap(), deal_id));
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
        let (deal, deal_id) = self.deal.clone().expect("announced");
        let hidden = if self.bug == Some(Bug::HidesSales) { 1 } else { 0 };
        let sold = self.sold.min(deal.stock) - hidden * self.sold.min(1);
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

    fn stock_left(&self) -> i64 {
        let stock = self.deal.as_ref().expect("announced").0.stock;
        match self.bug {
            Some(Bug::Oversells) => i64::MAX,
            Some(Bug::RefusesTooEarly) => stock / 2 - self.sold,
            _ => stock - self.sold,
        }
    }

    fn purchase(&mut self, customer: String, key: &str, body: &Bytes) -> Answer {
        self.purchases.send_modify(|count| *count += 1);
        let request: PurchaseRequest = serde_json::from_slice(body).unwrap();
        let name = (customer.clone(), key.to_owned());
        let known = self.keys.get(&name).filter(|_| self.bug != Some(Bug::ForgetsKeys));
        if let Some((first, offset)) = known {
            if first != body && self.bug != Some(Bug::TakesOtherPayloads) {
                return problem(ProblemCode::IdempotencyKeyReused, None);
            }
            return json(200, &self.order_body(*offset), Some(self.decided_next));
        }
        if self.stock_left() <= 0 {
            return problem(ProblemCode::SoldOut, Some(self.decided_next));
        }
        let offset = self.rows.len();
        self.keys.insert(name, (body.clone(), offset));
        self.rows.push(Row { customer, quantity: request.quantity, rejection: None, asked: 0 });
        json(202, &self.order_body(offset), Some(self.decided_next))
    }

    fn decide(&mut self) {
        while self.decided_next < self.rows.len() {
            let row = self.rows[self.decided_next].clone();
            let earlier = self.rows[..self.decided_next].iter();
            let owned: i64 = earlier
                .filter(|other| other.customer == row.customer && other.rejection.is_none())
                .map(|other| other.quantity)
                .sum();
            let limit = self.deal.as_ref().expect("announced").0.limit_per_customer;
            // A forgotten key must show as such, and not as a limit that was passed.
            let ignores_limit = self.bug == Some(Bug::IgnoresLimits);
            let rejection = if owned + row.quantity > limit && !ignores_limit {
                Some(RefusalCode::LimitExceeded)
            } else if self.stock_left() <= 0 {
                Some(RefusalCode::SoldOut)
            } else if self.stock_left() < row.quantity {
                Some(RefusalCode::InsufficientStock)
            } else {
                self.sold += row.quantity;
                None
            };
            self.rows[self.decided_next].rejection = rejection;
            self.decided_next += 1;
        }
    }

    fn order(&mut self, customer: &str, path: &str) -> Answer {
        let id: Uuid = path.strip_prefix("/v1/orders/").unwrap().parse().unwrap();
        let offset = (0..self.rows.len()).find(|offset| order_id(*offset) == id).unwrap();
        self.rows[offset].asked += 1;
        let is_asked_again = self.rows[offset].asked > 1;
        assert_eq!(self.rows[offset].customer, customer);
        let mut order = self.order_body(offset);
        match self.bug {
            Some(Bug::ForgetsOrders) if is_asked_again => {
                return problem(ProblemCode::OrderNotFound, None);
            }
            Some(Bug::GoesBack) if is_asked_again => {
                order.status = OrderStatus::Queued;
                order.rejection = None;
            }
            _ => {}
        }
        json(200, &order, Some(self.decided_next))
    }

    fn order_body(&self, offset: usize) -> Order {
        let row = &self.rows[offset];
        let is_queued = offset >= self.decided_next;
        let rejection =
            row.rejection.map(|code| Rejection { code, detail: "no".into(), retryable: false });
        Order {
            order_id: order_id(offset),
            deal_id: Some(self.deal.as_ref().expect("announced").1),
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

fn order_id(offset: usize) -> Uuid {
    let bits = 3_u128 << 114 | 1_u128 << 100 | u128::try_from(offset).unwrap() << 56 | 7;
    let (first, middle, last) = (bits >> 74, bits >> 62 & 0xfff, bits & ((1 << 62) - 1));
    Uuid::from_u128(first << 80 | 0x8 << 76 | middle << 64 | 0b10 << 62 | last)
}

fn header(headers: &HeaderMap, name: &str) -> String {
    headers.get(name).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default()
}

fn json(status: u16, body: &impl Serialize, decided_next: Option<usize>) -> Answer {
    let mut answer = Response::builder().status(status).header("content-type", "application/json");
    if let Some(decided_next) = decided_next {
        answer = answer.header("timedeal-seen", format!("3.1:{decided_next}"));
    }
    answer.body(Full::from(serde_json::to_vec(body).unwrap())).unwrap()
}

fn problem(code: ProblemCode, decided_next: Option<usize>) -> Answer {
    let problem = Problem { as_of: decided_next.map(|_| now()), ..Problem::new(code, "so it is") };
    let mut answer = json(code.status(), &problem, decided_next);
    let kind = http::HeaderValue::from_static("application/problem+json");
    answer.headers_mut().insert("content-type", kind);
    answer
}

fn now() -> Timestamp {
    Timestamp::EPOCH.plus(SystemTime::now().duration_since(UNIX_EPOCH).unwrap())
}
