//! The projector: folds effective decisions into the read model, rows and filter state in one
//! transaction. One [`Projector`] per partition; any number may run at once, for a commit counts
//! only if the stored read_offset is still the one that it started from.
//!
//! What a decision changes is `read_model`'s to say, what counts as decided is the filter's. This
//! crate must not know HTTP, the decider, or which log or database it stands on.

mod board;
mod dead_letters;
mod metric;
mod projector;
mod view;

pub use board::{ProjectorBoard, ProjectorStatus};
pub use dead_letters::{HEADER_OFFSET, HEADER_PARTITION};
pub use metric::describe as describe_metrics;
pub use projector::{PARK_RECHECK, Projector, ProjectorParts, STOP_GRACE, Step};
