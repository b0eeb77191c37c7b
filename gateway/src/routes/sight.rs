//! Looking at one order, and waiting for it: what polls, purchases and streams have in common.

use std::time::Duration;

use http::{HeaderMap, StatusCode, header};
use schemas::http::{Order, OrderStatus, ProblemCode};
use schemas::{CustomerId, Offset, Partition, Position};
use uuid::Uuid;
use uuid::fmt::Hyphenated;
use warp::reply::Response;

use super::reply::{PRIVATE, SEEN, Seen, json, put_order_location, put_seen, visible};
use crate::answer::{etag_matches, order_body, order_etag, queued_body};
use crate::composition::Service;
use crate::problem::Refusal;
use crate::status::{Answered, AsOf, OrderState};
use crate::ticket::Ticket;

/// How long a gateway that is behind its client catches up before it gives in.
const CATCH_UP: Duration = Duration::from_secs(1);

/// Whose order is looked for, and by which id.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lookup {
    /// The id that was asked for.
    pub(crate) order_id: Uuid,
    /// What it says.
    pub(crate) ticket: Ticket,
    /// Whose order it must be; none: anybody's.
    pub(crate) own: Option<CustomerId>,
}

/// An order as it was seen.
#[derive(Clone, Debug)]
pub(crate) struct Sight {
    /// Its body.
    pub(crate) order: Order,
    /// Where its purchase stands: for a repeat, that of the first order.
    pub(crate) position: Position,
    /// What it is as of.
    pub(crate) as_of: Option<AsOf>,
}

impl Sight {
    /// What the client has seen with this.
    pub(crate) fn seen(&self, log_id: u8) -> Seen {
        let mut seen = Seen::new(log_id);
        if let Some(as_of) = self.as_of {
            seen.note(self.position.partition, as_of.decided_next);
        }
        seen
    }
}

/// When a wait is over.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Until<'a> {
    /// Once the order is decided.
    Decided,
    /// Once the order differs from what has one of these tags.
    Differs(&'a str),
}

impl Until<'_> {
    fn is_over(self, order: &Order) -> bool {
        match self {
            Self::Decided => order.status != OrderStatus::Queued,
            Self::Differs(tags) => !etag_matches(tags, &order_etag(order)),
        }
    }
}

impl Service {
    /// What an order id says, if it is one of ours and, unless `own` is none, of that customer.
    pub(crate) fn lookup(&self, id: &str, own: Option<CustomerId>) -> Result<Lookup, Refusal> {
        // Only the canonical form, so that an order has one address.
        let order_id = Uuid::try_parse(id).ok().filter(|_| id.len() == Hyphenated::LENGTH);
        self.lookup_id(order_id.ok_or_else(no_order)?, own)
    }

    /// The same for an id that was read already.
    pub(crate) fn lookup_id(
        &self,
        order_id: Uuid,
        own: Option<CustomerId>,
    ) -> Result<Lookup, Refusal> {
        let ticket = self.tickets.load().read_order(order_id, own).ok_or_else(no_order)?;
        Ok(Lookup { order_id, ticket, own })
    }

    /// The id of an order, made with the key that its purchase names. Another gateway may have
    /// issued with one that this one has not read yet.
    pub(crate) fn order_id(
        &self,
        log_id: u8,
        position: Position,
        key: u16,
        customer: CustomerId,
    ) -> Result<Uuid, Refusal> {
        let tickets = self.tickets.load();
        if tickets.knows(key) {
            return Ok(tickets.order_id(log_id, position, key, customer));
        }
        tracing::error!(key, "an order's id is made with a ticket key that is not in the list");
        let detail = "this gateway has not read the key of an order's id yet";
        Err(Refusal::new(ProblemCode::ViewBehind, detail))
    }

    /// Waits until the view has what the client has seen of `partition`; none: of any.
    pub(crate) async fn catch_up(
        &self,
        headers: &HeaderMap,
        partition: Option<Partition>,
    ) -> Result<(), Refusal> {
        let mut start_ms = None;
        for line in headers.get_all(SEEN).iter().filter_map(|line| line.to_str().ok()) {
            let seen = Seen::parse(self.status.log_id(), line);
            let asked = seen.partitions().filter(|(of, _)| partition.is_none_or(|one| one == *of));
            for (of, decided_next) in asked {
                if self.status.seen(of) >= decided_next {
                    continue;
                }
                let now_ms = self.clock.elapsed_millis();
                let gone_ms = now_ms - *start_ms.get_or_insert(now_ms);
                let left = CATCH_UP.saturating_sub(Duration::from_millis(gone_ms));
                if !Box::pin(self.status.wait_seen(of, decided_next, left)).await {
                    let detail = "this gateway is behind what was seen elsewhere";
                    return Err(Refusal::new(ProblemCode::ViewBehind, detail));
                }
            }
        }
        Ok(())
    }

