//! Pages of a customer's orders, against the log: every order is theirs, and had the status that is
//! shown at a place between what they had seen and what the page says that it shows; and none is
//! missing that they had seen.

use schemas::http::{Order, OrderStatus, Page};
use schemas::{Offset, Partition};

use super::super::{Check, expect, ledger};
use super::Known;
use crate::history::{Told, position_of};

pub(super) fn check(
    told: &Told,
    page: &Page<Order>,
    status: Option<OrderStatus>,
    known: &Known<'_>,
) -> Check {
    for order in &page.items {
        check_order(told, order, known)?;
        expect("I6", status.is_none_or(|status| order.status == status), || {
            format!("asked for {status:?}: {told:?}")
        })?;
    }
    let times: Vec<_> = page.items.iter().map(|order| order.purchased_at).collect();
    expect("I6", times.is_sorted_by(|one, two| one >= two), || {
        format!("not the newest first: {told:?}")
    })?;
    let is_whole = status.is_none() && page.next_cursor.is_none();
    if is_whole { check_whole(told, page, known) } else { Ok(()) }
}

/// What a client has seen of a partition.
fn had_seen(told: &Told, partition: Partition) -> Offset {
    told.had_seen.get(&partition).copied().unwrap_or(0)
}

fn check_order(told: &Told, order: &Order, known: &Known<'_>) -> Check {
    let position = position_of(order.order_id);
    let ledger = position.and_then(|position| ledger(known.partitions, position));
    let found = position.zip(ledger).and_then(|(at, ledger)| ledger.orders.get(&at.offset));
    let (Some(position), Some(found)) = (position, found) else {
        return expect("I6", false, || format!("{} is no order: {told:?}", order.order_id));
    };
    let shown = told.shows.get(&position.partition).copied();
    let low = had_seen(told, position.partition);
    // It had a status until the next one came.
    let ends = found.past.iter().skip(1).map(|(from, _)| *from).chain([Offset::MAX]);
    let was_so = found.past.iter().zip(ends).any(|((from, status), end)| {
        *status == order.status && shown.is_some_and(|shown| *from <= shown) && end > low
    });
    let is_it = (Some(found.deal_id), Some(found.quantity)) == (order.deal_id, order.quantity)
        && found.customer.0 == told.subject;
    known.universe.count("orders on pages");
    expect("I6", was_so && is_it, || {
        format!("from {low} to {shown:?} {found:?} is shown as {order:?}")
    })
}

fn check_whole(told: &Told, page: &Page<Order>, known: &Known<'_>) -> Check {
    let positions: Vec<_> =
        page.items.iter().filter_map(|order| position_of(order.order_id)).collect();
    for checked in known.partitions {
        let partition = checked.partition;
        let low = had_seen(told, partition);
        let seen = checked
            .ledger
            .orders
            .iter()
            .filter(|(_, order)| order.customer.0 == told.subject && order.past[0].0 <= low);
        for (offset, order) in seen {
            let is_there =
                positions.iter().any(|it| (it.partition, it.offset) == (partition, *offset));
            expect("I6", is_there, || {
                format!("{partition}/{offset} is missing, {order:?}, {low} was seen: {told:?}")
            })?;
        }
    }
    Ok(())
}
