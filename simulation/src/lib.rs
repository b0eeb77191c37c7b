//! The whole service in one thread: clients, gateways, workers, projectors, stores and logs, on a
//! virtual clock and a seeded scheduler, with faults between any two of their calls. What runs is
//! what production runs; the logs, the clock, the store, the snapshots and all randomness are
//! handed in, and here all of them can fail.
//!
//! [`run()`] makes one run: first with faults, every promise checked after every step (safety),
//! then healed, until nothing is left to do (liveness). The same options give the same run, to the
//! byte. [`shrink()`] cuts a run that failed to few faults.
//!
//! With the feature `sabotage`, bugs can be planted in the service; `trial` plants one after the
//! other and sees to it that the checks find it, and so does the audit on its own.
//!
//! The checks (`checks`) judge from wire types alone. Beside `timedeal` this is the only crate that
//! may put every part together; it must not hold logic of any of them.

mod batch;
mod checks;
mod clients;
mod clock;
mod command_line;
mod dice;
mod faults;
mod ground;
mod history;
mod log;
mod machines;
mod plan;
mod report;
mod roles;
mod rows;
mod run;
mod scheduler;
mod shrink;
mod store;
mod trial;
mod universe;
mod wire;
mod world;

pub use batch::{Tally, run_seeds};
pub use checks::Breach;
pub use command_line::run_command;
pub use faults::{Chance, Fault, Site};
pub use report::{Failure, Judges, Options, Report, STEPS};
pub use run::run;
pub use shrink::{Script, shrink};
