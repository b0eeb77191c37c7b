//! The status view against a read model and a log in memory, step by step and without a runtime.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![allow(clippy::print_stdout, reason = "says how much was tried")]

mod following;
mod memory_store;
mod property;
mod seeding;
mod setup;
mod small_logs;
mod watching;
mod world;
