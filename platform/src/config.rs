//! Typed configuration read from variables, with every fault reported at once.
//!
//! The source is a closure, so that tests touch no globals: [`process_variable`] in `main`, a map
//! in a test. A [`Kind`] says what a value must look like; the [`Reader`] asks for values and
//! collects faults; [`Reader::finish`] hands out the settings only if there was none. This module
//! must not know which settings exist: each part of the system declares its own.
//!
//! ```
//! use platform::config::{Reader, kind};
//! use std::{num::NonZeroU32, time::Duration};
//!
//! struct Settings { workers: NonZeroU32, linger: Duration }
//!
//! let variables = |name: &str| (name == "TIMEDEAL_LINGER").then(|| "5ms".to_owned());
//! let mut reader = Reader::new(&variables);
//! let two = NonZeroU32::new(2).unwrap();
//! let workers = reader.or("TIMEDEAL_WORKERS", &kind::integer(NonZeroU32::MIN..=two), two);
//! let linger = reader.required(
//!     "TIMEDEAL_LINGER",
//!     &kind::duration(Duration::ZERO..=Duration::from_secs(1)),
//! );
//! let settings = reader.finish(|| Some(Settings { workers, linger: linger? })).unwrap();
//! assert_eq!(settings.linger, Duration::from_millis(5));
//! assert_eq!(settings.workers, two);
//! ```

mod duration;
pub mod kind;

use std::fmt;

pub use duration::{DurationFault, format_duration, parse_duration};
pub use kind::Kind;

/// Longest found value that a fault repeats, in characters; the rest is cut.
const FOUND_CHARS_MAX: usize = 80;

/// One value that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigFault {
    /// The variable's name.
    pub variable: String,
    /// What stood there; never the text of a secret.
    pub found: String,
    /// What would have been accepted.
    pub expected: String,
}

impl fmt::Display for ConfigFault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: found {}, expected {}", self.variable, self.found, self.expected)
    }
}

/// Every fault of one reading, in the order in which the variables were asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigFaults(Vec<ConfigFault>);

impl ConfigFaults {
    /// The faults; never empty.
    pub fn faults(&self) -> &[ConfigFault] {
        &self.0
    }
}

impl fmt::Display for ConfigFaults {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let noun = if self.0.len() == 1 { "setting" } else { "settings" };
        write!(formatter, "{} {noun} cannot be used", self.0.len())?;
        self.0.iter().try_for_each(|fault| write!(formatter, "\n  {fault}"))
    }
}

impl std::error::Error for ConfigFaults {}

/// The variables of this process, for `main` to hand to [`Reader::new`].
///
/// A variable that is not UTF-8 is read with replacement characters, so that it is refused by its
/// kind instead of passing for an absent one.
pub fn process_variable(name: &str) -> Option<String> {
    std::env::var_os(name).map(|value| value.to_string_lossy().into_owned())
}

/// Reads variables one after the other and remembers each fault.
///
/// White space around a value is dropped, and an empty value counts as an absent one: compose files
/// and pod templates pass empty strings for what was left out.
pub struct Reader<'a> {
    variables: &'a dyn Fn(&str) -> Option<String>,
    faults: Vec<ConfigFault>,
}

impl<'a> Reader<'a> {
    /// A reader of `variables` that has found no fault yet.
    pub fn new(variables: &'a dyn Fn(&str) -> Option<String>) -> Self {
        Self { variables, faults: Vec::new() }
    }

    /// The value, or `None` if the variable is absent or faulty.
    pub fn optional<T>(&mut self, variable: &str, kind: &Kind<T>) -> Option<T> {
        let text = self.text(variable)?;
        let value = kind.parse(&text);
        if value.is_none() {
            self.fault(variable, describe_found(&text, kind.is_secret()), kind.expected());
        }
        value
    }

    /// The value; `default` if the variable is absent, and also after a fault, so that reading goes
    /// on to find the next one.
    pub fn or<T>(&mut self, variable: &str, kind: &Kind<T>, default: T) -> T {
        self.optional(variable, kind).unwrap_or(default)
    }

    /// The value; its absence is a fault as well. `None` only after a fault, so the closure of
    /// [`Reader::finish`] takes it with `?`.
    pub fn required<T>(&mut self, variable: &str, kind: &Kind<T>) -> Option<T> {
        if self.text(variable).is_none() {
            self.fault(variable, "nothing", kind.expected());
            return None;
        }
        self.optional(variable, kind)
    }

