//! Rates: how many calls a customer, or an address behind a trusted proxy, may make. Must not know
//! what they call.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use governor::clock::Clock as _;
use governor::nanos::Nanos;
use governor::state::keyed::DashMapStateStore;
use governor::{Quota, RateLimiter, middleware::NoOpMiddleware};
use hashbrown::DefaultHashBuilder;
use http::HeaderMap;
use platform::clock::Clock;
use platform::shutdown::ShutdownToken;
use schemas::http::ProblemCode;
use uuid::Uuid;

use crate::config::{AddressRange, GatewayConfig, RateConfig};
use crate::problem::Refusal;

/// How often those are forgotten who have not called for long.
const HOUSEKEEPING: Duration = Duration::from_secs(30);

type State<K> = DashMapStateStore<K, DefaultHashBuilder>;
type Limiter<K> = RateLimiter<K, State<K>, LimitClock, NoOpMiddleware<Nanos>>;

/// The process's clock in governor's terms.
#[derive(Clone)]
struct LimitClock(Arc<dyn Clock>);

impl governor::clock::Clock for LimitClock {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        Nanos::from(Duration::from_millis(self.0.elapsed_millis()))
    }
}

/// All limits of rate.
pub(crate) struct Limits {
    clock: LimitClock,
    customers: Limiter<Uuid>,
    addresses: Option<Limiter<IpAddr>>,
    trusted_proxies: Vec<AddressRange>,
}

impl Limits {
    pub(crate) fn new(config: &GatewayConfig, clock: Arc<dyn Clock>) -> Self {
        let clock = LimitClock(clock);
        let behind_proxies = !config.trusted_proxies.is_empty();
        let address_rate = config.address_rate;
        Self {
            customers: limiter(config.customer_rate, &clock),
            addresses: behind_proxies.then(|| limiter(address_rate, &clock)),
            clock,
            trusted_proxies: config.trusted_proxies.clone(),
        }
    }

    /// Counts a call of a customer.
    pub(crate) fn check_customer(&self, customer: Uuid) -> Result<(), Refusal> {
        self.customers.check_key(&customer).map_err(|not_until| {
            let wait = not_until.wait_time_from(self.clock.now());
            Refusal::new(ProblemCode::RateLimited, "too many requests of one customer").after(wait)
        })
    }

    /// Counts a call from an address, if addresses are counted.
    pub(crate) fn check_address(&self, address: IpAddr) -> Result<(), Refusal> {
        let Some(addresses) = &self.addresses else {
            return Ok(());
        };
        addresses.check_key(&address).map_err(|not_until| {
            let wait = not_until.wait_time_from(self.clock.now());
            Refusal::new(ProblemCode::RateLimited, "too many requests of one address").after(wait)
        })
    }

    /// Who really calls, by what trusted proxies say.
    pub(crate) fn caller(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        caller(&self.trusted_proxies, peer, headers)
    }

    /// Forgets, from time to time until shutdown, who has not called for so long that it makes no
    /// difference.
    pub(crate) async fn keep_house(&self, shutdown: &ShutdownToken) {
        loop {
            tokio::select! {
                () = self.clock.0.sleep(HOUSEKEEPING) => self.forget(),
                () = shutdown.cancelled() => return,
            }
        }
    }

    fn forget(&self) {
        self.customers.retain_recent();
        self.customers.shrink_to_fit();
        if let Some(addresses) = &self.addresses {
            addresses.retain_recent();
            addresses.shrink_to_fit();
        }
    }
}

/// The last address in `X-Forwarded-For` that is not a trusted proxy, as far as trusted proxies
/// wrote it: whatever stands before what cannot be read may be the caller's own words.
pub(crate) fn caller(
    trusted_proxies: &[AddressRange],
    peer: IpAddr,
    headers: &HeaderMap,
) -> IpAddr {
    let trusted = |address: IpAddr| trusted_proxies.iter().any(|range| range.contains(address));
    let mut caller = peer.to_canonical();
    if !trusted(caller) {
        return caller;
    }
    let lines = headers.get_all("x-forwarded-for").iter().rev();
    let text = lines.map_while(|line| line.to_str().ok());
    for hop in text.flat_map(|line| line.rsplit(',')) {
        let Ok(address) = hop.trim().parse::<IpAddr>() else { break };
        caller = address.to_canonical();
        if !trusted(caller) {
            break;
        }
    }
    caller
}

