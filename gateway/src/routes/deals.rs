//! Deals, for everybody.

use std::cmp::Reverse;
use std::sync::Arc;

use http::StatusCode;
use read_model::DealRow;
use schemas::http::{Deal, DealStatus, Page, ProblemCode};
use schemas::{DealId, Timestamp};
use uuid::Uuid;

use super::Answer;
use super::reply::{PUBLIC, Seen, json, put_seen};
use crate::answer::{deal_body, deal_status};
use crate::call::Call;
use crate::composition::Service;
use crate::problem::Refusal;
use crate::reading::{DealCursor, Query, read_deal_cursor, write_deal_cursor};
use crate::status::Readiness;

/// `GET /v1/deals/{deal_id}`
pub(super) async fn get(service: &Service, call: Arc<Call>, id: String) -> Answer {
    Query::read(&call.uri, &[])?;
    let found = find(service, &call, &id).await?;
    let mut seen = Seen::new(service.status.log_id());
    let is_own = found.log_id == service.status.log_id();
    if is_own {
        // Before the deal is looked at: the answer shows at least this much.
        seen.note(found.partition, service.status.seen(found.partition));
    }
    let row = service.status.deal(found.deal_id).filter(|_| is_own).unwrap_or(found);
    let mut response = json(StatusCode::OK, &deal_body(&row, service.now()), PUBLIC);
    put_seen(response.headers_mut(), &seen);
    Ok(response)
}

/// `GET /v1/deals`: newest opening first, without what was retired.
pub(super) async fn list(service: &Service, call: Arc<Call>) -> Answer {
    let query = Query::read(&call.uri, &["status", "cursor", "limit"])?;
    let status = query.get("status").map(read_status).transpose()?;
    let after = query.get("cursor").map(read_deal_cursor).transpose()?;
    let limit = usize::try_from(query.limit()?).expect("at most 100");
    service.catch_up(&call.headers, None).await?;
    let now = service.now();
    let mut rows = service.status.deals();
    rows.retain(|row| {
        let follows = after.is_none_or(|after| key(row) > (Reverse(after.opens_at), after.deal_id));
        !row.retired && follows && status.is_none_or(|status| deal_status(row, now) == status)
    });
    rows.sort_unstable_by_key(|row| key(row));
    let has_more = rows.len() > limit;
    rows.truncate(limit);
    let last = rows.last().filter(|_| has_more);
    let next_cursor = last.map(|row| {
        write_deal_cursor(&DealCursor { opens_at: row.terms.opens_at, deal_id: row.deal_id })
    });
    let items: Vec<Deal> = rows.iter().map(|row| deal_body(row, now)).collect();
    Ok(json(StatusCode::OK, &Page { items, next_cursor, as_of: now }, PUBLIC))
}

/// The deal of that id, of this log or of one that was replaced.
pub(super) async fn find(
    service: &Service,
    call: &Call,
    id: &str,
) -> Result<Arc<DealRow>, Refusal> {
    let deal_id = read_id(id)?;
    // A deal that this gateway does not know may have been seen elsewhere, in any partition.
    service.catch_up(&call.headers, service.status.partition_of(deal_id)).await?;
    if let Some(row) = service.status.deal(deal_id) {
        return Ok(row);
    }
    if service.status.ready() == Readiness::Starting {
        return Err(Refusal::new(ProblemCode::NotReady, ProblemCode::NotReady.title()));
    }
    // Not on the path of a crowd: links to deals of a log that was replaced. Anybody may make ids
    // up, so only a few look at once.
    let Ok(_room) = service.old_deals.try_acquire() else {
        return Err(Refusal::new(ProblemCode::Overloaded, "too many look for unknown deals"));
    };
    match service.store.deal(deal_id).await {
        // The read model is ahead of the view, which could not say of when its row is.
        Ok(Some(row)) if row.log_id == service.status.log_id() => {
            let code = ProblemCode::ViewBehind;
            Err(Refusal::new(code, code.title()))
        }
        Ok(Some(row)) => Ok(Arc::new(row)),
        Ok(None) => Err(no_deal()),
        Err(error) => {
            tracing::warn!(%error, "an old deal could not be looked up");
            let code = ProblemCode::HistoryUnavailable;
            Err(Refusal::new(code, "older deals cannot be read now"))
        }
    }
}

/// A deal id of the path.
pub(super) fn read_id(id: &str) -> Result<DealId, Refusal> {
    Uuid::try_parse(id).map(DealId).map_err(|_| no_deal())
}

pub(super) fn no_deal() -> Refusal {
    Refusal::new(ProblemCode::DealNotFound, "there is no such deal")
}

fn read_status(text: &str) -> Result<DealStatus, Refusal> {
    DealStatus::ALL
        .into_iter()
        .find(|status| status.as_str() == text)
        .ok_or_else(|| Refusal::field(ProblemCode::OutOfRange, "status", "not a status of a deal"))
}

fn key(row: &DealRow) -> (Reverse<Timestamp>, DealId) {
    (Reverse(row.terms.opens_at), row.deal_id)
}
