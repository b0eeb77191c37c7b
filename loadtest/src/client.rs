//! HTTP as the crowd speaks it: few connections, kept and shared; requests that cost little,
//! because the crowd often shares a machine with the service. Must not know what a purchase is.

mod answer;
mod draft;
mod pool;

pub(crate) use answer::{Answer, OrderReading, PurchaseReading, read_order, read_purchase};
pub(crate) use answer::{describe_fault, json_of, problem_of};
pub(crate) use draft::Draft;
pub(crate) use pool::{Loss, Pool};
