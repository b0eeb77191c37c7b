//! The programs as others know them: by their command lines, their HTTP interface, what they print
//! and their exit codes, on the test servers.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[cfg(feature = "cloud")]
mod aws_secrets;
mod embedded;
mod full_disk;
mod http;
mod issuer;
mod names;
mod oidc;
mod planning;
mod program;
mod redaction;
mod rotation;
mod selling;
mod serving;
mod shop;
mod synced;
