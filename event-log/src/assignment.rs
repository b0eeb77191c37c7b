//! Which partitions a worker has, as it is told over time: all of them for ever on one machine, or
//! what a consumer group gives it. Must not know what is done with a partition.

use schemas::Partition;
use tokio::sync::{mpsc, oneshot};

/// Changes wait here until they are dealt with; whoever sends one waits for its answer.
const WAITING_MAX: usize = 16;

/// A change of what a worker has.
#[derive(Debug)]
pub enum Assignment {
    /// These partitions are the worker's from now on, beside those that it has.
    Assigned(Vec<Partition>),
    /// These are about to go to somebody else. The group waits, for a bounded time, until `done`
    /// is answered or dropped: finish the batch in hand, then answer.
    Revoked {
        /// Which partitions.
        partitions: Vec<Partition>,
        /// To be answered when they are at rest.
        done: oneshot::Sender<()>,
    },
    /// These have gone to somebody else already: there is nothing to finish.
    Lost(Vec<Partition>),
}

/// Where changes come from. They end when there will be none any more: what is assigned stays.
#[derive(Debug)]
pub struct Assignments(mpsc::Receiver<Assignment>);

impl Assignments {
    /// Whoever sends changes, and where they arrive.
    #[must_use]
    pub fn channel() -> (mpsc::Sender<Assignment>, Self) {
        let (sender, receiver) = mpsc::channel(WAITING_MAX);
        (sender, Self(receiver))
    }

    /// All partitions for ever: there is no other worker.
    #[must_use]
    pub fn all(partitions: Partition) -> Self {
        let (sender, assignments) = Self::channel();
        let all = Assignment::Assigned((0..partitions).collect());
        sender.try_send(all).expect("the first of many that may wait");
        assignments
    }

    /// The next change; none once there will be no more.
    pub async fn next(&mut self) -> Option<Assignment> {
        self.0.recv().await
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::{Assignment, Assignments};

    #[test]
    fn on_one_machine_everything_is_assigned_at_once_and_for_ever() {
        let mut assignments = Assignments::all(3);
        let first = assignments.next().now_or_never().expect("it waits already");
        assert!(matches!(first, Some(Assignment::Assigned(all)) if all == [0, 1, 2]));
        assert!(matches!(assignments.next().now_or_never(), Some(None)));
    }
}
