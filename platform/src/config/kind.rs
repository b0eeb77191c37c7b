//! The kinds of values that a variable can hold: how each is read and what its fault says is
//! expected. Must not know any variable's name.

use super::duration::{format_duration, parse_duration};
use crate::secrets::Secret;
use std::fmt::Display;
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::str::FromStr;
use std::time::Duration;

/// Most elements that [`list`] accepts.
pub const LIST_ELEMENTS_MAX: usize = 1_024;

type Parse<T> = Box<dyn Fn(&str) -> Option<T> + Send + Sync>;

/// How one kind of value is read.
pub struct Kind<T> {
    expected: String,
    secret: bool,
    parse: Parse<T>,
}

impl<T> Kind<T> {
    /// A kind that reads text with `parse`; `expected` completes "found …, expected …".
    pub fn new(
        expected: impl Into<String>,
        parse: impl Fn(&str) -> Option<T> + Send + Sync + 'static,
    ) -> Self {
        Self { expected: expected.into(), secret: false, parse: Box::new(parse) }
    }

    /// The same kind, whose text no fault ever shows.
    pub fn hidden(mut self) -> Self {
        self.secret = true;
        self
    }

    /// What a fault says is expected.
    pub fn expected(&self) -> &str {
        &self.expected
    }

    /// Whether faults keep the text to themselves.
    pub fn is_secret(&self) -> bool {
        self.secret
    }

    /// The value that `text` stands for, if it is of this kind.
    pub fn parse(&self, text: &str) -> Option<T> {
        (self.parse)(text)
    }
}

/// A duration as [`parse_duration`] reads it, within `range`.
pub fn duration(range: RangeInclusive<Duration>) -> Kind<Duration> {
    let (from, to) = (format_duration(*range.start()), format_duration(*range.end()));
    Kind::new(format!("a duration from {from} to {to}, like 250ms or 1h30m"), move |text| {
        parse_duration(text).ok().filter(|value| range.contains(value))
    })
}

/// A decimal integer within `range`: any integer type, `NonZero` ones included.
pub fn integer<T>(range: RangeInclusive<T>) -> Kind<T>
where
    T: FromStr + PartialOrd + Display + Send + Sync + 'static,
{
    Kind::new(format!("an integer from {} to {}", range.start(), range.end()), move |text| {
        text.parse().ok().filter(|value| range.contains(value))
    })
}

/// `true` or `false`, also written `1`, `yes`, `on` and `0`, `no`, `off`, in any case.
pub fn flag() -> Kind<bool> {
    Kind::new("true or false", |text| match text.to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" | "on" => Some(true),
        "false" | "0" | "no" | "off" => Some(false),
        _ => None,
    })
}

/// A numeric address with a port; port 0 lets the system choose. Names are not resolved.
pub fn socket_address() -> Kind<SocketAddr> {
    Kind::new("an address and port, like 127.0.0.1:8080", |text| text.parse().ok())
}

/// One of the given words, each standing for a value.
pub fn word<T: Clone + Send + Sync + 'static>(words: Vec<(&'static str, T)>) -> Kind<T> {
    let names: Vec<_> = words.iter().map(|(name, _)| *name).collect();
    Kind::new(format!("one of {}", names.join(", ")), move |text| {
        words.iter().find(|(name, _)| *name == text).map(|(_, value)| value.clone())
    })
}

/// Printable text of `length` bytes.
pub fn text(length: RangeInclusive<usize>) -> Kind<String> {
    let (from, to) = (*length.start(), *length.end());
    Kind::new(format!("text of {from} to {to} bytes without control characters"), move |text| {
        let fits = length.contains(&text.len()) && !text.contains(char::is_control);
        fits.then(|| text.to_owned())
    })
}

/// An address like `https://host/path` with one of `schemes`; only its outer shape is judged.
/// Faults never show it, because a mistyped one may hold a password; one that may hold a password
/// when it is right is read with [`secret_url`].
pub fn url(schemes: &[&str]) -> Kind<String> {
    let owned: Vec<String> = schemes.iter().map(|scheme| format!("{scheme}://")).collect();
    let expected = format!("an address that begins with {}", owned.join(" or "));
    Kind::new(expected, move |text| is_url(text, &owned).then(|| text.to_owned())).hidden()
}

/// An address as of [`url`] that holds credentials, as those of databases do.
pub fn secret_url(schemes: &[&str]) -> Kind<Secret<String>> {
    let plain = url(schemes);
    Kind::new(plain.expected.clone(), move |text| plain.parse(text).map(Secret::new)).hidden()
}

