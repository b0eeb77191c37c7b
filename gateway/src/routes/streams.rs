//! Event streams: who may open which, and where it begins.

use std::sync::Arc;

use super::Answer;
use super::orders::READERS;
use super::{deals, reply};
use crate::answer::is_final;
use crate::call::Call;
use crate::composition::Service;
use crate::problem::Refusal;
use crate::reading::Query;
use crate::stream::{self, DealStream, OrderStream};
use schemas::http::ProblemCode;
use warp::reply::Response;

/// `GET /v1/orders/{order_id}/stream`
pub(super) async fn order(service: &Arc<Service>, call: Arc<Call>, id: String) -> Answer {
    let principal = service.gatekeeper.admit(&call.headers, READERS).await?;
    Query::read(&call.uri, &[])?;
    service.limits.check_customer(principal.subject)?;
    let mut lookup = service.lookup(&id, principal.only_own())?;
    service.catch_up(&call.headers, Some(lookup.ticket.position.partition)).await?;
    let is_over = call.headers.get("last-event-id").is_some_and(stream::is_last);
    drop(call);
    // Before the first look, so that nothing happens between the two.
    let mut watch = service.status.watch_order(lookup.ticket.position);
    let mut first = service.look(&lookup).await?;
    if first.position != lookup.ticket.position {
        // A repeat that is decided: nothing more happens to it, only to its first order.
        lookup.ticket.position = first.position;
        lookup.order_id = first.order.order_id;
        watch = service.status.watch_order(first.position);
        first = service.look(&lookup).await?;
    }
    if is_over && is_final(first.order.status) {
        let mut response = Response::default();
        *response.status_mut() = http::StatusCode::NO_CONTENT;
        let headers = response.headers_mut();
        headers.insert(http::header::CACHE_CONTROL, reply::PRIVATE);
        return Ok(response);
    }
    let seen = first.seen(service.status.log_id());
    let stream = OrderStream::new(Arc::clone(service), lookup, watch, first);
    let mut response = stream.into_response();
    reply::put_seen(response.headers_mut(), &seen);
    Ok(response)
}

/// `GET /v1/deals/{deal_id}/stream`
pub(super) async fn deal(service: &Arc<Service>, call: Arc<Call>, id: String) -> Answer {
    Query::read(&call.uri, &[])?;
    let row = deals::find(service, &call, &id).await?;
    drop(call);
    match service.status.watch_deal(row.deal_id) {
        Some(watch) => Ok(DealStream::new(Arc::clone(service), watch).into_response()),
        // Of a log that was replaced: nothing will ever happen to it again.
        None => Err(Refusal::new(ProblemCode::DealRetired, "nothing happens to this deal")),
    }
}
