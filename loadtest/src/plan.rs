//! What a rush is asked to be, and whether that makes sense. All faults are reported at once.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use schemas::limits::HOLD_SECONDS_MAX;
use uuid::Uuid;

use crate::arrivals::Arrivals;
use crate::progress::Observer;
use crate::target::Target;

/// Most buyers of one rush: each costs memory here.
const BUYERS_MAX: u32 = 1_000_000;
/// Most connections: below the usual limit of open files, and of local ports to one address.
const CONNECTIONS_MAX: usize = 15_000;

/// Makes the token with which a customer buys.
pub type ShopToken = Box<dyn Fn(Uuid) -> String + Send + Sync>;

/// A rush to be made. Start from [`RushPlan::new`] and change what should differ.
pub struct RushPlan {
    /// The service, such as `http://127.0.0.1:8080`: each of its gateways, at least one.
    pub urls: Vec<String>,
    /// Whether the service may be on another machine.
    pub allow_remote: bool,
    /// How many want to buy, at least 1.
    pub buyers: u32,
    /// Units of the deal, at least 1.
    pub stock: u32,
    /// Share of buyers who send their purchase twice, 0 to 1.
    pub duplicates: f64,
    /// When they come.
    pub arrivals: Arrivals,
    /// Who comes when, who comes twice, and with what.
    pub seed: u64,
    /// Connections that the crowd shares.
    pub connections: usize,
    /// How long an order is held for a payment that never comes; 0: confirmed at once.
    pub hold_seconds: u32,
    /// The deal opens so long after it is announced.
    pub opens_in: Duration,
    /// How long a buyer goes on trying; it has to outlast a restart of the service.
    pub patience: Duration,
    /// Nobody comes twice or comes back who is told to, and nobody asks for an order before all
    /// have come: so arrivals stay what they are when there are too many.
    pub once: bool,
    /// A token with the scope `admin`, to announce the deal.
    pub admin_token: String,
    /// Makes a token with the scope `shop` for each buyer.
    pub shop_token: ShopToken,
    /// Is told how far the rush is.
    pub observer: Arc<dyn Observer>,
}

/// What is wrong with a plan: a line for each fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanFault(pub Vec<String>);

impl fmt::Display for PlanFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("; "))
    }
}

impl std::error::Error for PlanFault {}

impl RushPlan {
    /// The default rush on a service: 20,000 buyers for 500 units, a tenth of them twice, at once.
    #[must_use]
    pub fn new(urls: Vec<String>, admin_token: String, shop_token: ShopToken) -> Self {
        Self {
            urls,
            allow_remote: false,
            buyers: 20_000,
            stock: 500,
            duplicates: 0.1,
            arrivals: Arrivals::Burst,
            seed: 1,
            connections: 512,
            hold_seconds: 0,
            opens_in: Duration::from_secs(3),
            patience: Duration::from_secs(120),
            once: false,
            admin_token,
            shop_token,
            observer: Arc::new(crate::progress::Silent),
        }
    }

    /// Whether this can be done; the service itself is not asked.
    ///
    /// # Errors
    /// Every fault of the plan.
    pub fn check(&self) -> Result<Vec<Target>, PlanFault> {
        let mut faults = Vec::new();
        let mut demand = |holds: bool, fault: String| {
            if !holds {
                faults.push(fault);
            }
        };
        demand(!self.urls.is_empty(), "url: none is given".to_owned());
        let mut targets: Vec<Target> = Vec::with_capacity(self.urls.len());
        for url in &self.urls {
            match url.parse() {
                Ok(target) if targets.contains(&target) => {
                    demand(false, format!("url: `{url}` is given twice"));
                }
                Ok(target) => targets.push(target),
                Err(fault) => demand(false, format!("url: {fault}")),
            }
        }
        demand(
            (1..=BUYERS_MAX).contains(&self.buyers),
            format!("buyers: {} is not between 1 and {BUYERS_MAX}", self.buyers),
        );
        demand(self.stock > 0, "stock: a deal needs at least 1 unit".to_owned());
        demand(
            (0.0..=1.0).contains(&self.duplicates),
            format!("duplicates: {} is not a share between 0 and 1", self.duplicates),
        );
        demand(
            (1..=CONNECTIONS_MAX).contains(&self.connections),
            format!("connections: {} is not between 1 and {CONNECTIONS_MAX}", self.connections),
        );
        demand(
            self.connections >= self.urls.len(),
            format!("connections: {} are too few for all gateways", self.connections),
        );
        demand(
            self.hold_seconds <= HOLD_SECONDS_MAX,
            format!("hold seconds: {} is more than {HOLD_SECONDS_MAX}", self.hold_seconds),
        );
        demand(!self.patience.is_zero(), "patience: buyers need some".to_owned());
        if faults.is_empty() { Ok(targets) } else { Err(PlanFault(faults)) }
    }
}

impl fmt::Debug for RushPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RushPlan")
            .field("urls", &self.urls)
            .field("buyers", &self.buyers)
            .field("stock", &self.stock)
            .field("duplicates", &self.duplicates)
            .field("arrivals", &self.arrivals)
            .field("seed", &self.seed)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::RushPlan;

    fn plan() -> RushPlan {
        let token = "admin".to_owned();
        let urls = vec!["http://127.0.0.1:8080".to_owned()];
        RushPlan::new(urls, token, Box::new(|_| String::new()))
    }

    #[test]
    fn the_default_plan_is_sound() {
        assert_eq!(plan().check().unwrap()[0].authority(), "127.0.0.1:8080");
    }

    #[test]
    fn every_fault_is_reported_at_once() {
        let mut plan = plan();
        plan.urls = ["https://x", "http://a", "http://A/", "", "http://b"].map(Into::into).into();
        plan.buyers = 0;
        plan.stock = 0;
        plan.duplicates = f64::NAN;
        plan.connections = 0;
        plan.hold_seconds = u32::MAX;
        plan.patience = std::time::Duration::ZERO;
        let faults = plan.check().unwrap_err();
        let fields: Vec<_> =
            faults.0.iter().map(|fault| fault.split(':').next().unwrap()).collect();
        let all = [
            "url",
            "url",
            "url",
            "buyers",
            "stock",
            "duplicates",
            "connections",
            "connections",
            "hold seconds",
            "patience",
        ];
        assert_eq!(fields, all, "{faults}");
        assert!(faults.0.contains(&"url: `http://A/` is given twice".to_owned()), "{faults}");
    }

    #[test]
    fn a_service_has_a_gateway_and_each_has_a_connection() {
        let mut plan = plan();
        plan.urls.push("http://127.0.0.1:8090".to_owned());
        plan.connections = 2;
        assert_eq!(plan.check().unwrap().len(), 2);
        plan.connections = 1;
        let faults = plan.check().unwrap_err();
        assert_eq!(faults.0, ["connections: 1 are too few for all gateways"]);
        plan.urls.clear();
        assert_eq!(plan.check().unwrap_err().0, ["url: none is given"]);
    }
}
