//! How single values of the command line are read. Its complaints repeat what they complain about,
//! so what may hold a password is read by [`Discreet`], or taken as it stands and read later.

use std::convert::Infallible;
use std::ffi::OsStr;
use std::fmt::Display;
use std::marker::PhantomData;
use std::ops::RangeInclusive;
use std::str::FromStr;
use std::time::Duration;

use clap::builder::TypedValueParser;
use clap::error::ErrorKind;
use event_log::kafka::KafkaUrl;
use gateway::auth::Scope;
use platform::config::parse_duration;
use platform::secrets::Secret;

/// Which log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum LogUrl {
    /// The one in the data directory.
    Embedded,
    /// A broker's.
    Kafka(KafkaUrl),
}

impl FromStr for LogUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "embedded" {
            return Ok(Self::Embedded);
        }
        let parsed = text.parse().map(Self::Kafka);
        parsed.map_err(|fault| format!("`embedded`, or kafka://host:port/prefix: {fault}"))
    }
}

/// Which read model, as it stands on the command line: it may hold a password.
#[derive(Clone, Debug)]
pub(crate) struct DatabaseUrl(pub(crate) Secret<String>);

impl DatabaseUrl {
    /// Whether it is the file of one machine, which nobody has to name.
    pub(crate) fn is_sqlite(&self) -> bool {
        self.0.expose() == "sqlite"
    }
}

impl FromStr for DatabaseUrl {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(Self(Secret::new(text.to_owned())))
    }
}

/// Reads a value and, if that fails, says why without repeating it: people paste the secret itself
/// where its place belongs, and complaints end up in logs.
pub(crate) struct Discreet<T>(PhantomData<fn() -> T>);

/// See [`Discreet`].
pub(crate) fn discreet<T>() -> Discreet<T> {
    Discreet(PhantomData)
}

impl<T> Clone for Discreet<T> {
    fn clone(&self) -> Self {
        discreet()
    }
}

impl<T> TypedValueParser for Discreet<T>
where
    T: FromStr<Err: Display> + Clone + Send + Sync + 'static,
{
    type Value = T;

    fn parse_ref(
        &self,
        command: &clap::Command,
        flag: Option<&clap::Arg>,
        value: &OsStr,
    ) -> Result<T, clap::Error> {
        let parsed = value.to_str().ok_or_else(|| "it is no text".to_owned());
        let parsed =
            parsed.and_then(|text| text.parse().map_err(|fault: T::Err| fault.to_string()));
        parsed.map_err(|fault| {
            let flag = flag.map(ToString::to_string).unwrap_or_default();
            let complaint = format!("the value of '{flag}' cannot be used: {fault}\n");
            clap::Error::raw(ErrorKind::ValueValidation, complaint).with_cmd(command)
        })
    }
}

/// Who we are to a broker.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum SaslKind {
    /// Nobody in particular.
    #[default]
    None,
    /// A user with a password.
    #[value(name = "scram-sha-256")]
    ScramSha256,
    /// A user with a password; the one that MSK takes.
    #[value(name = "scram-sha-512")]
    ScramSha512,
    /// Whoever AWS says that this process is.
    AwsMskIam,
}

pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    parse_duration(text).map_err(|fault| fault.to_string())
}

/// How often something is done.
pub(crate) fn interval(text: &str) -> Result<Duration, String> {
    within(text, Duration::from_millis(100)..=Duration::from_secs(24 * 60 * 60))
}

/// How long a stop may be put off. The 15 s within which a process ends begin after that.
pub(crate) fn notice(text: &str) -> Result<Duration, String> {
    within(text, Duration::ZERO..=Duration::from_secs(5))
}

fn within(text: &str, range: RangeInclusive<Duration>) -> Result<Duration, String> {
    let found = duration(text)?;
    let (least, most) = (range.start(), range.end());
    range.contains(&found).then_some(found).ok_or_else(|| format!("{least:?} to {most:?}"))
}

