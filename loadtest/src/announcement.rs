//! The deal of a rush: announced, awaited, and looked at when all is over. Must not know buyers.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Method};
use schemas::http::{Deal, DealRequest, DealStatus, Page, ProblemCode};
use schemas::log::Product;
use schemas::{DealId, DealKey, Money, ProductId, Timestamp};

use crate::client::{Answer, Draft, describe_fault, json_of, problem_of};
use crate::gateways::Carried;
use crate::history::{Look, Moment};
use crate::rush::RushError;
use crate::world::World;

/// The service answers these calls within this, `?wait` included.
const ANSWER_WITHIN: Duration = Duration::from_secs(20);
/// How often the deal is looked at until it opens.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// The public deal may be a little old; it is looked at so often until it shows the end.
const LAST_LOOKS: u32 = 15;
const LAST_LOOK_EVERY: Duration = Duration::from_millis(300);
/// The deal stays open for so long.
const OPEN_FOR: Duration = Duration::from_secs(24 * 60 * 60);

/// Where a deal stands in the catalogue.
#[derive(Clone, Debug)]
pub(crate) struct Address {
    pub(crate) product_id: ProductId,
    pub(crate) deal_key: DealKey,
}

impl Address {
    /// A fresh address: the same product for a seed, another deal for every start.
    pub(crate) fn new(seed: u64, started: Timestamp) -> Self {
        let product_id = format!("rush-{seed}").parse().expect("letters, digits and a hyphen");
        let deal_key = format!("rush-{seed}-{}", started.as_millis().unsigned_abs());
        Self { product_id, deal_key: deal_key.parse().expect("letters, digits and hyphens") }
    }

    pub(crate) fn deal_id(&self) -> DealId {
        DealId::of(&self.product_id, &self.deal_key)
    }

    fn path(&self) -> String {
        format!("/v1/admin/products/{}/deals/{}", self.product_id, self.deal_key)
    }
}

/// What is to be announced.
pub(crate) struct Offer {
    pub(crate) address: Address,
    pub(crate) stock: u32,
    pub(crate) limit_per_customer: u32,
    pub(crate) hold_seconds: u32,
    pub(crate) opens_in: Duration,
}

/// Who is asked.
#[derive(Clone, Copy, Debug)]
enum Asked {
    /// The gateways in turn, from the first on, until one answers.
    Any,
    /// This one.
    Only(usize),
}

/// Announces a deal that opens in a while by the service's clock.
pub(crate) async fn announce(
    world: &World,
    admin: &HeaderValue,
    offer: &Offer,
) -> Result<(), RushError> {
    let now = service_time(world).await?;
    let opens_at = now.plus(offer.opens_in);
    let request = DealRequest {
        product: Product {
            name: "Rush".into(),
            description: "Made by a load test.".into(),
            image_url: None,
        },
        title: "Rush".into(),
        price: Money { amount: 1_990, currency: "EUR".parse().expect("a currency") },
        stock: i64::from(offer.stock),
        limit_per_customer: i64::from(offer.limit_per_customer),
        opens_at,
        closes_at: opens_at.plus(OPEN_FOR),
        hold_seconds: i64::from(offer.hold_seconds),
    };
    let draft = Draft {
        method: Method::PUT,
        path: &format!("{}?wait=10", offer.address.path()),
        authorization: Some(admin),
        idempotency_key: None,
        body: serde_json::to_vec(&request).expect("an announcement is plain data").into(),
    };
    // The identical announcement again is a success, so a lost answer costs nothing.
    call(world, Asked::Any, ("announcing the deal", &draft), |answer| {
        matches!(answer.head.status.as_u16(), 200..=202).then_some(Ok(()))
    })
    .await
}

/// Waits until every gateway knows the deal, and that it is open. Returns what the clock of each
/// showed, at least, at moment 0.
pub(crate) async fn wait_until_open(world: &World) -> Result<Vec<Timestamp>, RushError> {
    let mut clocks = Vec::with_capacity(world.gateways.count());
    for gateway in 0..world.gateways.count() {
        clocks.push(wait_until_open_at(world, gateway).await?);
    }
    Ok(clocks)
}

async fn wait_until_open_at(world: &World, gateway: usize) -> Result<Timestamp, RushError> {
    let mut clock = Timestamp::MIN;
    loop {
        let (deal, received) = look(world, Asked::Only(gateway)).await?;
        clock = clock.max(clock_at_start(deal.server_time, received));
        match deal.status {
            DealStatus::Open => return Ok(clock),
            DealStatus::Upcoming => tokio::time::sleep(LOOK_EVERY).await,
            DealStatus::Paused | DealStatus::SoldOut | DealStatus::Closed => {
                let status = deal.status.as_str();
                let why = format!("the fresh deal is {status}");
                return Err(RushError::Refused { doing: "waiting for the opening", why });
            }
        }
    }
}

