//! Records in any form, read by serde: `{"v":1,"type":"…",` with the fields of the type, in any
//! order and with whatever JSON allows between them.
//!
//! The tag is looked up first and the fields are read in place: serde's own tagged enums would
//! buffer every field before they look at it.

use serde::Deserialize;

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

impl Tag<'_> {
    /// The fault of a record that only a newer build knows.
    pub(super) fn newer(self) -> DecodeFault {
        DecodeFault::Newer { v: self.v, kind: self.kind.into() }
    }
}

/// A record's bytes as text: JSON is UTF-8 throughout, also in fields that nobody here reads.
pub(super) fn text(bytes: &[u8]) -> Result<&str, DecodeFault> {
    std::str::from_utf8(bytes).map_err(|fault| DecodeFault::unreadable(&fault))
}

/// Reads version and type wherever they stand, and thereby all of the JSON.
pub(super) fn read_tag(text: &str) -> Result<Tag<'_>, DecodeFault> {
    let tag: Tag<'_> = fields::read(text).map_err(|fault| DecodeFault::unreadable(&fault))?;
    if tag.v == 0 { Err(DecodeFault::unreadable(&"v is 0")) } else { Ok(tag) }
}

/// Reads the fields of a type.
pub(super) fn fields<'de, T: Deserialize<'de>>(text: &'de str) -> Result<T, DecodeFault> {
    fields::read(text).map_err(|fault| DecodeFault::unreadable(&fault))
}
