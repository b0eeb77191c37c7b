//! Logs: lines on standard error, for people or for collectors. Standard output belongs to results
//! and is never written here.

use super::TelemetryError;
use std::io::{self, IsTerminal};
use std::sync::Mutex;
use tracing::Subscriber;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

/// How a line of the log looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LogFormat {
    /// For people; coloured if standard error is a terminal.
    #[default]
    Human,
    /// One JSON object a line, for collectors.
    Json,
}

impl LogFormat {
    /// The variable that chooses the format.
    pub const VARIABLE: &str = "TIMEDEAL_LOG_FORMAT";

    /// The kind of [`LogFormat::VARIABLE`]'s value: `human` or `json`.
    pub fn kind() -> crate::config::Kind<Self> {
        crate::config::kind::word(vec![("human", Self::Human), ("json", Self::Json)])
    }
}

/// Whether this module has set up the process's logging.
static INSTALLED: Mutex<bool> = Mutex::new(false);

/// Sends this process's logs to standard error, from `level` on: a level (`info`) or a list of
/// filters by module (`info,gateway=debug`). A second call judges its level and changes nothing.
///
/// # Errors
/// If `level` is no filter, or if something else has set up logging before.
pub fn install_logging(level: &str, format: LogFormat) -> Result<(), TelemetryError> {
    let filter = parse_level(level)?;
    let mut installed = INSTALLED.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if *installed {
        return Ok(());
    }
    let ansi = io::stderr().is_terminal();
    let dispatch = match format {
        LogFormat::Human => tracing::Dispatch::new(human(filter, ansi, io::stderr)),
        LogFormat::Json => tracing::Dispatch::new(json(filter, io::stderr)),
    };
    tracing::dispatcher::set_global_default(dispatch)
        .map_err(|_| TelemetryError::Foreign("logs"))?;
    *installed = true;
    Ok(())
}

fn parse_level(level: &str) -> Result<EnvFilter, TelemetryError> {
    let fault = |reason: String| TelemetryError::Level { found: level.to_owned(), reason };
    // An empty filter would silence everything, and a bare unknown word passes for a module's name.
    let names_level = |part: &str| {
        let level = part.rsplit('=').next().unwrap_or(part).trim();
        level.parse::<tracing_subscriber::filter::LevelFilter>().is_ok() && !level.is_empty()
    };
    if !level.split(',').all(names_level) {
        return Err(fault("it names no level".to_owned()));
    }
    EnvFilter::builder().parse(level).map_err(|error| fault(error.to_string()))
}

fn human<W>(filter: EnvFilter, ansi: bool, writer: W) -> impl Subscriber + Send + Sync
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    tracing_subscriber::fmt().with_env_filter(filter).with_ansi(ansi).with_writer(writer).finish()
}

fn json<W>(filter: EnvFilter, writer: W) -> impl Subscriber + Send + Sync
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_current_span(false)
        .with_env_filter(filter)
        .with_writer(writer)
        .finish()
}

#[cfg(test)]
pub(super) mod tests {
    use super::{LogFormat, human, install_logging, json, parse_level};
    use crate::config::Reader;
    use std::io::{self, Write};
    use std::sync::{Arc, Mutex};

    /// Keeps what is written, to be read by a test.
    #[derive(Clone, Default)]
    pub(in crate::telemetry) struct Lines(Arc<Mutex<Vec<u8>>>);

    impl Lines {
        fn text(&self) -> String {
            String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
        }
    }

    impl Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// What is logged at `info` and above while `work` runs, as JSON.
    pub(in crate::telemetry) fn capture_json(work: impl FnOnce()) -> Vec<serde_json::Value> {
        let lines = Lines::default();
        let writer = lines.clone();
        let subscriber = json(parse_level("info").unwrap(), move || writer.clone());
        tracing::subscriber::with_default(subscriber, work);
        lines.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    #[test]
    fn json_lines_carry_level_message_and_fields() {
        let lines = capture_json(|| {
            tracing::debug!("too fine to be written");
            tracing::warn!(partition = 3, "partition parked");
        });
        assert_eq!(lines.len(), 1);
        assert_eq!(lines[0]["level"], "WARN");
        assert_eq!(lines[0]["message"], "partition parked");
        assert_eq!(lines[0]["partition"], 3);
        assert!(lines[0]["timestamp"].is_string());
    }

    #[test]
    fn lines_for_people_are_plain_off_a_terminal() {
        let lines = Lines::default();
        let writer = lines.clone();
        let subscriber = human(parse_level("info").unwrap(), false, move || writer.clone());
        tracing::subscriber::with_default(subscriber, || tracing::info!(port = 8080, "listening"));
        let text = lines.text();
        assert!(text.contains("listening port=8080"), "{text}");
        assert!(!text.contains('\u{1b}'), "{text}");
    }

    #[test]
    fn levels_are_judged() {
        for level in ["info", "WARN", "off", "info,gateway=debug", "event_log::embedded=trace"] {
            assert!(parse_level(level).is_ok(), "{level}");
        }
        for level in ["", "inof", "info,", "gateway=", "gateway=loud", "info,gateway"] {
            let error = parse_level(level).unwrap_err().to_string();
            assert!(error.contains("expected a level like info"), "{error}");
        }
    }

    #[test]
    fn logging_can_be_installed_twice() {
        install_logging("warn", LogFormat::Human).unwrap();
        install_logging("warn", LogFormat::Json).unwrap();
        assert!(install_logging("loud", LogFormat::Json).is_err());
    }

    #[test]
    fn the_format_is_a_variable() {
        let variables = |name: &str| (name == LogFormat::VARIABLE).then(|| "json".to_owned());
        let mut reader = Reader::new(&variables);
        let format = reader.or(LogFormat::VARIABLE, &LogFormat::kind(), LogFormat::default());
        assert_eq!(format, LogFormat::Json);
    }
}
