//! The canonical form of a record: the bytes that this build writes. Fields stand in the order of
//! their type, with nothing between them and without those that are left out.
//!
//! Such a record is read by comparing it with what is expected rather than by parsing it, since a
//! record has a dozen fields and a hundred thousand of them come a second. Reading gives up at
//! anything unexpected, and then serde decides: it may find less than serde, never something else.

use uuid::Uuid;

use super::{Admission, DealTerms, PaymentResult, RefusalCode};
use crate::id::{ClientReference, ReasonCode};
use crate::money::Currency;
use crate::{CustomerId, DealId, DealKey, Digest, Fingerprint, Money, ProductId, Timestamp};

/// What stands behind the name of a field.
pub(super) trait Value: Sized {
    /// Appends the value.
    fn write(&self, out: &mut Vec<u8>);

    /// Takes the value off the front of `rest`.
    fn read(rest: &mut Rest<'_>) -> Option<Self>;
}

/// A field. `head` is all that stands before its value: `,"order":`.
pub(super) trait Field: Sized {
    /// Appends head and value, or nothing.
    fn write_field(&self, head: &str, out: &mut Vec<u8>);

    /// Takes head and value off the front of `rest`.
    fn read_field(head: &str, rest: &mut Rest<'_>) -> Option<Self>;
}

impl<T: Value> Field for T {
    fn write_field(&self, head: &str, out: &mut Vec<u8>) {
        out.extend_from_slice(head.as_bytes());
        Value::write(self, out);
    }

    fn read_field(head: &str, rest: &mut Rest<'_>) -> Option<Self> {
        rest.skip(head)?;
        Value::read(rest)
    }
}

/// Left out if there is none.
impl<T: Value> Field for Option<T> {
    fn write_field(&self, head: &str, out: &mut Vec<u8>) {
        if let Some(value) = self {
            Field::write_field(value, head, out);
        }
    }

    fn read_field(head: &str, rest: &mut Rest<'_>) -> Option<Self> {
        match rest.skip(head) {
            Some(()) => Value::read(rest).map(Some),
            None => Some(None),
        }
    }
}

/// What is left to read.
pub(super) struct Rest<'a>(&'a str);

impl<'a> Rest<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self(text)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Takes `text` off the front. Inlined, a short one is compared without a call.
    #[inline]
    pub(super) fn skip(&mut self, text: &str) -> Option<()> {
        self.0 = self.0.strip_prefix(text)?;
        Some(())
    }

    /// A string, if none of its characters is escaped.
    pub(super) fn string(&mut self) -> Option<&'a str> {
        self.skip("\"")?;
        let end = self.0.bytes().position(|byte| !is_plain(byte))?;
        self.closed_at(end)
    }

    /// A string of `length` bytes, of which the caller will see whether they are plain.
    fn string_of(&mut self, length: usize) -> Option<&'a str> {
        self.skip("\"")?;
        self.closed_at(length)
    }

    fn closed_at(&mut self, end: usize) -> Option<&'a str> {
        let (word, rest) = self.0.split_at_checked(end)?;
        self.0 = rest.strip_prefix('"')?;
        Some(word)
    }

    /// A number without sign, of so many digits that none is too large.
    fn number(&mut self) -> Option<u64> {
        let is_digit = |byte: &u8| byte.is_ascii_digit();
        let length = self.0.bytes().take_while(is_digit).count();
        let (digits, rest) = self.0.split_at(length);
        if !(1..=19).contains(&length) || (length > 1 && digits.starts_with('0')) {
            return None;
        }
        self.0 = rest;
        Some(digits.bytes().fold(0, |number, digit| number * 10 + u64::from(digit - b'0')))
    }
}

/// Whether a character is written as itself; all bytes of those beyond ASCII are.
fn is_plain(byte: u8) -> bool {
    byte >= 0x20 && byte != b'"' && byte != b'\\'
}

/// All that stands before a field's value.
macro_rules! head {
    ($before:literal, $field:ident) => {
        concat!($before, "\"", stringify!($field), "\":")
    };
}

/// Implements [`Value`] for a struct by its fields, each with what stands before its name. What
/// stands behind a tag has commas only: its opening brace is the tag's.
macro_rules! fields {
    ($name:ident { $($before:literal $field:ident),* $(,)? }) => {
        impl Value for $name {
            fn write(&self, out: &mut Vec<u8>) {
                $( Field::write_field(&self.$field, head!($before, $field), out); )*
                out.push(b'}');
            }

            fn read(rest: &mut Rest<'_>) -> Option<Self> {
                let object = Self {
                    $( $field: Field::read_field(head!($before, $field), rest)?, )*
                };
                rest.skip("}")?;
                Some(object)
            }
        }
    };
}

pub(super) use {fields, head};

fields!(Admission { "{" gateway, "," decided_next });
fields!(Money { "{" amount, "," currency });

