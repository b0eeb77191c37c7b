//! Commands on their way into the log: what every one of them carries, the append, and what it
//! means for the caller if that fails. Must not know which call a command comes from.

mod under_way;

use std::sync::atomic::{AtomicI64, Ordering};

use bytes::Bytes;
use event_log::{AppendError, Record, headers};
use sabotage::Bug;
use schemas::http::ProblemCode;
use schemas::log::{Admission, Command, HEADER_TRACEPARENT};
use schemas::{Partition, Position, ProductId, Timestamp};
use uuid::Uuid;

use under_way::UnderWay;

use crate::call::Call;
use crate::composition::Service;
use crate::congestion::Place;
use crate::problem::Refusal;
use crate::server::APPENDED;

/// Who a payment notice comes from, in the log and for its command id: the provider, whichever.
pub(crate) const PAYMENT_PROVIDER: Uuid =
    Uuid::from_u128(0x7061_796d_656e_8000_8000_0070_726f_7669);

/// Counts the commands that the log has taken. The handle of purchases is kept: a crowd sends them.
pub(crate) struct Appended {
    purchases: metrics::Counter,
    /// Second in which a failed append was last logged: a crowd finds out all at once.
    told_at_s: AtomicI64,
}

impl Appended {
    pub(crate) fn new() -> Self {
        let purchases = metrics::counter!(APPENDED, "type" => "place_purchase");
        Self { purchases, told_at_s: AtomicI64::new(i64::MIN) }
    }

    /// Logs a failed append, once a second at most.
    fn tell(&self, error: &AppendError, now_s: i64) {
        if self.told_at_s.swap(now_s, Ordering::Relaxed) != now_s {
            tracing::error!(%error, "commands are not appended");
        }
    }

    /// What counts commands of this one's type.
    fn counter(&self, command: &Command) -> metrics::Counter {
        match command {
            Command::PlacePurchase(_) => self.purchases.clone(),
            Command::AnnounceDeal(_)
            | Command::AdjustStock(_)
            | Command::PauseDeal(_)
            | Command::ResumeDeal(_)
            | Command::RescheduleDeal(_)
            | Command::CloseDeal(_)
            | Command::RetireDeal(_)
            | Command::CancelOrder(_)
            | Command::RecordPayment(_)
            | Command::ExpireHolds(_) => metrics::counter!(APPENDED, "type" => command.kind()),
        }
    }
}

/// Where a command goes, and from where.
pub(crate) struct Way<'a> {
    /// The partition of its log.
    pub(crate) partition: Partition,
    /// The product that it is about, if it is about one.
    pub(crate) product: Option<&'a ProductId>,
    /// Its place in the line, which is left once the log has answered.
    pub(crate) place: Option<Place>,
}

/// What every command says about its sender.
#[derive(Clone, Debug)]
pub(crate) struct Sender {
    pub(crate) ticket_key: u16,
    pub(crate) received_at: Timestamp,
    pub(crate) actor: Uuid,
}

impl Service {
    /// The sender of a command that is received now.
    pub(crate) fn sender(&self, actor: Uuid) -> Sender {
        Sender { ticket_key: self.tickets.load().issuing(), received_at: self.now(), actor }
    }

    /// What this gateway knows of a partition as it lets a command in.
    pub(crate) fn admission(&self, partition: Partition) -> Option<Admission> {
        let decided_next = self.status.seen(partition);
        Some(Admission { gateway: self.config.name.clone(), decided_next })
    }

    /// Appends a command and waits until it is durable. If the caller goes away meanwhile, it is
    /// appended all the same.
    pub(crate) async fn append(
        &self,
        way: Way<'_>,
        command: &Command,
        call: &Call,
    ) -> Result<Position, Refusal> {
        let Way { partition, product, place } = way;
        let key = product.map(|id| Bytes::copy_from_slice(id.as_str().as_bytes()));
        let trace = call.traceparent().map(|value| Bytes::copy_from_slice(value.as_bytes()));
        let record = Record {
            key: key.unwrap_or_default(),
            headers: trace.map(|trace| headers([(HEADER_TRACEPARENT, trace)])).unwrap_or_default(),
            payload: command.encode().into(),
        };
        let receipt = self.commands.append(partition, vec![record]);
        let under_way = UnderWay::new(receipt, self.appended.counter(command), place);
        let appended = under_way.await.map_err(|error| {
            self.appended.tell(&error, self.now_seconds());
            refuse(&error)
        })?;
        let offset = appended.first().expect("one record gives one place").offset;
        Ok(Position { partition, offset })
    }
}

/// What a failed append means for whoever asked.
fn refuse(error: &AppendError) -> Refusal {
    let (code, detail) = match error {
        AppendError::Full { .. } => (ProblemCode::Overloaded, "too many requests are waiting"),
        AppendError::TooLarge { .. } => {
            (ProblemCode::BodyTooLarge, "the request is larger than the log takes")
        }
        AppendError::Unavailable { .. } => {
            (ProblemCode::LogUnavailable, "the log takes nothing now; nothing was written")
        }
        AppendError::Unknown { .. } if sabotage::is_planted(Bug::UnknownToldAsUntaken) => {
            (ProblemCode::LogUnavailable, "the log takes nothing now; nothing was written")
        }
        AppendError::Unknown { .. } => {
            (ProblemCode::OutcomeUnknown, "the request may have been taken or not")
        }
    };
    Refusal::new(code, detail)
}
