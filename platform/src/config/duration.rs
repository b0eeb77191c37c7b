//! Durations as people write them: `250ms`, `30s`, `1h30m`. Owns both directions of the text form.

use std::fmt;
use std::time::Duration;

/// Units from the largest to the smallest, in milliseconds.
const UNITS: [(&str, u64); 5] =
    [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

/// The text is no duration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DurationFault;

impl fmt::Display for DurationFault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("expected a duration, like 250ms, 30s, 1h or 1h30m")
    }
}

impl std::error::Error for DurationFault {}

/// Reads whole numbers with the units `d`, `h`, `m`, `s`, `ms`, each at most once and from the
/// largest to the smallest. Also serves clap as a `value_parser`.
///
/// # Errors
/// [`DurationFault`] for anything else: no unit, fractions, signs, white space, or more
/// milliseconds than 64 bits hold.
pub fn parse_duration(text: &str) -> Result<Duration, DurationFault> {
    let mut total_ms = 0_u64;
    let mut rest = text;
    let mut units_left = UNITS.as_slice();
    while !rest.is_empty() {
        let (number, after) = split_at_first(rest, |byte| !byte.is_ascii_digit());
        let (unit, after) = split_at_first(after, |byte| byte.is_ascii_digit());
        let index = units_left.iter().position(|(name, _)| *name == unit).ok_or(DurationFault)?;
        let number: u64 = number.parse().map_err(|_| DurationFault)?;
        total_ms = number
            .checked_mul(units_left[index].1)
            .and_then(|part_ms| total_ms.checked_add(part_ms))
            .ok_or(DurationFault)?;
        units_left = &units_left[index + 1..];
        rest = after;
    }
    if text.is_empty() { Err(DurationFault) } else { Ok(Duration::from_millis(total_ms)) }
}

/// The text that [`parse_duration`] reads back; what is finer than a millisecond is dropped.
pub fn format_duration(duration: Duration) -> String {
    let mut rest_ms = duration.as_millis();
    let mut text = String::new();
    for (unit, unit_ms) in UNITS {
        let count = rest_ms / u128::from(unit_ms);
        rest_ms %= u128::from(unit_ms);
        if count > 0 {
            text.push_str(&format!("{count}{unit}"));
        }
    }
    if text.is_empty() { "0s".to_owned() } else { text }
}

fn split_at_first(text: &str, is_end: impl Fn(u8) -> bool) -> (&str, &str) {
    // Ends are found on ASCII digits or on the first byte of a character, so never inside one.
    text.split_at(text.bytes().position(is_end).unwrap_or(text.len()))
}

#[cfg(test)]
mod tests {
    use super::{DurationFault, format_duration, parse_duration};
    use std::time::Duration;

    #[track_caller]
    fn check(text: &str, expect_ms: u64) {
        let duration = Duration::from_millis(expect_ms);
        assert_eq!(parse_duration(text), Ok(duration), "{text}");
        assert_eq!(parse_duration(&format_duration(duration)), Ok(duration), "{text} back");
    }

    #[test]
    fn durations_are_read_and_written() {
        check("0s", 0);
        check("250ms", 250);
        check("30s", 30_000);
        check("90m", 5_400_000);
        check("1h", 3_600_000);
        check("1h30m", 5_400_000);
        check("2d3h4m5s6ms", 183_845_006);
        assert_eq!(format_duration(Duration::from_secs(5_400)), "1h30m");
        assert_eq!(format_duration(Duration::from_nanos(3)), "0s");
    }

    #[test]
    fn other_texts_are_refused() {
        let texts = [
            "",
            "1",
            "h",
            "1.5h",
            "-1s",
            "+1s",
            "1 h",
            " 1h",
            "1H",
            "1m1h",
            "1s1s",
            "1é",
            "é",
            "1us",
            "99999999999999999999s",
            "18446744073709551615d",
            "1h5",
            "٣s",
        ];
        for text in texts {
            assert_eq!(parse_duration(text), Err(DurationFault), "{text}");
        }
    }
}
