//! The public routes: which call goes to which handler. The hot route comes first and unboxed; the
//! others are boxed by group, which keeps compile times bearable. Handlers return responses, so a
//! rejection only ever means "not this route".

mod admin;
mod commands;
mod deals;
mod orders;
mod pages;
mod payments;
mod people;
mod purchases;
mod refused;
mod reply;
mod sight;
mod streams;
mod table;

pub(crate) use payments::record as record_payment;
pub(crate) use purchases::too_many as too_many_purchases;
pub(crate) use refused::LastRefusal;
pub(crate) use reply::{NO_STORE, json};
pub(crate) use sight::{Lookup, Sight, read_offset};
pub(crate) use table::{Matched, OPERATIONS, PURCHASE, find};

use std::convert::Infallible;
use std::sync::Arc;

use http::Request;
use hyper::service::Service as HyperService;
use hyper_util::service::TowerToHyperService;
use schemas::http::ProblemCode;
use warp::filters::BoxedFilter;
use warp::reply::Response;
use warp::{Filter, Rejection};

use crate::call::Call;
use crate::composition::Service;
use crate::problem::Refusal;
use crate::server::Routes;

/// What a handler gives.
pub(crate) type Answer = Result<Response, Refusal>;

/// All public routes, as the edge calls them.
pub(crate) fn all(service: &Arc<Service>) -> Routes {
    let backstop = Arc::clone(service);
    let routes = hot(service)
        .or(polls(service))
        .unify()
        .or(rest(service))
        .unify()
        .recover(move |rejection: Rejection| {
            let service = Arc::clone(&backstop);
            async move { Ok::<_, Infallible>(not_matched(&service, &rejection)) }
        })
        .unify();
    let service = TowerToHyperService::new(warp::service(routes));
    Arc::new(move |request: Request<_>| {
        let answer = service.call(request);
        Box::pin(async move { answer.await.unwrap_or_else(|never| match never {}) })
    })
}

/// A filter of one call: method and path, then the handler with the service, the call, and what
/// the path holds.
macro_rules! route {
    ($service:expr, $method:ident, $path:expr => $handler:path $(, $part:ident)*) => {{
        let service = Arc::clone($service);
        warp::$method()
            .and($path)
            .and(warp::ext::get::<Arc<Call>>())
            .then(move |$($part: String,)* call: Arc<Call>| {
                let service = Arc::clone(&service);
                async move {
                    let answer = $handler(&service, call, $($part),*).await;
                    answer.unwrap_or_else(|refusal| refusal.into_response(&service.dice))
                }
            })
    }};
}

/// The call that a crowd makes all at once.
fn hot(
    service: &Arc<Service>,
) -> impl Filter<Extract = (Response,), Error = Rejection> + Clone + Send + Sync + 'static {
    route!(service, post, warp::path!("v1" / "purchases") => purchases::place)
}

/// What the crowd does next.
fn polls(service: &Arc<Service>) -> BoxedFilter<(Response,)> {
    let order = warp::path!("v1" / "orders" / String);
    let stream = warp::path!("v1" / "orders" / String / "stream");
    let cancellation = warp::path!("v1" / "orders" / String / "cancellation");
    let command = warp::path!("v1" / "commands" / String);
    route!(service, get, order => orders::get, id)
        .or(route!(service, get, stream => streams::order, id))
        .unify()
        .or(route!(service, get, warp::path!("v1" / "orders") => orders::list))
        .unify()
        .or(route!(service, post, cancellation => orders::cancel, id))
        .unify()
        .or(route!(service, get, command => commands::get, id))
        .unify()
        .boxed()
}

fn rest(service: &Arc<Service>) -> BoxedFilter<(Response,)> {
    let payments = warp::path!("v1" / "webhooks" / "payments");
    route!(service, post, payments => payments::notice)
        .or(deal_routes(service))
        .unify()
        .or(admin_routes(service))
        .unify()
        .or(people_routes(service))
        .unify()
        .or(page_routes(service))
        .unify()
        .boxed()
}

fn deal_routes(service: &Arc<Service>) -> BoxedFilter<(Response,)> {
    let stream = warp::path!("v1" / "deals" / String / "stream");
    route!(service, get, warp::path!("v1" / "deals" / String) => deals::get, id)
        .or(route!(service, get, stream => streams::deal, id))
        .unify()
        .or(route!(service, get, warp::path!("v1" / "deals") => deals::list))
        .unify()
        .boxed()
}

fn admin_routes(service: &Arc<Service>) -> BoxedFilter<(Response,)> {
    let announce = warp::path!("v1" / "admin" / "products" / String / "deals" / String);
    let adjust = warp::path!("v1" / "admin" / "deals" / String / "stock-adjustments");
    let schedule = warp::path!("v1" / "admin" / "deals" / String / "schedule");
    let pause = warp::path!("v1" / "admin" / "deals" / String / "pause");
    let resume = warp::path!("v1" / "admin" / "deals" / String / "resume");
    let close = warp::path!("v1" / "admin" / "deals" / String / "closure");
    route!(service, put, announce => admin::announce, product, key)
        .or(route!(service, post, adjust => admin::adjust, id))
        .unify()
        .or(route!(service, post, schedule => admin::schedule, id))
        .unify()
        .or(route!(service, post, pause => admin::pause, id))
        .unify()
        .or(route!(service, post, resume => admin::resume, id))
        .unify()
        .or(route!(service, post, close => admin::close, id))
        .unify()
        .boxed()
}

fn people_routes(service: &Arc<Service>) -> BoxedFilter<(Response,)> {
    route!(service, post, warp::path!("v1" / "accounts") => people::sign_up)
        .or(route!(service, post, warp::path!("v1" / "sessions") => people::sign_in))
        .unify()
        .or(route!(service, post, warp::path!("demo" / "session") => crate::demo::session))
        .unify()
        .or(route!(service, post, warp::path!("demo" / "payments") => crate::demo::pay))
        .unify()
        .or(route!(service, get, warp::path!("demo.json") => crate::demo::describe))
        .unify()
        .boxed()
}

fn page_routes(service: &Arc<Service>) -> BoxedFilter<(Response,)> {
    route!(service, get, warp::path!("openapi.json") => pages::openapi)
        .or(route!(service, get, warp::any() => pages::asset))
        .unify()
        .boxed()
}

/// The edge lets nothing in that is no operation, so this is only for what the two disagree on.
fn not_matched(service: &Service, rejection: &Rejection) -> Response {
    tracing::warn!(?rejection, "an operation of the table has no route");
    Refusal::new(ProblemCode::NotFound, "no such path").into_response(&service.dice)
}
