//! Deals created, and replaced before they open.

use sabotage::Bug;
use schemas::limits::{
    DEAL_DURATION_MS_MAX, DESCRIPTION_CHARS_MAX, HOLD_SECONDS_MAX, IMAGE_URL_BYTES_MAX,
    LIMIT_PER_CUSTOMER_MAX, PRICE_MAX, STOCK_MAX, TITLE_CHARS_MAX,
};
use schemas::log::{
    AnnounceDeal, DealAnnounced, DealPaused, DealTerms, Event, Product, RefusalCode,
};
use schemas::{DealId, Timestamp};

use super::refused;
use crate::State;
use crate::state::{Found, announcement_digest};

/// Decides about an announcement. What became of the deal comes before what the terms say.
pub(super) fn announce(state: &State, command: &AnnounceDeal, log_time: Timestamp) -> Vec<Event> {
    match replaced(state, command, log_time) {
        Ok(Replaced::Same) => Vec::new(),
        Ok(_) if !is_in_range(&command.terms) => vec![refused(RefusalCode::OutOfRange)],
        Ok(Replaced::None) => vec![announced(command)],
        // It starts anew, but whoever paused it did not resume it.
        Ok(Replaced::Paused(deal_id)) => {
            vec![announced(command), Event::DealPaused(DealPaused { deal_id })]
        }
        Err(code) => vec![refused(code)],
    }
}

/// What an announcement replaces.
enum Replaced {
    /// Nothing that must be taken over.
    None,
    /// A deal that is paused.
    Paused(DealId),
    /// The announcement that it is, sent again.
    Same,
}

fn replaced(
    state: &State,
    command: &AnnounceDeal,
    log_time: Timestamp,
) -> Result<Replaced, RefusalCode> {
    let AnnounceDeal { product_id, deal_key, terms, .. } = command;
    let deal_id = DealId::of(product_id, deal_key);
    let deal = match state.find(deal_id) {
        Found::Nothing => return Ok(Replaced::None),
        Found::Retired => return Err(RefusalCode::DealRetired),
        Found::Deal(deal) => deal,
    };
    let is_same = announcement_digest(product_id, deal_key, terms) == deal.announcement();
    let is_unsold = deal.orders.len() == 0 && !deal.closed;
    let is_taken_as_new = is_unsold && sabotage::is_planted(Bug::AnnouncedWhileOpen);
    if deal.is_open_by(log_time) && !is_taken_as_new {
        return if is_same { Ok(Replaced::Same) } else { Err(RefusalCode::DealAlreadyOpen) };
    }
    if deal.closed {
        return Err(RefusalCode::DealClosed);
    }
    // Before opening it may also be meant to undo a change of the schedule.
    let schedule = (deal.terms.opens_at, deal.terms.closes_at);
    if is_same && schedule == (terms.opens_at, terms.closes_at) {
        return Ok(Replaced::Same);
    }
    Ok(if deal.paused { Replaced::Paused(deal_id) } else { Replaced::None })
}

fn announced(command: &AnnounceDeal) -> Event {
    let AnnounceDeal { product_id, deal_key, terms, .. } = command;
    Event::DealAnnounced(DealAnnounced {
        deal_id: DealId::of(product_id, deal_key),
        product_id: product_id.clone(),
        deal_key: deal_key.clone(),
        terms: terms.clone(),
    })
}

fn is_in_range(terms: &DealTerms) -> bool {
    let DealTerms {
        product: Product { name, description, image_url },
        title,
        price,
        stock,
        limit_per_customer,
        opens_at,
        closes_at,
        hold_seconds,
    } = terms;
    let title_chars = 1..=TITLE_CHARS_MAX;
    title_chars.contains(&name.chars().count())
        && title_chars.contains(&title.chars().count())
        && description.chars().count() <= DESCRIPTION_CHARS_MAX
        && image_url.as_ref().is_none_or(|url| url.len() <= IMAGE_URL_BYTES_MAX)
        && (0..=PRICE_MAX).contains(&price.amount)
        && *stock <= STOCK_MAX
        && (1..=LIMIT_PER_CUSTOMER_MAX).contains(limit_per_customer)
        && is_a_schedule(*opens_at, *closes_at)
        && *hold_seconds <= HOLD_SECONDS_MAX
}

/// Whether a deal may open and close so: in this order, not too long, in times that can be written.
pub(super) fn is_a_schedule(opens_at: Timestamp, closes_at: Timestamp) -> bool {
    let duration_ms = closes_at.as_millis().checked_sub(opens_at.as_millis());
    Timestamp::EPOCH <= opens_at
        && closes_at <= Timestamp::MAX
        && duration_ms.is_some_and(|length| (1..=DEAL_DURATION_MS_MAX).contains(&length))
}
