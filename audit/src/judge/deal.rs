//! Commands of operators about a deal.

use schemas::limits::{
    DEAL_DURATION_MS_MAX, DESCRIPTION_CHARS_MAX, HOLD_SECONDS_MAX, IMAGE_URL_BYTES_MAX,
    LIMIT_PER_CUSTOMER_MAX, PRICE_MAX, STOCK_MAX, TITLE_CHARS_MAX,
};
use schemas::log::{
    AdjustStock, AnnounceDeal, DealAnnounced, DealClosed, DealPaused, DealRescheduled, DealResumed,
    DealRetired, DealTerms, Event, RefusalCode, RescheduleDeal, RetireDeal, StockAdjusted,
};
use schemas::{DealId, Timestamp};

use super::{Answer, refused, repeated, units};
use crate::world::{Deal, World};

fn deal(world: &World, deal_id: DealId) -> Result<&Deal, RefusalCode> {
    match world.deals.get(&deal_id) {
        None => Err(RefusalCode::DealNotFound),
        Some(deal) if deal.row.retired => Err(RefusalCode::DealRetired),
        Some(deal) => Ok(deal),
    }
}

/// The same announcement again is a success without effect; once open, no other is. A deal that is
/// replaced before starts anew, but a pause stays.
pub(super) fn announce(world: &World, command: &AnnounceDeal, log_time: Timestamp) -> Vec<Event> {
    let deal_id = DealId::of(&command.product_id, &command.deal_key);
    let replaced = world.deals.get(&deal_id);
    let refusal = replaced.and_then(|known| match () {
        () if known.row.retired => Some(RefusalCode::DealRetired),
        () if known.is_open_by(log_time) => Some(RefusalCode::DealAlreadyOpen),
        () if known.row.closed => Some(RefusalCode::DealClosed),
        () => None,
    });
    let is_same = replaced.is_some_and(|known| known.announced == *command.terms);
    // Before opening it may also undo a change of the schedule.
    let undoes_nothing = replaced.is_some_and(|known| {
        let (now, again) = (&known.row.terms, &command.terms);
        (now.opens_at, now.closes_at) == (again.opens_at, again.closes_at)
    });
    let is_open = refusal == Some(RefusalCode::DealAlreadyOpen);
    if is_same && (is_open || (refusal.is_none() && undoes_nothing)) {
        return Vec::new();
    }
    let unfit = (!is_in_range(&command.terms)).then_some(RefusalCode::OutOfRange);
    if let Some(code) = refusal.or(unfit) {
        return vec![refused(code)];
    }
    let mut events = vec![Event::DealAnnounced(DealAnnounced {
        deal_id,
        product_id: command.product_id.clone(),
        deal_key: command.deal_key.clone(),
        terms: command.terms.clone(),
    })];
    if replaced.is_some_and(|known| known.row.paused) {
        events.push(Event::DealPaused(DealPaused { deal_id }));
    }
    events
}

fn is_in_range(terms: &DealTerms) -> bool {
    let is_title = |text: &str| (1..=TITLE_CHARS_MAX).contains(&text.chars().count());
    let product = &terms.product;
    let url_bytes = product.image_url.as_ref().map_or(0, |url| url.len());
    is_title(&product.name)
        && is_title(&terms.title)
        && product.description.chars().count() <= DESCRIPTION_CHARS_MAX
        && url_bytes <= IMAGE_URL_BYTES_MAX
        && terms.price.amount >= 0
        && terms.price.amount <= PRICE_MAX
        && terms.stock <= STOCK_MAX
        && terms.limit_per_customer >= 1
        && terms.limit_per_customer <= LIMIT_PER_CUSTOMER_MAX
        && terms.hold_seconds <= HOLD_SECONDS_MAX
        && is_a_schedule(terms.opens_at, terms.closes_at)
}

