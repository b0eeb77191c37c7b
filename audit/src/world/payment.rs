//! Payments: each moves failed → paid → refund due → refunded, and money of an order adds up on its
//! row.

use read_model::OrderRow;
use schemas::{Digest, Money, Offset};

use super::{Payment, PaymentState, World};
use crate::finding::Findings;
use crate::report::Invariant;

impl World {
    /// Moves a payment on.
    pub(super) fn settle(
        &mut self,
        (order, payment, money): (Offset, Digest, Money),
        state: PaymentState,
        findings: &mut Findings,
    ) {
        let known = self.payments.insert(payment, Payment { order, money, state });
        let fits = known.is_none_or(|known| {
            known.state < state && (known.order, known.money) == (order, money)
        });
        findings.expect(Invariant::I9, fits, || {
            let was = known.map(|known| (known.order, known.money, known.state));
            format!("payment {payment} became {state:?} for order {order}, it was {was:?}")
        });
        let Some(row) = self.orders.get_mut(&order) else { return };
        let amount = own_amount(row, money);
        match state {
            PaymentState::RefundDue => row.refund_due = row.refund_due.saturating_add(amount),
            PaymentState::Refunded => {
                row.refund_settled = row.refund_settled.saturating_add(amount);
            }
            PaymentState::Failed | PaymentState::Paid => {}
        }
    }
}

/// Only money of the order's own currency can be added up.
fn own_amount(order: &OrderRow, money: Money) -> i64 {
    match order.unit_price {
        Some(price) if price.currency == money.currency => money.amount,
        Some(_) | None => 0,
    }
}
