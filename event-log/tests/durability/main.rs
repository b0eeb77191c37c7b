//! What of the embedded log is left when the machine loses power, when a sync fails, and when the
//! disk is full.
//!
//! A writer is run under `strace`. What it asks of the operating system, in its order, tells
//! whether it synced before it acknowledged, and is played again up to any moment, with whatever
//! was not synced lost in part.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![allow(clippy::print_stdout, reason = "says how much was tried")]

mod calls;
mod chance;
mod disk;
mod full_disk;
mod power_loss;
mod survival;
mod syncing;
mod trace;
mod writer;
