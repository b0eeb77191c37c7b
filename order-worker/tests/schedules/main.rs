//! The schedules that the rules of ownership are made for, one test each: without the rule, each
//! of them loses a decision, doubles one, or adopts a zombie's.

mod ownership;
mod parking;
mod time;
mod world;
