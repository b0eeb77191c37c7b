//! When buyers come: all at the opening, or so many a second whether or not the service keeps up.

use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;
use std::time::Duration;

use serde::{Serialize, Serializer};

/// How the crowd arrives. Written `burst` or `steady:RATE`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Arrivals {
    /// All at the opening.
    #[default]
    Burst,
    /// So many a second, one after the other from the opening on. An open loop: nobody waits for
    /// the answer to another.
    Steady(NonZeroU32),
}

/// Why a text names no arrivals.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("neither `burst` nor `steady:RATE` with a whole number of purchases per second above 0")]
pub struct ArrivalsFault;

impl Arrivals {
    /// How long after the opening buyer `number` (from 0) comes.
    #[must_use]
    pub fn due(self, number: u32) -> Duration {
        match self {
            Self::Burst => Duration::ZERO,
            Self::Steady(rate) => {
                let micros = u64::from(number) * 1_000_000 / u64::from(rate.get());
                Duration::from_micros(micros)
            }
        }
    }
}

impl FromStr for Arrivals {
    type Err = ArrivalsFault;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "burst" {
            return Ok(Self::Burst);
        }
        let rate = text.strip_prefix("steady:").ok_or(ArrivalsFault)?;
        rate.parse().map(Self::Steady).map_err(|_| ArrivalsFault)
    }
}

impl fmt::Display for Arrivals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Burst => f.write_str("burst"),
            Self::Steady(rate) => write!(f, "steady:{rate}"),
        }
    }
}

impl Serialize for Arrivals {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::{Arrivals, ArrivalsFault};
    use std::time::Duration;

    #[test]
    fn arrivals_read_back_as_they_are_written() {
        for text in ["burst", "steady:1", "steady:2000"] {
            assert_eq!(text.parse::<Arrivals>().unwrap().to_string(), text);
        }
        for text in ["", "Burst", "steady", "steady:", "steady:0", "steady:-1", "steady:1.5"] {
            assert_eq!(text.parse::<Arrivals>(), Err(ArrivalsFault), "{text:?}");
        }
    }

    #[test]
    fn a_steady_crowd_keeps_its_rate() {
        let steady: Arrivals = "steady:2000".parse().unwrap();
        assert_eq!(steady.due(0), Duration::ZERO);
        assert_eq!(steady.due(1), Duration::from_micros(500));
        assert_eq!(steady.due(20_000), Duration::from_secs(10));
        assert_eq!(steady.due(u32::MAX).as_secs(), 2_147_483);
        assert_eq!(Arrivals::Burst.due(20_000), Duration::ZERO);
    }
}
