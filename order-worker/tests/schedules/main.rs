//! The schedules that the rules of ownership are made for, one test each: without the rule, each
//! of them loses a decision, doubles one, or adopts a zombie's.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]
#![allow(clippy::print_stdout, reason = "says how much was tried")]

mod assignment;
mod every_schedule;
mod gate;
mod gauges;
mod giving_back;
mod measuring;
mod ownership;
mod parking;
mod snapshots;
mod store;
mod time;
mod world;
