//! Orders: one, one's own, and giving one up.

use std::sync::Arc;

use http::{HeaderMap, StatusCode, header};
use read_model::OrderFilter;
use schemas::http::{OrderStatus, Page, ProblemCode};
use schemas::log::{CancelOrder, Command};

use super::Answer;
use super::commands::{self, Issued};
use super::reply::{PRIVATE, Seen, json, put_seen};
use super::sight::{Until, no_order, unsaid};
use crate::answer::{etag_matches, order_body, order_etag};
use crate::auth::{Scope, Scopes};
use crate::call::Call;
use crate::composition::Service;
use crate::problem::Refusal;
use crate::reading::{Query, expect_no_body, read_cursor, write_cursor};

/// Who may look at orders.
pub(super) const READERS: Scopes = Scopes::of(&[Scope::Shop, Scope::Support]);

/// `GET /v1/orders/{order_id}`
pub(super) async fn get(service: &Service, call: Arc<Call>, id: String) -> Answer {
    let principal = service.gatekeeper.admit(&call.headers, READERS).await?;
    let wait = Query::read(&call.uri, &["wait"])?.wait()?;
    service.limits.check_customer(principal.subject)?;
    let lookup = service.lookup(&id, principal.only_own())?;
    service.catch_up(&call.headers, Some(lookup.ticket.position.partition)).await?;
    let tags = if_none_match(&call.headers);
    drop(call);
    let until = tags.as_deref().map_or(Until::Decided, Until::Differs);
    let sight = service.look_until(&lookup, until, wait).await?;
    let mut response = service.show_order(StatusCode::OK, &sight, lookup.order_id);
    let is_same = tags.is_some_and(|tags| etag_matches(&tags, &order_etag(&sight.order)));
    if is_same {
        let (mut head, _) = response.into_parts();
        head.status = StatusCode::NOT_MODIFIED;
        head.headers.remove(header::CONTENT_TYPE);
        response = http::Response::from_parts(head, Default::default());
    }
    Ok(response)
}

/// `GET /v1/orders`
pub(super) async fn list(service: &Service, call: Arc<Call>) -> Answer {
    let principal = service.gatekeeper.admit(&call.headers, Scopes::of(&[Scope::Shop])).await?;
    let query = Query::read(&call.uri, &["status", "cursor", "limit"])?;
    let filter = OrderFilter {
        status: query.get("status").map(read_status).transpose()?,
        after: query.get("cursor").map(read_cursor).transpose()?,
        limit: query.limit()?,
    };
    service.limits.check_customer(principal.subject)?;
    service.catch_up(&call.headers, None).await?;
    let as_of = service.now();
    let customer = principal.customer();
    let page = service.status.orders_of(customer, filter).await.map_err(unsaid)?;
    let items = page.rows.iter().map(|row| {
        let (log_id, key) = (row.log_id, row.ticket_key);
        let order_id = service.order_id(log_id, row.position, key, row.customer)?;
        let deal = service.status.deal(row.deal_id);
        Ok(order_body(order_id, row, deal.map(|deal| deal.product_id.clone())))
    });
    let items = items.collect::<Result<_, Refusal>>()?;
    let next_cursor = page.next.map(|cursor| write_cursor(&cursor));
    let body = Page { items, next_cursor, as_of };
    let mut response = json(StatusCode::OK, &body, PRIVATE);
    let mut seen = Seen::new(service.status.log_id());
    for (partition, decided_next) in page.seen {
        seen.note(partition, decided_next);
    }
    put_seen(response.headers_mut(), &seen);
    Ok(response)
}

/// `POST /v1/orders/{order_id}/cancellation`
pub(super) async fn cancel(service: &Service, call: Arc<Call>, id: String) -> Answer {
    let principal = service.gatekeeper.admit(&call.headers, Scopes::of(&[Scope::Shop])).await?;
    let wait = Query::read(&call.uri, &["wait"])?.wait()?;
    expect_no_body(&call).await?;
    service.limits.check_customer(principal.subject)?;
    let lookup = service.lookup(&id, Some(principal.customer()))?;
    if lookup.ticket.log_id != service.status.log_id() {
        return Err(no_order());
    }
    let partition = lookup.ticket.position.partition;
    service.catch_up(&call.headers, Some(partition)).await?;
    // A repeat's id means the first order, whose purchase stands elsewhere.
    let position = service.look(&lookup).await?.position;
    let sender = service.sender(principal.subject);
    let command = Command::CancelOrder(Box::new(CancelOrder {
        order: position.offset,
        customer: principal.customer(),
        ticket_key: sender.ticket_key,
        received_at: sender.received_at,
        actor: sender.actor,
        admission: service.admission(partition),
    }));
    let issued = Issued::append(service, partition, None, &command, &call).await?;
    drop(call);
    if issued.is_done(service, wait).await? {
        let sight = service.look_until(&lookup, Until::Decided, wait).await?;
        return Ok(service.show_order(StatusCode::OK, &sight, lookup.order_id));
    }
    Ok(commands::queued(service, &issued))
}

/// The tags of the header, joined as a list.
fn if_none_match(headers: &HeaderMap) -> Option<String> {
    let lines: Vec<&str> = headers
        .get_all(header::IF_NONE_MATCH)
        .iter()
        .filter_map(|line| line.to_str().ok())
        .collect();
    (!lines.is_empty()).then(|| lines.join(","))
}

fn read_status(text: &str) -> Result<OrderStatus, Refusal> {
    OrderStatus::parse(text).ok_or_else(|| {
        Refusal::field(ProblemCode::OutOfRange, "status", "not a status of an order")
    })
}