    /// Adds a fault of the caller's own, for rules that relate several variables. `found` must not
    /// be the text of a secret.
    pub fn fault(&mut self, variable: &str, found: impl Into<String>, expected: impl Into<String>) {
        self.faults.push(ConfigFault {
            variable: variable.to_owned(),
            found: found.into(),
            expected: expected.into(),
        });
    }

    /// The settings that `build` puts together.
    ///
    /// # Errors
    /// Every fault since [`Reader::new`]; `build` is not called then.
    ///
    /// # Panics
    /// If `build` returns `None` although there was no fault, which is a bug of the caller:
    /// [`Reader::required`] returns `None` only after a fault.
    pub fn finish<T>(self, build: impl FnOnce() -> Option<T>) -> Result<T, ConfigFaults> {
        if self.faults.is_empty() {
            return Ok(build().expect("a required value is absent only after a fault"));
        }
        Err(ConfigFaults(self.faults))
    }

    fn text(&self, variable: &str) -> Option<String> {
        let text = (self.variables)(variable)?.trim().to_owned();
        (!text.is_empty()).then_some(text)
    }
}

fn describe_found(text: &str, secret: bool) -> String {
    if secret {
        return format!("a value of {} bytes (not shown)", text.len());
    }
    match text.char_indices().nth(FOUND_CHARS_MAX) {
        None => format!("{text:?}"),
        Some((end, _)) => format!("{:?} and {} bytes more", &text[..end], text.len() - end),
    }
}

#[cfg(test)]
mod tests {
    use super::{Kind, Reader, kind};
    use std::num::NonZeroU16;
    use std::time::Duration;

    fn variables<'a>(pairs: &'a [(&str, &str)]) -> impl Fn(&str) -> Option<String> + 'a {
        |name| pairs.iter().find(|(known, _)| *known == name).map(|(_, text)| (*text).to_owned())
    }

    fn minute() -> Kind<Duration> {
        kind::duration(Duration::from_millis(1)..=Duration::from_secs(60))
    }

    #[test]
    fn all_faults_are_reported_at_once_and_in_order() {
        let source = variables(&[("WAIT", "soon"), ("PARTS", "0"), ("KEY", "hunter2")]);
        let mut reader = Reader::new(&source);
        let parts = NonZeroU16::MIN..=NonZeroU16::new(64).unwrap();
        reader.or("WAIT", &minute(), Duration::from_secs(1));
        reader.optional("PARTS", &kind::integer(parts));
        reader.required("LISTEN", &kind::socket_address());
        reader.required("KEY", &kind::secret(16));
        reader.fault("WAIT", "1s", "less than TIMEOUT");
        let faults = reader.finish(|| Some(())).unwrap_err();
        assert_eq!(
            faults.to_string(),
            "5 settings cannot be used\n  \
             WAIT: found \"soon\", expected a duration from 1ms to 1m, like 250ms or 1h30m\n  \
             PARTS: found \"0\", expected an integer from 1 to 64\n  \
             LISTEN: found nothing, expected an address and port, like 127.0.0.1:8080\n  \
             KEY: found a value of 7 bytes (not shown), \
             expected a secret of at least 16 bytes\n  \
             WAIT: found 1s, expected less than TIMEOUT"
        );
        assert_eq!(faults.faults().len(), 5);
    }

    #[test]
    fn a_sound_reading_builds_the_settings() {
        let source = variables(&[("WAIT", " 30s "), ("EMPTY", "  ")]);
        let mut reader = Reader::new(&source);
        let wait = reader.required("WAIT", &minute());
        let empty = reader.optional("EMPTY", &kind::flag());
        let absent = reader.or("ABSENT", &kind::flag(), true);
        let built = reader.finish(|| Some((wait?, empty, absent))).unwrap();
        assert_eq!(built, (Duration::from_secs(30), None, true));
    }

    #[test]
    fn an_empty_required_variable_is_a_fault() {
        let source = variables(&[("WAIT", "")]);
        let mut reader = Reader::new(&source);
        assert_eq!(reader.required("WAIT", &minute()), None);
        assert!(reader.finish(|| Some(())).unwrap_err().to_string().contains("found nothing"));
    }

    #[test]
    fn a_long_value_is_cut_between_characters() {
        let long = "é".repeat(200);
        let found = super::describe_found(&long, false);
        assert_eq!(found, format!("\"{}\" and 240 bytes more", "é".repeat(80)));
    }
}
