//! What operators do to deals. Every call is a command; with `wait` it answers with the deal.

use std::sync::Arc;
use std::time::Duration;

use http::{StatusCode, header};
use schemas::http::{DealRequest, ProblemCode, ScheduleRequest, StockAdjustmentRequest};
use schemas::log::{
    AdjustStock, AnnounceDeal, CloseDeal, Command, PauseDeal, RescheduleDeal, ResumeDeal,
};
use schemas::{DealId, DealKey, Digest, Fingerprint, Partition, ProductId};

use super::Answer;
use super::commands::{self, Issued};
use super::deals::{no_deal, read_id};
use super::reply::{NO_STORE, Seen, json, put_seen, visible};
use crate::answer::deal_body;
use crate::auth::{Principal, Scope, Scopes};
use crate::call::Call;
use crate::commands::Sender;
use crate::composition::Service;
use crate::problem::Refusal;
use crate::reading::{
    Query, check_adjustment, check_deal, check_schedule, expect_no_body, idempotency_key, read_json,
};
use crate::status::Readiness;

/// `PUT /v1/admin/products/{product_id}/deals/{deal_key}`
pub(super) async fn announce(
    service: &Service,
    call: Arc<Call>,
    product: String,
    deal_key: String,
) -> Answer {
    let Ordered { wait, principal } = Ordered::read(service, &call).await?;
    let product_id: ProductId = product.parse().map_err(|fault| in_path("product_id", fault))?;
    let deal_key: DealKey = deal_key.parse().map_err(|fault| in_path("deal_key", fault))?;
    let terms = check_deal(read_json::<DealRequest>(&call).await?)?;
    service.limits.check_customer(principal.subject)?;
    let partition =
        event_log::partition_of(product_id.as_str().as_bytes(), service.commands.partitions());
    service.catch_up(&call.headers, Some(partition)).await?;
    let deal_id = DealId::of(&product_id, &deal_key);
    let is_new = service.status.deal(deal_id).is_none();
    let Sender { ticket_key, received_at, actor } = service.sender(principal.subject);
    let command = Command::AnnounceDeal(Box::new(AnnounceDeal {
        product_id: product_id.clone(),
        deal_key,
        terms: Box::new(terms),
        ticket_key,
        received_at,
        actor,
        admission: service.admission(partition),
    }));
    let issued = Issued::append(service, partition, Some(&product_id), &command, &call).await?;
    drop(call);
    let status = if is_new { StatusCode::CREATED } else { StatusCode::OK };
    answer(service, &issued, wait, (deal_id, status)).await
}

/// `POST /v1/admin/deals/{deal_id}/stock-adjustments`
pub(super) async fn adjust(service: &Service, call: Arc<Call>, id: String) -> Answer {
    let ordered = Ordered::read(service, &call).await?;
    let actor = ordered.principal.subject;
    let key = Digest::of_key(actor, idempotency_key(&call.headers)?);
    let request: StockAdjustmentRequest = read_json(&call).await?;
    check_adjustment(&request)?;
    let delta = request.delta.to_be_bytes();
    let fingerprint = Fingerprint::of(&[&delta, request.reason_code.as_str().as_bytes()]);
    change(service, call, ordered, &id, |deal_id, partition, sender| {
        Command::AdjustStock(Box::new(AdjustStock {
            deal_id,
            key,
            fingerprint,
            delta: request.delta,
            reason_code: request.reason_code,
            ticket_key: sender.ticket_key,
            received_at: sender.received_at,
            actor: sender.actor,
            admission: service.admission(partition),
        }))
    })
    .await
}

/// `POST /v1/admin/deals/{deal_id}/schedule`
pub(super) async fn schedule(service: &Service, call: Arc<Call>, id: String) -> Answer {
    let ordered = Ordered::read(service, &call).await?;
    let request: ScheduleRequest = read_json(&call).await?;
    let known = read_id(&id).ok().and_then(|deal_id| service.status.deal(deal_id));
    // Of a deal that is over, the decider says so; its times no longer matter.
    let live = known.filter(|row| !row.closed && !row.retired);
    let kept = live.map(|row| (row.terms.opens_at, row.terms.closes_at));
    check_schedule(&request, kept)?;
    change(service, call, ordered, &id, |deal_id, partition, sender| {
        Command::RescheduleDeal(Box::new(RescheduleDeal {
            deal_id,
            opens_at: request.opens_at,
            closes_at: request.closes_at,
            ticket_key: sender.ticket_key,
            received_at: sender.received_at,
            actor: sender.actor,
            admission: service.admission(partition),
        }))
    })
    .await
}

