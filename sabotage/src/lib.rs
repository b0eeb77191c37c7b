//! Bugs that can be planted in the service, one at a time, to see that those who judge it find
//! them. Each stands at the one place where it could be made by mistake, as
//! `if sabotage::is_planted(Bug::…)`.
//!
//! Without the feature `armed` the question is a constant, and the place is compiled as if it were
//! not there. Only `simulation` arms it, for a program that is built for nothing else.
//!
//! Must not know where a bug is planted, or who looks for it.

#[cfg(feature = "armed")]
use std::sync::atomic::{AtomicUsize, Ordering};

macro_rules! bugs {
    ($( $name:ident = $text:literal, $what:literal; )*) => {
        /// A bug.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Bug { $( #[doc = $what] $name, )* }

        impl Bug {
            /// Every bug.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// As it is named on a command line.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $( Self::$name => $text, )* }
            }

            /// What it does, in a sentence.
            #[must_use]
            pub const fn what(self) -> &'static str {
                match self { $( Self::$name => $what, )* }
            }
        }
    };
}

bugs! {
    OversellByOne = "oversell-by-one",
        "A deal whose stock divides by seven is counted with one unit more than was announced.";
    DecisionLost = "decision-lost",
        "Of a batch that begins at an offset that divides by seven, the first command is skipped.";
    OrderSwapped = "order-swapped",
        "A batch that begins with two products, at every fifth offset, is begun with the second.";
    RepeatChanged = "repeat-changed",
        "The bytes of every fifth decision depend on the epoch of the owner that makes it.";
    UnknownToldAsUntaken = "unknown-told-as-untaken",
        "Whoever asks for something is told that nothing was written when nobody knows.";
    KeyForgotten = "key-forgotten",
        "A purchase that is refused as sold out does not bind its key.";
    KeyLookupSkipped = "key-lookup-skipped",
        "The door does not look up every eighth key, and takes it for unknown.";
    ReadModelSkewed = "read-model-skewed",
        "The counters of a deal are not written when the order at an odd offset is cancelled.";
    EarlySoldOut = "early-sold-out",
        "The door says sold out while one unit is left.";
    AnnouncedWhileOpen = "announced-while-open",
        "A deal that nobody has ordered from can be announced anew although it has opened.";
    LeakingLimit = "leaking-limit",
        "Units that are paid do not count against a customer's limit any more.";
    StatusGoingBack = "status-going-back",
        "Rows of the read model are shown without the changes that the view knows of.";
    EpochIgnored = "epoch-ignored",
        "Readers take the decisions of an owner that was fenced.";
    ClaimIgnored = "claim-ignored",
        "A worker decides as soon as it has handed its claim to the log, whether or not it lands.";
    ClaimUncompared = "claim-uncompared",
        "Readers do not compare claims, and whoever came second with one decides like the first.";
    LossUnheard = "loss-unheard",
        "A worker does not hear that a partition is somebody else's, and comes back for it.";
    AfterIgnored = "after-ignored",
        "Readers do not look whether a decision before the one at hand was lost.";
    HoldForgotten = "hold-forgotten",
        "If a deal's oldest hold ends, nobody is reminded of the next one any more.";
    TickByWallClock = "tick-by-wall-clock",
        "Holds expire by the clock of the owner that reminds of them.";
    SnapshotOfUnreadState = "snapshot-of-unread-state",
        "A snapshot is taken of decisions that have not been read back.";
    CheckpointWithoutEpoch = "checkpoint-without-epoch",
        "At every eighth offset the projector stores the filter without who the owner is.";
    LogTimeLostOnRebuild = "log-time-lost-on-rebuild",
        "An owner that begins with a snapshot does not know the log time.";
}

/// Whether this bug is planted: never, in this build.
#[cfg(not(feature = "armed"))]
#[must_use]
#[inline(always)]
pub const fn is_planted(_: Bug) -> bool {
    false
}

/// Number of the planted bug; [`NONE`] if there is none.
#[cfg(feature = "armed")]
static PLANTED: AtomicUsize = AtomicUsize::new(NONE);
#[cfg(feature = "armed")]
const NONE: usize = usize::MAX;

/// Whether this bug is planted.
#[cfg(feature = "armed")]
#[must_use]
#[inline]
pub fn is_planted(bug: Bug) -> bool {
    PLANTED.load(Ordering::Relaxed) == bug as usize
}

/// Plants a bug in this process in place of the one that was, or takes that out.
#[cfg(feature = "armed")]
pub fn plant(bug: Option<Bug>) {
    PLANTED.store(bug.map_or(NONE, |bug| bug as usize), Ordering::Relaxed);
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{Bug, is_planted};

    #[test]
    fn every_bug_has_a_name_of_its_own() {
        let names: BTreeSet<_> = Bug::ALL.iter().map(|bug| bug.name()).collect();
        assert_eq!(names.len(), Bug::ALL.len());
        let is_kebab = |name: &&str| name.bytes().all(|it| it == b'-' || it.is_ascii_lowercase());
        assert!(names.iter().all(is_kebab), "{names:?}");
    }

    #[test]
    fn nothing_is_planted_unless_somebody_plants_it() {
        assert!(!Bug::ALL.iter().any(|bug| is_planted(*bug)));
    }
}