fn is_a_schedule(opens_at: Timestamp, closes_at: Timestamp) -> bool {
    let (opens, closes) = (i128::from(opens_at.as_millis()), i128::from(closes_at.as_millis()));
    opens >= 0
        && closes <= i128::from(Timestamp::MAX.as_millis())
        && opens < closes
        && closes - opens <= i128::from(DEAL_DURATION_MS_MAX)
}

pub(super) fn adjust(world: &World, command: &AdjustStock, log_time: Timestamp) -> Answer {
    let deal = deal(world, command.deal_id)?;
    if let Some((fingerprint, first)) = world.adjustments.get(&(command.deal_id, command.key)) {
        let is_same = *fingerprint == command.fingerprint;
        return if is_same {
            Ok(Some(repeated(*first)))
        } else {
            Err(RefusalCode::IdempotencyKeyReused)
        };
    }
    let delta = i128::from(command.delta);
    if deal.is_closed_by(log_time) {
        return Err(RefusalCode::DealClosed);
    }
    if delta == 0 || deal.stock() + delta > i128::from(STOCK_MAX) {
        return Err(RefusalCode::OutOfRange);
    }
    if deal.left() + delta < 0 {
        return Err(RefusalCode::StockBelowCommitted);
    }
    let AdjustStock { deal_id, key, fingerprint, delta: added, .. } = *command;
    Ok(Some(Event::StockAdjusted(StockAdjusted {
        deal_id,
        key,
        fingerprint,
        delta: added,
        reason_code: command.reason_code.clone(),
        stock_left: units(deal.left() + delta),
    })))
}

pub(super) fn pause(world: &World, deal_id: DealId, log_time: Timestamp) -> Answer {
    let deal = deal(world, deal_id)?;
    match (deal.row.paused, deal.is_closed_by(log_time)) {
        (true, _) => Ok(None),
        (false, true) => Err(RefusalCode::DealClosed),
        (false, false) => Ok(Some(Event::DealPaused(DealPaused { deal_id }))),
    }
}

pub(super) fn resume(world: &World, deal_id: DealId, log_time: Timestamp) -> Answer {
    let deal = deal(world, deal_id)?;
    match (deal.row.paused, deal.is_closed_by(log_time)) {
        (false, _) => Ok(None),
        (true, true) => Err(RefusalCode::DealClosed),
        (true, false) => Ok(Some(Event::DealResumed(DealResumed { deal_id }))),
    }
}

pub(super) fn close(world: &World, deal_id: DealId) -> Answer {
    let deal = deal(world, deal_id)?;
    Ok((!deal.row.closed).then_some(Event::DealClosed(DealClosed { deal_id })))
}

pub(super) fn reschedule(world: &World, command: &RescheduleDeal, log_time: Timestamp) -> Answer {
    let deal_id = command.deal_id;
    let deal = deal(world, deal_id)?;
    let (opened, closed) = (deal.row.terms.opens_at, deal.row.terms.closes_at);
    let opens_at = command.opens_at.unwrap_or(opened);
    let closes_at = command.closes_at.unwrap_or(closed);
    if deal.row.closed {
        return Err(RefusalCode::DealClosed);
    }
    if opens_at != opened && deal.is_open_by(log_time) {
        return Err(RefusalCode::DealAlreadyOpen);
    }
    if !is_a_schedule(opens_at, closes_at) {
        return Err(RefusalCode::OutOfRange);
    }
    let is_new = (opens_at, closes_at) != (opened, closed);
    let event = Event::DealRescheduled(DealRescheduled { deal_id, opens_at, closes_at });
    Ok(is_new.then_some(event))
}

/// Nothing, if the closing has changed, lies ahead, or holds are left.
pub(super) fn retire(world: &World, command: &RetireDeal, log_time: Timestamp) -> Vec<Event> {
    let RetireDeal { deal_id, closes_at, .. } = *command;
    let is_over = deal(world, deal_id).is_ok_and(|deal| {
        deal.row.terms.closes_at == closes_at && closes_at <= log_time && deal.held == 0
    });
    if is_over { vec![Event::DealRetired(DealRetired { deal_id })] } else { Vec::new() }
}