    /// Looks at an order once.
    pub(crate) async fn look(&self, lookup: &Lookup) -> Result<Sight, Refusal> {
        let Lookup { order_id, ticket, own } = lookup;
        let answered = self.status.order(ticket).await.map_err(unsaid)?;
        let Answered { state, as_of } = answered;
        match state {
            OrderState::Queued { queue, purchase } => {
                let order = queued_body(*order_id, purchase.as_deref(), queue);
                Ok(Sight { order, position: ticket.position, as_of })
            }
            OrderState::Decided(row) => {
                // Support and webhooks may ask with an id of which only one half was checked.
                let (key, customer) = (row.ticket_key, row.customer);
                let order_id = if self.tickets.load().knows(key) {
                    self.tickets.load().order_id(ticket.log_id, ticket.position, key, customer)
                } else {
                    *order_id
                };
                self.show(order_id, &row, *own, as_of)
            }
            OrderState::Repeat(first) => self.look_at_first(ticket.log_id, first, *own).await,
            OrderState::NotAnOrder => Err(no_order()),
        }
    }

    /// Looks at the order that a repeat of its key is answered with.
    pub(crate) async fn look_at_first(
        &self,
        log_id: u8,
        first: Position,
        own: Option<CustomerId>,
    ) -> Result<Sight, Refusal> {
        let Answered { state, as_of } =
            self.status.order_at(log_id, first).await.map_err(unsaid)?;
        match state {
            OrderState::Decided(row) => {
                let (key, customer) = (row.ticket_key, row.customer);
                let order_id = self.order_id(log_id, first, key, customer)?;
                self.show(order_id, &row, own, as_of)
            }
            // Whatever is first was decided before its repeat was.
            OrderState::Queued { .. } => {
                Err(Refusal::new(ProblemCode::ViewBehind, "the first order is not here yet"))
            }
            OrderState::Repeat(_) | OrderState::NotAnOrder => Err(no_order()),
        }
    }

    fn show(
        &self,
        order_id: Uuid,
        row: &read_model::OrderRow,
        own: Option<CustomerId>,
        as_of: Option<AsOf>,
    ) -> Result<Sight, Refusal> {
        if own.is_some_and(|own| own != row.customer) {
            return Err(no_order());
        }
        let deal = self.status.deal(row.deal_id);
        let order = order_body(order_id, row, deal.map(|deal| deal.product_id.clone()));
        Ok(Sight { order, position: row.position, as_of })
    }

    /// Looks at an order until `until`, until `wait` has passed or until the gateway stops.
    pub(crate) async fn look_until(
        &self,
        lookup: &Lookup,
        until: Until<'_>,
        wait: Duration,
    ) -> Result<Sight, Refusal> {
        if wait.is_zero() {
            return self.look(lookup).await;
        }
        let mut watched = lookup.ticket.position;
        // Before the first look, so that nothing happens between the two.
        let mut watch = self.status.watch_order(watched);
        let mut deadline = self.clock.sleep(wait);
        loop {
            let sight = self.look(lookup).await?;
            let is_over = until.is_over(&sight.order) || self.stopping.is_cancelled();
            let Some(changes) = watch.as_mut().filter(|_| !is_over) else {
                return Ok(sight);
            };
            if sight.position != watched {
                // A repeat: from now on its first order counts.
                watched = sight.position;
                watch = self.status.watch_order(watched);
                continue;
            }
            tokio::select! {
                biased;
                () = changes.changed() => {}
                () = &mut deadline => return Ok(sight),
                () = self.stopping.cancelled() => return Ok(sight),
            }
        }
    }

    /// The answer that shows an order. `asked` is the id that was asked for.
    pub(crate) fn show_order(&self, status: StatusCode, sight: &Sight, asked: Uuid) -> Response {
        let mut response = json(status, &sight.order, PRIVATE);
        let headers = response.headers_mut();
        headers.insert(header::ETAG, visible(order_etag(&sight.order)));
        put_seen(headers, &sight.seen(self.status.log_id()));
        if sight.order.order_id != asked {
            put_order_location(headers, header::CONTENT_LOCATION, sight.order.order_id);
        }
        response
    }
}

/// Says no more than that: an id that was never issued, and another's, are told alike.
pub(crate) fn no_order() -> Refusal {
    Refusal::new(ProblemCode::OrderNotFound, "there is no such order of this customer")
}

/// Why the status view did not say. What it does not find is told as what was never issued.
pub(crate) fn unsaid(code: ProblemCode) -> Refusal {
    if code == ProblemCode::OrderNotFound { no_order() } else { Refusal::new(code, code.title()) }
}

/// An offset as the next one to read: what an event of a stream is called.
pub(crate) fn read_offset(as_of: Option<AsOf>) -> Offset {
    as_of.map_or(0, |as_of| as_of.read_offset)
}
