//! What a payment provider says. Whoever holds a secret is the provider; there are no tokens.

use std::sync::Arc;

use schemas::Digest;
use schemas::Money;
use schemas::http::{PaymentNotice, ProblemCode};
use schemas::log::{Command, RecordPayment};

use super::Answer;
use super::commands::{self, Issued};
use super::sight::no_order;
use crate::call::Call;
use crate::commands::PAYMENT_PROVIDER;
use crate::composition::Service;
use crate::problem::Refusal;
use crate::reading::{Query, check_payment, expect_json, parse_json, read_body};
use crate::server::STRAY_PAYMENTS;
use crate::signature::{self, SignatureFault};

const SIGNATURE: &str = "Timedeal-Signature";

/// `POST /v1/webhooks/payments`
pub(super) async fn notice(service: &Service, call: Arc<Call>) -> Answer {
    let body = read_body(&call).await?;
    verify(service, &call, &body)?;
    Query::read(&call.uri, &[])?;
    expect_json(&call.headers)?;
    let notice: PaymentNotice = parse_json(&body)?;
    record(service, &call, &notice).await
}

/// Appends what a notice says, once it is known to be the provider's.
pub(crate) async fn record(service: &Service, call: &Call, notice: &PaymentNotice) -> Answer {
    check_payment(notice)?;
    let lookup = service.lookup_id(notice.order_id, None)?;
    if lookup.ticket.log_id != service.status.log_id() {
        // Money came for an order that this log cannot change: somebody has to look at it.
        metrics::counter!(STRAY_PAYMENTS).increment(1);
        tracing::error!(order_id = %notice.order_id, "a payment names an order of another log");
        return Err(no_order());
    }
    // A repeat's id means the first order, whose purchase stands elsewhere.
    let position = service.look(&lookup).await?.position;
    let sender = service.sender(PAYMENT_PROVIDER);
    let command = Command::RecordPayment(Box::new(RecordPayment {
        order: position.offset,
        payment: Digest::of_payment(&notice.payment_id),
        result: notice.result,
        money: Money { amount: notice.amount, currency: notice.currency },
        ticket_key: sender.ticket_key,
        received_at: sender.received_at,
        actor: sender.actor,
        admission: service.admission(position.partition),
    }));
    let issued = Issued::append(service, position.partition, None, &command, call).await?;
    Ok(commands::queued(service, &issued))
}

/// Whether one of the secrets has signed these very bytes not long ago.
fn verify(service: &Service, call: &Call, body: &[u8]) -> Result<(), Refusal> {
    let invalid = |detail| Refusal::field(ProblemCode::SignatureInvalid, SIGNATURE, detail);
    let mut lines = call.headers.get_all(SIGNATURE).iter();
    let line = lines.next().ok_or_else(|| invalid("the signature is missing"))?;
    let text = line.to_str().ok().filter(|_| lines.next().is_none());
    let text = text.ok_or_else(|| invalid("not one line of visible ASCII"))?;
    let secrets = service.webhooks.load();
    let secrets: Vec<&[u8]> = secrets.iter().map(|secret| secret.expose().as_slice()).collect();
    signature::verify(&secrets, text, body, service.now_seconds()).map_err(|fault| match fault {
        SignatureFault::Invalid => invalid("it does not fit the body"),
        SignatureFault::Stale => {
            let detail = "its time is more than 300 s away";
            Refusal::field(ProblemCode::SignatureStale, SIGNATURE, detail)
        }
    })
}