/// Looks at the deal until it shows that `units` are gone; what it shows at last, if anything.
pub(crate) async fn last_look(world: &World, units: u64) -> Option<Look> {
    let mut last = None;
    for _ in 0..LAST_LOOKS {
        let (deal, _) = look(world, Asked::Any).await.ok()?;
        let Deal { stock, stock_left, held, confirmed, .. } = deal;
        last = Some(Look { stock, stock_left, held, confirmed });
        if stock_left.checked_add(units) == Some(stock) {
            break;
        }
        tokio::time::sleep(LAST_LOOK_EVERY).await;
    }
    last
}

async fn look(world: &World, asked: Asked) -> Result<(Deal, Moment), RushError> {
    let path = format!("/v1/deals/{}", world.deal_id);
    call(world, asked, ("looking at the deal", &get(&path)), |answer| {
        if answer.head.status.as_u16() == 200 {
            return Some(json_of::<Deal>(answer).map(|deal| (deal, answer.received)));
        }
        None
    })
    .await
}

async fn service_time(world: &World) -> Result<Timestamp, RushError> {
    call(world, Asked::Any, ("asking for the time", &get("/v1/deals")), |answer| {
        if answer.head.status.as_u16() == 200 {
            return Some(json_of::<Page<Deal>>(answer).map(|page| page.as_of));
        }
        None
    })
    .await
}

fn get(path: &str) -> Draft<'_> {
    let (method, body) = (Method::GET, Bytes::new());
    Draft { method, path, authorization: None, idempotency_key: None, body }
}

/// An answer with this time came at this moment, so at moment 0 the clock showed at least this.
fn clock_at_start(server_time: Timestamp, received: Moment) -> Timestamp {
    let passed = i64::try_from(received.0.div_ceil(1_000)).unwrap_or(i64::MAX);
    Timestamp::from_millis(server_time.as_millis().saturating_sub(passed))
}

/// Sends a request until `read` finds in an answer what it looks for, or patience is over.
async fn call<T>(
    world: &World,
    asked: Asked,
    (doing, draft): (&'static str, &Draft<'_>),
    read: impl Fn(&Answer) -> Option<Result<T, String>>,
) -> Result<T, RushError> {
    let deadline = world.clock.now().plus(world.patience);
    let mut tries = 0;
    let mut last = "no connection".to_owned();
    let mut turns = (0..world.gateways.count()).cycle();
    while world.clock.now() < deadline {
        let mut retry_after = None;
        let gateway = match asked {
            Asked::Any => turns.next().expect("a service has a gateway"),
            Asked::Only(gateway) => gateway,
        };
        let carried = Carried::default();
        match world.gateways.exchange(gateway, draft, carried, ANSWER_WITHIN).await {
            Ok(answer) => match read(&answer) {
                Some(found) => {
                    return found.map_err(|why| RushError::Refused { doing, why });
                }
                None => {
                    let code =
                        come_back(&answer).map_err(|why| RushError::Refused { doing, why })?;
                    last = format!("{}: {code}", world.gateways.authority(gateway));
                    retry_after = answer.retry_after();
                }
            },
            Err(loss) => {
                last = format!("{}: {}", world.gateways.authority(gateway), loss.as_str());
            }
        }
        tries += 1;
        world.note_retry();
        tokio::time::sleep(world.pause(tries, retry_after)).await;
    }
    Err(RushError::NoAnswer { doing, last })
}

/// The code of a refusal after which the same may be sent again.
fn come_back(answer: &Answer) -> Result<&'static str, String> {
    let code = problem_of(answer)?.code;
    // A deal that was just announced may be unknown for a moment.
    let may_appear = code == ProblemCode::DealNotFound;
    match code.status() {
        408 | 429 | 503 => Ok(code.as_str()),
        _ if may_appear => Ok(code.as_str()),
        _ => Err(describe_fault(answer, "was refused")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_start_has_its_own_deal() {
        let one = Address::new(u64::MAX, Timestamp::from_millis(1));
        let two = Address::new(u64::MAX, Timestamp::from_millis(2));
        assert_eq!(one.product_id, two.product_id);
        assert_ne!(one.deal_id(), two.deal_id());
        assert_eq!(
            one.path(),
            "/v1/admin/products/rush-18446744073709551615/deals/rush-18446744073709551615-1"
        );
    }

    #[test]
    fn the_services_clock_is_never_thought_to_be_ahead() {
        let clock = clock_at_start(Timestamp::from_millis(10_000), Moment(2_500_001));
        assert_eq!(clock, Timestamp::from_millis(7_499));
    }
}