/// A call that changes a deal and says everything in its address.
macro_rules! bodiless {
    ($(#[$doc:meta])* $name:ident, $command:ident) => {
        $(#[$doc])*
        pub(super) async fn $name(service: &Service, call: Arc<Call>, id: String) -> Answer {
            let ordered = Ordered::read(service, &call).await?;
            expect_no_body(&call).await?;
            change(service, call, ordered, &id, |deal_id, partition, sender| {
                Command::$command(Box::new($command {
                    deal_id,
                    ticket_key: sender.ticket_key,
                    received_at: sender.received_at,
                    actor: sender.actor,
                    admission: service.admission(partition),
                }))
            })
            .await
        }
    };
}

bodiless!(
    /// `POST /v1/admin/deals/{deal_id}/pause`
    pause,
    PauseDeal
);
bodiless!(
    /// `POST /v1/admin/deals/{deal_id}/resume`
    resume,
    ResumeDeal
);
bodiless!(
    /// `POST /v1/admin/deals/{deal_id}/closure`
    close,
    CloseDeal
);

/// Who orders a change, and how long they wait for it.
#[derive(Clone, Copy)]
struct Ordered {
    wait: Duration,
    principal: Principal,
}

impl Ordered {
    async fn read(service: &Service, call: &Call) -> Result<Self, Refusal> {
        let principal =
            service.gatekeeper.admit(&call.headers, Scopes::of(&[Scope::Admin])).await?;
        let wait = Query::read(&call.uri, &["wait"])?.wait()?;
        Ok(Self { wait, principal })
    }
}

/// Appends a command about a deal that the view knows: without it there is no partition.
async fn change(
    service: &Service,
    call: Arc<Call>,
    ordered: Ordered,
    id: &str,
    command: impl FnOnce(DealId, Partition, Sender) -> Command,
) -> Answer {
    let Ordered { wait, principal } = ordered;
    service.limits.check_customer(principal.subject)?;
    let deal_id = read_id(id)?;
    let Some(row) = service.status.deal(deal_id) else {
        // A view that is behind may not have heard of it yet.
        service.catch_up(&call.headers, None).await?;
        return Err(match service.status.ready() {
            Readiness::Ready => no_deal(),
            Readiness::Starting | Readiness::Stale => {
                let code = ProblemCode::ViewBehind;
                Refusal::new(code, code.title())
            }
        });
    };
    let partition = row.partition;
    service.catch_up(&call.headers, Some(partition)).await?;
    let command = command(deal_id, partition, service.sender(principal.subject));
    let product = Some(&row.product_id);
    let issued = Issued::append(service, partition, product, &command, &call).await?;
    drop(call);
    answer(service, &issued, wait, (deal_id, StatusCode::OK)).await
}

/// 202 with the command, or the deal once the command is done.
async fn answer(
    service: &Service,
    issued: &Issued,
    wait: Duration,
    (deal_id, status): (DealId, StatusCode),
) -> Answer {
    let is_done = issued.is_done(service, wait).await?;
    // Before the deal is looked at: the answer shows at least this much.
    let decided_next = service.status.seen(issued.partition());
    let Some(row) = service.status.deal(deal_id).filter(|_| is_done) else {
        return Ok(commands::queued(service, issued));
    };
    let mut response = json(status, &deal_body(&row, service.now()), NO_STORE);
    let headers = response.headers_mut();
    if status == StatusCode::CREATED {
        headers.insert(header::LOCATION, visible(format!("/v1/deals/{deal_id}")));
    }
    let mut seen = Seen::new(service.status.log_id());
    seen.note(issued.partition(), decided_next);
    put_seen(headers, &seen);
    Ok(response)
}

/// A name in the path that cannot be one.
fn in_path(name: &str, fault: &str) -> Refusal {
    Refusal::field(ProblemCode::Malformed, name, fault)
}