macro_rules! numbers {
    ($($number:ty),*) => {$(
        impl Value for $number {
            fn write(&self, out: &mut Vec<u8>) {
                out.extend_from_slice(itoa::Buffer::new().format(*self).as_bytes());
            }

            fn read(rest: &mut Rest<'_>) -> Option<Self> {
                rest.number()?.try_into().ok()
            }
        }
    )*};
}

numbers!(u8, u16, u32, u64);

impl Value for i64 {
    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(itoa::Buffer::new().format(*self).as_bytes());
    }

    fn read(rest: &mut Rest<'_>) -> Option<Self> {
        match rest.skip("-") {
            // "-0" is no integer to serde.
            Some(()) => {
                rest.number().filter(|&number| number > 0)?.try_into().ok().map(i64::wrapping_neg)
            }
            None => rest.number()?.try_into().ok(),
        }
    }
}

impl Value for Timestamp {
    fn write(&self, out: &mut Vec<u8>) {
        self.as_millis().write(out);
    }

    fn read(rest: &mut Rest<'_>) -> Option<Self> {
        i64::read(rest).map(Self::from_millis)
    }
}

impl Value for bool {
    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(if *self { b"true" } else { b"false" });
    }

    fn read(rest: &mut Rest<'_>) -> Option<Self> {
        rest.skip("true").map(|()| true).or_else(|| rest.skip("false").map(|()| false))
    }
}

fn write_plain(text: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    out.extend_from_slice(text);
    out.push(b'"');
}

impl Value for Uuid {
    fn write(&self, out: &mut Vec<u8>) {
        let mut text = Self::encode_buffer();
        write_plain(self.hyphenated().encode_lower(&mut text).as_bytes(), out);
    }

    fn read(rest: &mut Rest<'_>) -> Option<Self> {
        Self::try_parse(rest.string_of(36)?).ok()
    }
}

macro_rules! uuids {
    ($($name:ident),*) => {$(
        impl Value for $name {
            fn write(&self, out: &mut Vec<u8>) {
                self.0.write(out);
            }

            fn read(rest: &mut Rest<'_>) -> Option<Self> {
                Uuid::read(rest).map(Self)
            }
        }
    )*};
}

uuids!(CustomerId, DealId);

macro_rules! hex_numbers {
    ($($name:ident),*) => {$(
        impl Value for $name {
            fn write(&self, out: &mut Vec<u8>) {
                write_plain(&self.digits(), out);
            }

            fn read(rest: &mut Rest<'_>) -> Option<Self> {
                rest.string_of(Self::DIGITS)?.parse().ok()
            }
        }
    )*};
}

hex_numbers!(Digest, Fingerprint);

/// Words of which no character is ever escaped.
macro_rules! words {
    ($parse:expr; $($name:ident),*) => {$(
        impl Value for $name {
            fn write(&self, out: &mut Vec<u8>) {
                write_plain(self.as_str().as_bytes(), out);
            }

            fn read(rest: &mut Rest<'_>) -> Option<Self> {
                $parse(rest.string()?)
            }
        }
    )*};
}

words!(|word: &str| word.parse().ok(); ClientReference, Currency, DealKey, ProductId, ReasonCode);
words!(Self::parse; PaymentResult, RefusalCode);

/// Any text.
impl Value for Box<str> {
    fn write(&self, out: &mut Vec<u8>) {
        if self.bytes().all(is_plain) {
            write_plain(self.as_bytes(), out);
        } else {
            write_by_serde(self, out);
        }
    }

    fn read(rest: &mut Rest<'_>) -> Option<Self> {
        rest.string().map(Self::from)
    }
}

impl<T: Value> Value for Vec<T> {
    fn write(&self, out: &mut Vec<u8>) {
        out.push(b'[');
        for (index, item) in self.iter().enumerate() {
            if index > 0 {
                out.push(b',');
            }
            item.write(out);
        }
        out.push(b']');
    }

    fn read(rest: &mut Rest<'_>) -> Option<Self> {
        if rest.skip("[]").is_some() {
            return Some(Self::new());
        }
        rest.skip("[")?;
        let mut items = vec![T::read(rest)?];
        while rest.skip(",").is_some() {
            items.push(T::read(rest)?);
        }
        rest.skip("]")?;
        Some(items)
    }
}

/// Seldom written and seldom read: serde does both.
impl Value for Box<DealTerms> {
    fn write(&self, out: &mut Vec<u8>) {
        write_by_serde(self, out);
    }

    fn read(_: &mut Rest<'_>) -> Option<Self> {
        None
    }
}

fn write_by_serde(value: &impl serde::Serialize, out: &mut Vec<u8>) {
    serde_json::to_writer(out, value).expect("writing to memory, with string keys only");
}

#[cfg(test)]
mod tests;
