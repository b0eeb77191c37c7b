//! The three logs of a process, by address: embedded in a data directory, or a broker's.

use std::sync::Arc;

use event_log::kafka::KafkaLogs;
use event_log::{EmbeddedLogs, Log};
use schemas::Timestamp;

/// The two logs that matter most and the one for what nobody can read.
#[derive(Clone, Debug)]
pub(crate) struct Logs {
    pub(crate) commands: Arc<dyn Log>,
    pub(crate) decisions: Arc<dyn Log>,
    pub(crate) dead_letters: Arc<dyn Log>,
}

impl Logs {
    pub(crate) fn embedded(logs: &EmbeddedLogs) -> Self {
        Self {
            commands: logs.commands(),
            decisions: logs.decisions(),
            dead_letters: logs.dead_letters(),
        }
    }

    pub(crate) fn kafka(logs: &KafkaLogs) -> Self {
        Self {
            commands: logs.commands(),
            decisions: logs.decisions(),
            dead_letters: logs.dead_letters(),
        }
    }
}

/// The machine's wall clock, as the embedded log takes it.
pub(crate) fn wall_clock() -> event_log::Clock {
    let clock = platform::clock::SystemClock::new();
    Arc::new(move || Timestamp::from_millis(platform::clock::Clock::now_millis(&clock)))
}
