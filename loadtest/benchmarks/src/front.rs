//! Fronts to compare the gateway with: the same library, the same request, the same answer, and a
//! store behind it or none. No authentication, no limits, no view: the least that could be meant.

pub(crate) mod mariadb;
pub(crate) mod redis;

use std::net::SocketAddr;

use anyhow::Result;
use bytes::Bytes;
use clap::{Args, ValueEnum};
use http::{Response, StatusCode};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use schemas::http::{Order, OrderStatus, ProblemCode, PurchaseRequest};
use schemas::{DealId, Money, Timestamp};
use tokio::net::TcpListener;
use uuid::Uuid;
use warp::Filter;

/// What stands behind a front.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Behind {
    /// Nothing: every purchase is answered 202.
    Nothing,
    /// A script that takes a unit for a customer who has none.
    Redis,
    /// A row for the order and one unit of the stock, in one transaction.
    Mariadb,
}

/// How a front is started.
#[derive(Args, Debug)]
pub(crate) struct FrontFlags {
    #[arg(long)]
    listen: SocketAddr,
    #[arg(long, value_enum)]
    behind: Behind,
    /// Address of what stands behind it.
    #[arg(long, default_value = "")]
    store: String,
}

/// What a store says of a purchase.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sale {
    Sold,
    SoldOut,
    /// This customer has bought before.
    Repeated,
}

/// Where purchases go.
#[derive(Clone)]
enum Till {
    Nothing,
    Redis(redis::Till),
    Mariadb(mariadb::Till),
}

impl Till {
    async fn sell(&self, customer: &str) -> Result<Sale> {
        match self {
            Self::Nothing => Ok(Sale::Sold),
            // On the heap: what talks to a store is large, and a front without one would have to
            // move room for it with every request.
            Self::Redis(till) => Box::pin(till.sell(customer)).await,
            Self::Mariadb(till) => Box::pin(till.sell(customer)).await,
        }
    }
}

async fn open(flags: &FrontFlags) -> Result<Till> {
    Ok(match flags.behind {
        Behind::Nothing => Till::Nothing,
        Behind::Redis => Till::Redis(redis::Till::open(&flags.store).await?),
        Behind::Mariadb => Till::Mariadb(mariadb::Till::open(&flags.store).await?),
    })
}

async fn serve(till: Till, listener: TcpListener) -> Result<()> {
    let routes = warp::post()
        .and(warp::path!("v1" / "purchases"))
        .and(warp::header::<String>("idempotency-key"))
        .and(warp::body::bytes())
        .then(move |customer: String, body: Bytes| {
            let till = till.clone();
            async move { answer(&till, &customer, &body).await }
        });
    let service = TowerToHyperService::new(warp::service(routes));
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let service = service.clone();
        let mut builder = http1::Builder::new();
        builder.timer(TokioTimer::new());
        // A connection that fails is the load's to notice.
        tokio::spawn(async move {
            drop(builder.serve_connection(TokioIo::new(stream), service).await);
        });
    }
}

async fn answer(till: &Till, customer: &str, body: &[u8]) -> Response<Bytes> {
    let Ok(purchase) = serde_json::from_slice::<PurchaseRequest>(body) else {
        return reply(StatusCode::BAD_REQUEST, "{}".into());
    };
    let sold = match till {
        Till::Nothing => StatusCode::ACCEPTED,
        Till::Redis(_) | Till::Mariadb(_) => StatusCode::OK,
    };
    match till.sell(customer).await {
        Ok(Sale::Sold) => {
            let order = serde_json::to_vec(&order(&purchase)).expect("an order is plain data");
            reply(sold, order.into())
        }
        Ok(Sale::SoldOut) => reply(StatusCode::CONFLICT, code(ProblemCode::SoldOut)),
        Ok(Sale::Repeated) => reply(StatusCode::CONFLICT, code(ProblemCode::LimitExceeded)),
        Err(fault) => reply(StatusCode::INTERNAL_SERVER_ERROR, format!("{fault:#}").into()),
    }
}

fn code(code: ProblemCode) -> Bytes {
    Bytes::from_static(code.as_str().as_bytes())
}

/// All that the gateway's own 202 says.
fn order(purchase: &PurchaseRequest) -> Order {
    let price = Money { amount: 1_990, currency: "EUR".parse().expect("three letters") };
    let product_id = "bench-0".parse().expect("letters, a digit and a hyphen");
    Order {
        order_id: Uuid::from_u128(7),
        deal_id: Some(DealId(purchase.deal_id.0)),
        product_id: Some(product_id),
        status: OrderStatus::Confirmed,
        quantity: u32::try_from(purchase.quantity).ok(),
        unit_price: Some(price),
        total: Some(price),
        purchased_at: Some(Timestamp::from_millis(1_700_000_000_000)),
        decided_at: None,
        expires_at: None,
        rejection: None,
        queue: None,
        payment: None,
        refund: None,
        client_reference: None,
    }
}

fn reply(status: StatusCode, body: Bytes) -> Response<Bytes> {
    let response = Response::builder().status(status).header("content-type", "application/json");
    response.body(body).expect("status and header are constants")
}

/// Serves until it is killed, on as many threads as there are cores for us, as the gateway does.
pub(crate) fn run(flags: &FrontFlags) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let till = open(flags).await?;
        serve(till, TcpListener::bind(flags.listen).await?).await
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generator::{Load, Pace, Wire};
    use crate::purchase::{Purchases, judge_admitted};

    #[tokio::test]
    async fn the_load_of_all_contests_is_answered_by_the_bare_front() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(serve(Till::Nothing, listener));
        let tokens = ["one".to_owned(), "two".to_owned()];
        let deals = [Uuid::from_u128(9).to_string()];
        let purchases = Purchases::new("/v1/purchases", &tokens, &deals, 0);
        let load = Load {
            address,
            connections: 8,
            pace: Pace::Count(500),
            wire: Wire::Http,
            write: &|number, out| purchases.write(number, out),
            judge: &judge_admitted,
        };
        let tally = load.drive().await.unwrap().checked("bare").unwrap();
        assert_eq!((tally.wanted, tally.turned_away), (500, 0));
    }
}
