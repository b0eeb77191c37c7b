//! Where metrics are counted, and their text for Prometheus. Opens no listener: who serves
//! `/metrics` asks for the text.

use super::TelemetryError;
use crate::clock::Clock;
use crate::shutdown::ShutdownToken;
use metrics_exporter_prometheus::{BuildError, PrometheusRecorder};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use std::sync::Mutex;
use std::time::Duration;

/// Upper bounds of histograms whose name ends in `_seconds`: 0.5 ms to 30 s.
pub const LATENCY_BUCKETS_SECONDS: [f64; 15] =
    [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];

/// Upper bounds of all other histograms, which count things (records, bytes) per batch.
pub const COUNT_BUCKETS: [f64; 13] = [
    1.0,
    2.0,
    4.0,
    8.0,
    16.0,
    64.0,
    256.0,
    1_024.0,
    4_096.0,
    16_384.0,
    65_536.0,
    262_144.0,
    1_048_576.0,
];

/// How often [`Metrics::keep_up`] runs: samples of histograms pile up in between.
pub const UPKEEP_INTERVAL: Duration = Duration::from_secs(5);

/// The metrics of this process; clones share them.
#[derive(Clone)]
pub struct Metrics {
    handle: PrometheusHandle,
}

static INSTALLED: Mutex<Option<Metrics>> = Mutex::new(None);

/// Makes the macros of the `metrics` crate count here. A second call returns the same metrics.
///
/// # Errors
/// If something else has installed a recorder before.
pub fn install_metrics() -> Result<Metrics, TelemetryError> {
    let mut installed = INSTALLED.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if let Some(metrics) = &*installed {
        return Ok(metrics.clone());
    }
    let recorder = build().expect("the buckets are constants and not empty");
    let metrics = Metrics { handle: recorder.handle() };
    metrics::set_global_recorder(recorder).map_err(|_| TelemetryError::Foreign("metrics"))?;
    *installed = Some(metrics.clone());
    Ok(metrics)
}

fn build() -> Result<PrometheusRecorder, BuildError> {
    // Whatever has no buckets would become a summary, which cannot be added up across processes.
    let builder = PrometheusBuilder::new()
        .set_buckets(&COUNT_BUCKETS)?
        .set_buckets_for_metric(Matcher::Suffix("_seconds".into()), &LATENCY_BUCKETS_SECONDS)?;
    Ok(builder.build_recorder())
}

impl Metrics {
    /// All metrics in Prometheus' text format 0.0.4.
    pub fn render(&self) -> String {
        self.handle.render()
    }

    /// Moves piled up samples into their histograms; for who does not run [`Metrics::keep_up`].
    pub fn run_upkeep(&self) {
        self.handle.run_upkeep();
    }

    /// Runs the upkeep every [`UPKEEP_INTERVAL`] until shutdown.
    pub async fn keep_up(&self, clock: &dyn Clock, shutdown: &ShutdownToken) {
        while !shutdown.is_cancelled() {
            tokio::select! {
                () = clock.sleep(UPKEEP_INTERVAL) => self.run_upkeep(),
                () = shutdown.cancelled() => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Metrics, UPKEEP_INTERVAL, build, install_metrics};
    use crate::clock::ManualClock;
    use crate::shutdown::ShutdownToken;
    use futures_util::FutureExt;
    use std::pin::pin;

    fn rendered(work: impl FnOnce()) -> String {
        let recorder = build().unwrap();
        let metrics = Metrics { handle: recorder.handle() };
        metrics::with_local_recorder(&recorder, work);
        metrics.render()
    }

    #[test]
    fn histograms_are_real_histograms() {
        let text = rendered(|| {
            metrics::histogram!("append_seconds").record(0.003);
            metrics::histogram!("batch_records").record(100.0);
            metrics::counter!("decisions_total").increment(2);
        });
        assert!(text.contains("# TYPE append_seconds histogram"), "{text}");
        assert!(text.contains("append_seconds_bucket{le=\"0.0005\"} 0"), "{text}");
        assert!(text.contains("append_seconds_bucket{le=\"0.005\"} 1"), "{text}");
        assert!(text.contains("append_seconds_bucket{le=\"30\"} 1"), "{text}");
        assert!(text.contains("batch_records_bucket{le=\"64\"} 0"), "{text}");
        assert!(text.contains("batch_records_bucket{le=\"256\"} 1"), "{text}");
        assert!(text.contains("decisions_total 2"), "{text}");
        assert!(!text.contains("quantile"), "{text}");
    }

    #[test]
    fn metrics_can_be_installed_twice_and_count_once() {
        let first = install_metrics().unwrap();
        metrics::counter!("installed_twice_total").increment(1);
        let second = install_metrics().unwrap();
        metrics::counter!("installed_twice_total").increment(1);
        assert!(first.render().contains("installed_twice_total 2"));
        assert!(second.render().contains("installed_twice_total 2"));
    }

    #[test]
    fn the_upkeep_runs_by_the_clock_until_shutdown() {
        let recorder = build().unwrap();
        let metrics = Metrics { handle: recorder.handle() };
        let (clock, shutdown) = (ManualClock::new(0), ShutdownToken::new());
        let mut upkeep = pin!(metrics.keep_up(&clock, &shutdown));
        assert!(upkeep.as_mut().now_or_never().is_none());
        assert_eq!(clock.until_next(), Some(UPKEEP_INTERVAL));
        clock.advance(UPKEEP_INTERVAL);
        assert!(upkeep.as_mut().now_or_never().is_none());
        assert_eq!(clock.until_next(), Some(UPKEEP_INTERVAL));
        shutdown.trigger();
        assert!(upkeep.as_mut().now_or_never().is_some());
    }
}
