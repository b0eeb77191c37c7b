//! The decider seen from outside: tables, properties, a small world played through, and memory.

#![allow(clippy::unwrap_used, reason = "what tests build is right, or the test has failed")]
#![allow(clippy::print_stdout, reason = "says how much was tried")]

mod announcements;
mod auditor;
mod cancellations;
mod expiry;
mod logs;
mod memory;
mod orders;
mod payments;
mod properties;
mod purchases;
mod retirement;
mod schedules;
mod script;
mod small_world;
mod stock;
mod told;
mod world;
