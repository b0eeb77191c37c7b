//! What goes over a wire, held in place: golden bytes, the decoder's behaviour on anything else,
//! the schemas and documents that tell other people, and the value types.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod asyncapi;
mod bless;
mod decoding;
mod golden;
mod http;
mod json_schema;
mod mutation;
mod samples;
mod values;
