//! The gateway over real sockets: real routes, view, decider and SQLite store, simulated logs.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod bad_input;
mod buying;
mod client;
mod document;
mod fan_out;
mod hostile;
mod operators;
mod overload;
mod owner;
mod rotation;
mod samples;
mod selling;
mod sockets;
mod streams;
mod world;