fn limiter<K: Clone + Eq + std::hash::Hash>(rate: RateConfig, clock: &LimitClock) -> Limiter<K> {
    let quota = Quota::per_second(rate.per_second).allow_burst(rate.burst);
    RateLimiter::new(quota, State::default(), clock.clone())
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;
    use std::sync::Arc;
    use std::time::Duration;

    use http::HeaderMap;
    use platform::clock::ManualClock;
    use schemas::http::ProblemCode;
    use uuid::Uuid;

    use super::Limits;
    use crate::config::GatewayConfig;

    fn limits(proxies: &[&str]) -> (Limits, Arc<ManualClock>) {
        let clock = Arc::new(ManualClock::new(0));
        let trusted_proxies = proxies.iter().map(|range| range.parse().unwrap()).collect();
        let config = GatewayConfig { trusted_proxies, ..GatewayConfig::new("g") };
        (Limits::new(&config, clock.clone()), clock)
    }

    #[test]
    fn a_customer_may_send_a_burst_and_then_so_many_per_second() {
        let (limits, clock) = limits(&[]);
        let (hasty, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
        for _ in 0..40 {
            assert!(limits.check_customer(hasty).is_ok());
        }
        let refusal = limits.check_customer(hasty).unwrap_err();
        assert_eq!(refusal.code(), ProblemCode::RateLimited);
        assert!(limits.check_customer(other).is_ok());
        clock.advance(Duration::from_secs(1));
        limits.forget();
        assert_eq!((0..40).filter(|_| limits.check_customer(hasty).is_ok()).count(), 20);
        clock.advance(Duration::from_secs(60));
        limits.forget();
        assert!(limits.customers.is_empty());
    }

    #[test]
    fn addresses_are_counted_only_behind_trusted_proxies() {
        let address: IpAddr = "192.0.2.1".parse().unwrap();
        let admitted =
            |limits: Limits| (0..1_000).filter(|_| limits.check_address(address).is_ok()).count();
        assert_eq!(admitted(limits(&[]).0), 1_000);
        assert_eq!(admitted(limits(&["10.0.0.0/8"]).0), 200);
    }

    #[track_caller]
    fn check_caller(proxies: &[&str], peer: &str, forwarded: &[&str], caller: &str) {
        let (limits, _) = limits(proxies);
        let mut headers = HeaderMap::new();
        for line in forwarded {
            headers.append("x-forwarded-for", line.parse().unwrap());
        }
        let found = limits.caller(peer.parse().unwrap(), &headers);
        assert_eq!(found, caller.parse::<IpAddr>().unwrap());
    }

    #[test]
    fn only_trusted_proxies_are_believed() {
        check_caller(&[], "10.0.0.1", &["1.1.1.1"], "10.0.0.1");
        check_caller(&["10.0.0.0/8"], "11.0.0.1", &["1.1.1.1"], "11.0.0.1");
        check_caller(&["10.0.0.0/8"], "10.0.0.1", &["1.1.1.1"], "1.1.1.1");
        check_caller(&["10.0.0.0/8"], "10.0.0.1", &["6.6.6.6, 1.1.1.1, 10.0.0.2"], "1.1.1.1");
        check_caller(&["10.0.0.0/8"], "10.0.0.1", &["6.6.6.6", "1.1.1.1"], "1.1.1.1");
        check_caller(&["10.0.0.0/8"], "10.0.0.1", &["6.6.6.6, rubbish"], "10.0.0.1");
        check_caller(&["10.0.0.0/8"], "10.0.0.1", &[], "10.0.0.1");
        // A line that cannot be read hides what the proxy wrote, not only what the caller did.
        check_caller(&["10.0.0.0/8"], "10.0.0.1", &["6.6.6.6", "é, 1.1.1.1"], "10.0.0.1");
    }
}
