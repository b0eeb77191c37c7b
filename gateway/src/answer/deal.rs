//! Deals as everybody sees them.

use read_model::DealRow;
use schemas::Timestamp;
use schemas::http::{Deal, DealStatus};

/// What a deal can do for a buyer at `now`, in the precedence of its refusals.
#[must_use]
pub fn deal_status(row: &DealRow, now: Timestamp) -> DealStatus {
    if row.retired || row.closed || now >= row.terms.closes_at {
        DealStatus::Closed
    } else if now < row.terms.opens_at {
        DealStatus::Upcoming
    } else if row.paused {
        DealStatus::Paused
    } else if row.stock_left == 0 {
        DealStatus::SoldOut
    } else {
        DealStatus::Open
    }
}

/// The body of a deal at `now`, the gateway's clock.
#[must_use]
pub fn deal_body(row: &DealRow, now: Timestamp) -> Deal {
    let terms = &row.terms;
    Deal {
        deal_id: row.deal_id,
        product_id: row.product_id.clone(),
        deal_key: row.deal_key.clone(),
        product: terms.product.clone(),
        title: terms.title.clone(),
        price: terms.price,
        stock: row.stock(),
        limit_per_customer: terms.limit_per_customer,
        opens_at: terms.opens_at,
        closes_at: terms.closes_at,
        hold_seconds: terms.hold_seconds,
        status: deal_status(row, now),
        stock_left: row.stock_left,
        held: row.held,
        confirmed: row.confirmed(),
        server_time: now,
    }
}

#[cfg(test)]
mod tests {
    use super::{DealRow, deal_status};
    use schemas::http::DealStatus;
    use schemas::{DealId, Timestamp};
    use uuid::Uuid;

    fn row() -> DealRow {
        let terms = r#"{"product":{"name":"n","description":"d"},"title":"t","stock":5,
            "price":{"amount":1,"currency":"EUR"},"limit_per_customer":1,"opens_at":100,
            "closes_at":200,"hold_seconds":0}"#;
        DealRow {
            log_id: 1,
            partition: 0,
            deal_id: DealId(Uuid::nil()),
            product_id: "p".parse().unwrap(),
            deal_key: "d".parse().unwrap(),
            terms: serde_json::from_str(terms).unwrap(),
            adjusted: 0,
            stock_left: 1,
            held: 0,
            paused: false,
            closed: false,
            retired: false,
        }
    }

    #[track_caller]
    fn check(spoil: impl FnOnce(&mut DealRow), now: i64, expected: DealStatus) {
        let mut row = row();
        spoil(&mut row);
        assert_eq!(deal_status(&row, Timestamp::from_millis(now)), expected);
    }

    #[test]
    fn a_deals_status_has_a_precedence() {
        check(|_| {}, 99, DealStatus::Upcoming);
        check(|_| {}, 100, DealStatus::Open);
        check(|_| {}, 200, DealStatus::Closed);
        check(|row| row.closed = true, 99, DealStatus::Closed);
        check(|row| row.retired = true, 150, DealStatus::Closed);
        check(|row| row.paused = true, 99, DealStatus::Upcoming);
        check(|row| (row.paused, row.stock_left) = (true, 0), 150, DealStatus::Paused);
        check(|row| row.stock_left = 0, 150, DealStatus::SoldOut);
    }
}
