//! The codec shared by all records: `{"v":1,"type":"…",` followed by the fields of the type.
//!
//! Serde's own tagged enums buffer every field before they look at it; records are read a hundred
//! thousand times a second, so the tag is looked up first and the fields are read in place.

use serde::{Deserialize, Serialize};

use super::fields;

/// Why bytes are not a record that this build understands.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeFault {
    /// Written by a newer build: wait for an upgrade, do not guess.
    #[error("a newer writer's record: v {v}, type {kind:?}")]
    Newer {
        /// Its format version.
        v: u32,
        /// Its type.
        kind: Box<str>,
    },
    /// Broken for every version: not an object, no `v` or `type`, a field missing, twice or of the
    /// wrong type.
    #[error("unreadable: {0}")]
    Unreadable(Box<str>),
}

impl DecodeFault {
    pub(super) fn unreadable(reason: &dyn std::fmt::Display) -> Self {
        Self::Unreadable(reason.to_string().into())
    }
}

/// Version and type of a record.
#[derive(Deserialize)]
pub(super) struct Tag<'a> {
    pub(super) v: u32,
    #[serde(rename = "type", borrow)]
    pub(super) kind: std::borrow::Cow<'a, str>,
}

/// A record's bytes as text: JSON is UTF-8 throughout, also in fields that nobody here reads.
pub(super) fn text(bytes: &[u8]) -> Result<&str, DecodeFault> {
    std::str::from_utf8(bytes).map_err(|fault| DecodeFault::unreadable(&fault))
}

/// Reads version and type. What this build wrote itself is recognised by its first bytes.
pub(super) fn peek(text: &str) -> Result<Tag<'_>, DecodeFault> {
    if let Some(kind) = text.strip_prefix(r#"{"v":1,"type":""#).and_then(plain_word) {
        return Ok(Tag { v: 1, kind: kind.into() });
    }
    read_tag(text)
}

/// Reads version and type wherever they stand, and thereby all of the JSON.
fn read_tag(text: &str) -> Result<Tag<'_>, DecodeFault> {
    let tag: Tag<'_> = fields::read(text).map_err(|fault| DecodeFault::unreadable(&fault))?;
    if tag.v == 0 { Err(DecodeFault::unreadable(&"v is 0")) } else { Ok(tag) }
}

/// What stands before the closing quote, if it is written without escapes.
pub(super) fn plain_word(rest: &str) -> Option<&str> {
    let end = rest.find(['"', '\\'])?;
    rest[end..].starts_with('"').then_some(&rest[..end])
}

/// The fault of a record whose type is not known: newer, unless its JSON is broken all the same.
pub(super) fn unknown(text: &str) -> DecodeFault {
    match read_tag(text) {
        Ok(tag) => DecodeFault::Newer { v: tag.v, kind: tag.kind.into() },
        Err(fault) => fault,
    }
}

/// Reads the fields of a type.
pub(super) fn fields<'de, T: Deserialize<'de>>(text: &'de str) -> Result<T, DecodeFault> {
    fields::read(text).map_err(|fault| DecodeFault::unreadable(&fault))
}

/// Appends `{head` and the fields of `body` to `out`. `head` ends before the first field.
pub(super) fn write(out: &mut Vec<u8>, head: &str, body: &impl Serialize) {
    out.extend_from_slice(head.as_bytes());
    let start = out.len();
    serde_json::to_writer(&mut *out, body).expect("writing to memory, with string keys only");
    debug_assert_eq!(out[start], b'{', "a record's fields are an object");
    // The object's own brace becomes the comma behind the tag, or vanishes if it has no fields.
    if out[start + 1] == b'}' {
        out.remove(start);
    } else {
        out[start] = b',';
    }
}