/// A rate: `200000/s`, or `12000000/min`.
pub(crate) fn per_second(text: &str) -> Result<f64, String> {
    let (number, seconds) = match text.split_once('/') {
        None | Some((_, "s")) => (text.strip_suffix("/s").unwrap_or(text), 1.0),
        Some((number, "min")) => (number, 60.0),
        Some(_) => return Err("a number of purchases with /s or /min".to_owned()),
    };
    let rate = number.parse::<f64>().map_err(|fault| fault.to_string())? / seconds;
    let is_rate = (1.0..=1e9).contains(&rate);
    is_rate.then_some(rate).ok_or_else(|| "1 to 1,000,000,000 a second".to_owned())
}

/// A part of a whole, not none of it.
pub(crate) fn share(text: &str) -> Result<f64, String> {
    let share = text.parse::<f64>().map_err(|fault| fault.to_string())?;
    let is_share = share > 0.0 && share <= 1.0;
    is_share.then_some(share).ok_or_else(|| "above 0, at most 1".to_owned())
}

/// A count that need not be whole.
pub(crate) fn whole_or_part(text: &str) -> Result<f64, String> {
    let count = text.parse::<f64>().map_err(|fault| fault.to_string())?;
    (0.0..=10_000.0).contains(&count).then_some(count).ok_or_else(|| "0 to 10,000".to_owned())
}

/// An origin as browsers send it: scheme and authority, no path.
pub(crate) fn origin(text: &str) -> Result<Box<str>, String> {
    let authority = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let is_plain = |name: &str| {
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'/')
    };
    match authority.filter(|name| is_plain(name)) {
        Some(_) => Ok(text.into()),
        None => Err("an origin such as https://shop.example".to_owned()),
    }
}

pub(crate) fn scope(text: &str) -> Result<Scope, String> {
    let known = Scope::ALL.into_iter().find(|scope| scope.as_str() == text);
    known.ok_or_else(|| "one of shop, admin, support".to_owned())
}

#[cfg(test)]
mod tests {
    use super::{DatabaseUrl, LogUrl, interval, notice, origin, per_second, share, whole_or_part};

    #[test]
    fn an_origin_is_scheme_and_authority() {
        for good in ["https://shop.example", "http://127.0.0.1:3000"] {
            assert!(origin(good).is_ok(), "{good}");
        }
        for bad in ["", "*", "shop.example", "https://", "https://a/b", "https://a b"] {
            assert!(origin(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_is_done_again_and_again_is_not_done_without_a_pause() {
        assert!(interval("100ms").is_ok());
        for bad in ["0s", "99ms", "2d"] {
            assert!(interval(bad).is_err(), "{bad}");
        }
        assert!(notice("0s").is_ok());
        assert!(notice("6s").is_err());
    }

    #[test]
    fn a_rate_is_a_number_a_second_or_a_minute() {
        for (text, rate) in [("200000/s", 200_000.0), ("500", 500.0), ("284000000/min", 4.73e6)] {
            let found = per_second(text).unwrap();
            assert!((found / rate - 1.0).abs() < 0.001, "{text}: {found}");
        }
        for bad in ["", "/s", "0/s", "-1", "nan", "inf", "5/h", "1e10"] {
            assert!(per_second(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_share_is_some_and_no_more_than_all() {
        assert_eq!(share("0.25"), Ok(0.25));
        for bad in ["0", "1.1", "-0.5", "nan", "half"] {
            assert!(share(bad).is_err(), "{bad}");
        }
        assert_eq!(whole_or_part("0"), Ok(0.0));
        assert!(whole_or_part("nan").is_err());
    }

    #[test]
    fn a_log_is_embedded_or_a_brokers() {
        assert_eq!("embedded".parse(), Ok(LogUrl::Embedded));
        assert!(matches!("kafka://a:9092/shop".parse(), Ok(LogUrl::Kafka(_))));
        assert!("redis://a:1".parse::<LogUrl>().is_err());
    }

    #[test]
    fn an_address_of_a_database_prints_without_its_password() {
        let Ok(url) = "mysql://me:hunter2@db/shop".parse::<DatabaseUrl>();
        assert!(!format!("{url:?}").contains("hunter2"));
    }
}
