//! What a real broker says to our topics, memberships and passwords. Each test has topics and
//! groups of its own.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod injected;
mod links;
mod membership;
mod shop;
mod tokens;
mod topics;
