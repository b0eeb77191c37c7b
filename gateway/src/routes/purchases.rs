//! Buying. The order of checks is the promise: authentication, size and shape, the key, rate
//! limits, the door, the append. Only where more come than there is time for, the edge turns away
//! before all of them.

use std::sync::Arc;
use std::time::Duration;

use http::{StatusCode, header};
use sabotage::Bug;
use schemas::http::{OrderStatus, ProblemCode, PurchaseRequest};
use schemas::log::{Command, PlacePurchase};
use schemas::{CustomerId, Digest, Fingerprint, Position};
use warp::reply::Response;

use super::Answer;
use super::reply::put_order_location;
use super::sight::{Lookup, Sight, Until};
use crate::admission::{Door, Question};
use crate::answer::QueuedPurchase;
use crate::auth::{Principal, Scope, Scopes};
use crate::call::Call;
use crate::commands::Way;
use crate::composition::Service;
use crate::problem::Refusal;
use crate::reading::{Query, check_quantity, idempotency_key, read_json};
use crate::status::AsOf;
use crate::ticket::Ticket;

/// `POST /v1/purchases`
pub(super) async fn place(service: &Service, call: Arc<Call>) -> Answer {
    let principal = service.gatekeeper.admit(&call.headers, Scopes::of(&[Scope::Shop])).await?;
    let customer = principal.customer();
    let wait = Query::read(&call.uri, &["wait"])?.wait()?;
    let key = Digest::of_key(customer.0, idempotency_key(&call.headers)?);
    let request: PurchaseRequest = read_json(&call).await?;
    // A deal that this gateway does not know may have been seen elsewhere, in any partition.
    let partition = service.status.partition_of(request.deal_id);
    service.catch_up(&call.headers, partition).await?;
    let partition = partition.or_else(|| service.status.partition_of(request.deal_id));
    let question = Question {
        deal_id: request.deal_id,
        key,
        fingerprint: fingerprint(&request),
        quantity: request.quantity,
        now: service.now(),
    };
    let is_skipped = sabotage::is_planted(Bug::KeyLookupSkipped) && key.0.is_multiple_of(8);
    let door = match service.status.known_key(&question).filter(|_| !is_skipped) {
        Some(known) => known,
        None => {
            service.limits.check_customer(principal.subject)?;
            service.status.judge(&question)
        }
    };
    let admission = match door {
        Door::Admit(admission) => admission,
        Door::Known(first) => return repeat(service, first, customer).await,
        Door::KeyReused => return Err(key_reused()),
        Door::Refuse(refused) => {
            let log_id = service.status.log_id();
            return Err(service.last_refusal.say(log_id, partition, refused));
        }
        Door::ComeBack(code, wait) => return Err(Refusal::new(code, code.title()).after(wait)),
    };
    let purchase = Purchase { request, question, admission };
    let (lookup, queued) = let_in(service, &call, principal, purchase).await?;
    drop(call);
    answer(service, &lookup, &queued, wait).await
}

/// A purchase that the door has let in.
struct Purchase {
    request: PurchaseRequest,
    question: Question,
    admission: schemas::log::Admission,
}

/// Appends the purchase. From here on it is decided, whoever goes away.
async fn let_in(
    service: &Service,
    call: &Call,
    principal: Principal,
    purchase: Purchase,
) -> Result<(Lookup, QueuedPurchase), Refusal> {
    let Purchase { request, question, admission } = purchase;
    let quantity = check_quantity(request.quantity)?;
    let customer = principal.customer();
    let behind = || Refusal::new(ProblemCode::ViewBehind, "this gateway has lost the deal");
    let deal = service.status.deal(request.deal_id).ok_or_else(behind)?;
    let sender = service.sender(principal.subject);
    let command = Command::PlacePurchase(Box::new(PlacePurchase {
        deal_id: request.deal_id,
        customer,
        key: question.key,
        fingerprint: question.fingerprint,
        quantity,
        client_reference: request.client_reference.clone(),
        ticket_key: sender.ticket_key,
        received_at: sender.received_at,
        actor: sender.actor,
        admission: Some(admission),
    }));
    let place = service.congestion.enter().ok_or_else(|| too_many(service))?;
    let (partition, product) = (deal.partition, Some(&deal.product_id));
    let way = Way { partition, product, place: Some(place) };
    let position = service.append(way, &command, call).await?;
    let queued = QueuedPurchase {
        deal_id: request.deal_id,
        product_id: deal.product_id.clone(),
        quantity,
        unit_price: deal.terms.price,
        purchased_at: sender.received_at,
        client_reference: request.client_reference,
    };
    service.status.remember(position, queued.clone());
    let log_id = service.status.log_id();
    let key = sender.ticket_key;
    let order_id = service.tickets.load().order_id(log_id, position, key, customer);
    let ticket = Ticket { log_id, position, key };
    Ok((Lookup { order_id, ticket, own: Some(customer) }, queued))
}

