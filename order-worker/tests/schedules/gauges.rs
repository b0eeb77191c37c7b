//! What a worker's gauges show.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use metrics::{Counter, Gauge, Histogram, Key, KeyName, Metadata, Recorder, SharedString, Unit};

/// The gauges of the workers that were made while it listened.
#[derive(Debug, Default)]
pub(crate) struct Gauges(Mutex<BTreeMap<String, Arc<AtomicU64>>>);

impl Gauges {
    /// What `make` makes shows here.
    pub(crate) fn of<T>(&self, make: impl FnOnce() -> T) -> T {
        metrics::with_local_recorder(self, make)
    }

    pub(crate) fn parked(&self) -> f64 {
        self.value("timedeal_worker_parked")
    }

    /// How many commands wait, and for how many seconds the oldest has.
    pub(crate) fn lag(&self) -> (f64, f64) {
        (self.value("timedeal_worker_lag_records"), self.value("timedeal_worker_lag_seconds"))
    }

    fn value(&self, name: &str) -> f64 {
        let gauges = self.0.lock().unwrap();
        f64::from_bits(gauges[name].load(Ordering::Relaxed))
    }
}

impl Recorder for Gauges {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, _: &Key, _: &Metadata<'_>) -> Counter {
        Counter::noop()
    }

    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        let mut gauges = self.0.lock().unwrap();
        Gauge::from_arc(Arc::clone(gauges.entry(key.name().to_owned()).or_default()))
    }

    fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::noop()
    }
}
