//! Points in time: milliseconds since the Unix epoch, UTC, as logs give and store them.

use std::fmt;
use std::time::Duration;

use chrono::{DateTime, Datelike, Timelike, Utc};
use serde::{Deserialize, Serialize};

/// Milliseconds since the Unix epoch. An integer in the log, RFC 3339 in HTTP (see [`rfc3339`]).
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    schemars::JsonSchema,
)]
#[serde(transparent)]
pub struct Timestamp(i64);

impl Timestamp {
    /// 1970-01-01T00:00:00Z; also the log time of a partition in which nothing was decided.
    pub const EPOCH: Self = Self(0);
    /// 0000-01-01T00:00:00Z, the first instant that RFC 3339 can write.
    pub const MIN: Self = Self(-62_167_219_200_000);
    /// 9999-12-31T23:59:59.999Z, the last instant that RFC 3339 can write.
    pub const MAX: Self = Self(253_402_300_799_999);

    /// A point `millis` milliseconds after the epoch.
    #[must_use]
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// Milliseconds since the epoch.
    #[must_use]
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// This point moved later by `duration`, at most to [`Timestamp::MAX`].
    #[must_use]
    pub fn plus(self, duration: Duration) -> Self {
        let millis = i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
        Self(self.0.saturating_add(millis).min(Self::MAX.0))
    }

    /// How long after `earlier` this point is; zero if it is not after it.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

impl fmt::Display for Timestamp {
    /// RFC 3339, UTC, with milliseconds: `2026-01-31T12:00:00.000Z`. What RFC 3339 cannot write
    /// is shown as a number of milliseconds.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let writable = (Self::MIN..=Self::MAX).contains(self);
        match DateTime::<Utc>::from_timestamp_millis(self.0).filter(|_| writable) {
            Some(time) => f.write_str(str::from_utf8(&written(time)).expect("it is ASCII")),
            None => write!(f, "{} ms", self.0),
        }
    }
}

/// A time in the years that have four digits. Nearly every answer has one or more, and chrono makes
/// a text of its own of each first.
fn written(time: DateTime<Utc>) -> [u8; 24] {
    let mut text = *b"0000-00-00T00:00:00.000Z";
    let year = u32::try_from(time.year()).expect("years are not below 0 here");
    let fields = [
        (0, 4, year),
        (5, 2, time.month()),
        (8, 2, time.day()),
        (11, 2, time.hour()),
        (14, 2, time.minute()),
        (17, 2, time.second()),
        (20, 3, time.timestamp_subsec_millis()),
    ];
    for (at, digits, mut number) in fields {
        for place in text[at..at + digits].iter_mut().rev() {
            *place += u8::try_from(number % 10).expect("a digit");
            number /= 10;
        }
    }
    text
}

/// Serde form of timestamps in HTTP: RFC 3339, UTC, milliseconds. For `#[serde(with = …)]`.
pub mod rfc3339 {
    use chrono::DateTime;
    use serde::{Deserialize, Deserializer, Serializer, de};

    use super::Timestamp;

    /// Reads any RFC 3339 time; finer than a millisecond is cut off.
    ///
    /// # Errors
    /// If the text is not RFC 3339, or in UTC lies before the year 0 or after the year 9999.
    pub fn parse(text: &str) -> Result<Timestamp, String> {
        let time = DateTime::parse_from_rfc3339(text)
            .map_err(|_| "not an RFC 3339 time such as 2026-01-31T12:00:00Z".to_owned())?;
        let stamp = Timestamp::from_millis(time.timestamp_millis());
        if !(Timestamp::MIN..=Timestamp::MAX).contains(&stamp) {
            return Err("not between the years 0 and 9999 in UTC".to_owned());
        }
        Ok(stamp)
    }

    /// Writes RFC 3339. A time beyond what that can write becomes the nearest that it can: the log
    /// may hold any number, and an answer still keeps its format.
    ///
    /// # Errors
    /// Only those of the serializer.
    pub fn serialize<S: Serializer>(time: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(time.clamp(&Timestamp::MIN, &Timestamp::MAX))
    }

    /// Reads RFC 3339.
    ///
    /// # Errors
    /// If the value is not a string that [`parse`] takes.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        parse(&text).map_err(de::Error::custom)
    }

    /// The same for an optional time.
    pub mod option {
        use serde::{Deserialize, Deserializer, Serializer, de};

        use super::super::Timestamp;

        /// Writes RFC 3339, as [`super::serialize`] does, or null.
        ///
        /// # Errors
        /// Only those of the serializer.
        pub fn serialize<S: Serializer>(
            time: &Option<Timestamp>,
            serializer: S,
        ) -> Result<S::Ok, S::Error> {
            match time {
                Some(time) => super::serialize(time, serializer),
                None => serializer.serialize_none(),
            }
        }

        /// Reads RFC 3339 or null.
        ///
        /// # Errors
        /// If the value is neither.
        pub fn deserialize<'de, D: Deserializer<'de>>(
            deserializer: D,
        ) -> Result<Option<Timestamp>, D::Error> {
            Option::<std::borrow::Cow<'de, str>>::deserialize(deserializer)?
                .map(|text| super::parse(&text).map_err(de::Error::custom))
                .transpose()
        }
    }
}