/// 202 with the queued order; or 200 with the decided one, if the client waits for it. Without a
/// wait nobody looks whether it has been decided meanwhile: 202 means that it stands in the log.
async fn answer(
    service: &Service,
    lookup: &Lookup,
    queued: &QueuedPurchase,
    wait: Duration,
) -> Answer {
    if wait.is_zero() {
        return Ok(accepted(service, lookup, &in_line(service, lookup, queued)));
    }
    // On the heap, as every rare wait here: room for it would be moved with each purchase.
    let sight = match Box::pin(service.look_until(lookup, Until::Decided, wait)).await {
        Ok(sight) => sight,
        // It is in the log all the same; whatever cannot be told now is told by its own address.
        Err(_) => in_line(service, lookup, queued),
    };
    if sight.order.status == OrderStatus::Queued {
        return Ok(accepted(service, lookup, &sight));
    }
    Ok(service.show_order(StatusCode::OK, &sight, lookup.order_id))
}

fn accepted(service: &Service, lookup: &Lookup, sight: &Sight) -> Response {
    let mut response = service.show_order(StatusCode::ACCEPTED, sight, lookup.order_id);
    let headers = response.headers_mut();
    put_order_location(headers, header::LOCATION, lookup.order_id);
    let poll_after_ms = sight.order.queue.as_ref().map_or(0, |queue| queue.poll_after_ms);
    let poll_after = Duration::from_millis(poll_after_ms);
    headers.insert(header::RETRY_AFTER, service.dice.retry_after(poll_after));
    response
}

/// What is surely known of a purchase that was just appended.
fn in_line(service: &Service, lookup: &Lookup, queued: &QueuedPurchase) -> Sight {
    let position = lookup.ticket.position;
    // Before the place is looked at: the answer shows at least this much. No event is made of it,
    // so nobody asks for a read_offset.
    let decided_next = service.status.seen(position.partition);
    let queue = service.status.queue(position);
    let order = crate::answer::queued_body(lookup.order_id, Some(queued), queue);
    Sight { order, position, as_of: Some(AsOf { decided_next, read_offset: 0 }) }
}

/// 200 with the order that the key is bound to.
async fn repeat(service: &Service, first: Position, customer: CustomerId) -> Answer {
    let log_id = service.status.log_id();
    let sight = Box::pin(service.look_at_first(log_id, first, Some(customer))).await?;
    let mut response = service.show_order(StatusCode::OK, &sight, sight.order.order_id);
    let headers = response.headers_mut();
    put_order_location(headers, header::CONTENT_LOCATION, sight.order.order_id);
    Ok(response)
}

/// The line is as long as it may be.
pub(crate) fn too_many(service: &Service) -> Refusal {
    let wait = service.congestion.turn_away();
    let detail = "more purchases come than are taken now; this one was not";
    Refusal::new(ProblemCode::Overloaded, detail).after_millis(service.dice.jittered(wait))
}

fn key_reused() -> Refusal {
    let detail = "the key belongs to a purchase with another body";
    Refusal::field(ProblemCode::IdempotencyKeyReused, "Idempotency-Key", detail)
}

/// The hash of all that a retry must repeat.
fn fingerprint(request: &PurchaseRequest) -> Fingerprint {
    let reference = request.client_reference.as_ref().map_or("", |reference| reference.as_str());
    let quantity = request.quantity.to_be_bytes();
    Fingerprint::of(&[request.deal_id.0.as_bytes(), &quantity, reference.as_bytes()])
}
