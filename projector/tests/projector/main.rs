//! The projector on simulated logs and a real SQLite file, step by step.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod dead_letters;
mod faults;
mod faulty;
mod projecting;
mod running;
mod setup;

// The same world and the same plain fold that hold the stores to their promises.
#[path = "../../../read-model/tests/store/naive.rs"]
mod naive;
#[path = "../../../read-model/tests/store/world.rs"]
#[allow(dead_code, reason = "the stores' tests need more of it")]
mod world;
