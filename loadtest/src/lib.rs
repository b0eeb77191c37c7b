//! The crowd: sends a flash sale's buyers to a service over HTTP, and checks what they were told
//! against the promises.
//!
//! Knows the service by its HTTP interface only, so that what it finds is what a shopper would
//! find. It must not know keys (tokens are handed in), the command line, or any part of the
//! service; it prints nothing itself.

mod announcement;
mod arrivals;
mod buyer;
mod check;
mod client;
mod clock;
mod crowd;
mod dice;
mod frontier;
mod gateways;
mod history;
mod plan;
mod progress;
mod report;
mod route;
mod rush;
mod target;
mod world;

pub use arrivals::{Arrivals, ArrivalsFault};
pub use check::{Check, Promise, Violation};
pub use gateways::GatewayReport;
pub use plan::{PlanFault, RushPlan, ShopToken};
pub use progress::{Observer, Phase, Silent, TerminalBar};
pub use report::{Flow, Latency, RushReport, Second};
pub use rush::{RushError, rush};
pub use target::{Target, TargetFault};