/// Comma-separated values of one kind, 1 to [`LIST_ELEMENTS_MAX`] of them; white space around each
/// is dropped, and an empty one is refused.
pub fn list<T: 'static>(element: Kind<T>) -> Kind<Vec<T>> {
    let secret = element.secret;
    let expected = format!("a comma-separated list, each {}", element.expected);
    let kind = Kind::new(expected, move |text| {
        let parts = || text.split(',').map(str::trim);
        if parts().count() > LIST_ELEMENTS_MAX {
            return None;
        }
        parts().map(|part| element.parse(part).filter(|_| !part.is_empty())).collect()
    });
    if secret { kind.hidden() } else { kind }
}

/// A secret of at least `bytes_min` bytes, taken as it stands.
pub fn secret(bytes_min: usize) -> Kind<Secret<String>> {
    Kind::new(format!("a secret of at least {bytes_min} bytes"), move |text| {
        (text.len() >= bytes_min).then(|| Secret::new(text.to_owned()))
    })
    .hidden()
}

fn is_url(text: &str, prefixes: &[String]) -> bool {
    let rest = prefixes.iter().find_map(|prefix| text.strip_prefix(prefix.as_str()));
    rest.is_some_and(|rest| {
        !rest.is_empty() && !rest.contains(|c: char| c.is_whitespace() || c.is_control())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::num::NonZeroU32;

    #[track_caller]
    fn check<T: PartialEq + std::fmt::Debug>(kind: &Kind<T>, text: &str, expect: Option<T>) {
        assert_eq!(kind.parse(text), expect, "{text} as {}", kind.expected());
    }

    #[test]
    fn numbers_and_durations_keep_to_their_range() {
        let (one, nine) = (NonZeroU32::MIN, NonZeroU32::new(9).unwrap());
        let integers = integer(one..=nine);
        check(&integers, "1", Some(one));
        check(&integers, "9", Some(nine));
        for text in ["0", "10", "-1", "1.0", "", "4294967297", "0x1"] {
            check(&integers, text, None);
        }
        let durations = duration(Duration::from_millis(5)..=Duration::from_secs(1));
        check(&durations, "5ms", Some(Duration::from_millis(5)));
        check(&durations, "1s", Some(Duration::from_secs(1)));
        check(&durations, "4ms", None);
        check(&durations, "1001ms", None);
    }

    #[test]
    fn flags_words_and_addresses_are_read() {
        check(&flag(), "Yes", Some(true));
        check(&flag(), "0", Some(false));
        check(&flag(), "maybe", None);
        check(&word(vec![("json", 1), ("human", 2)]), "human", Some(2));
        check(&word(vec![("json", 1), ("human", 2)]), "xml", None);
        check(&socket_address(), "[::1]:0", Some("[::1]:0".parse().unwrap()));
        check(&socket_address(), "localhost:80", None);
        check(&text(1..=3), "abc", Some("abc".to_owned()));
        check(&text(1..=3), "abcd", None);
        check(&text(1..=3), "a\nb", None);
    }

    #[test]
    fn addresses_need_a_known_scheme_and_something_behind_it() {
        let kind = url(&["http", "https"]);
        check(&kind, "https://shop.example/path", Some("https://shop.example/path".to_owned()));
        for text in ["https://", "ftp://host", "host", "http:/host", "http://a b", "HTTP://host"] {
            check(&kind, text, None);
        }
        assert!(kind.is_secret());
    }

    #[test]
    fn lists_judge_each_element() {
        let kind = list(integer(1_u8..=9));
        check(&kind, "1, 2,3", Some(vec![1, 2, 3]));
        check(&kind, "1,,3", None);
        check(&kind, "1,10", None);
        check(&list(text(0..=9)), "a,", None);
        check(&list(integer(1_u8..=9)), &vec!["1"; LIST_ELEMENTS_MAX + 1].join(","), None);
        assert!(list(secret(1)).is_secret());
    }

    #[test]
    fn secrets_are_redacted_from_the_start() {
        let read = secret_url(&["mysql"]).parse("mysql://me:hunter2@db/shop").unwrap();
        assert_eq!(format!("{read:?}"), "Secret([redacted])");
        assert_eq!(read.expose(), "mysql://me:hunter2@db/shop");
        check(&secret(8), "hunter2", None);
    }
}
