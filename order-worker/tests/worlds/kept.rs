//! Which rules of the protocol a small world keeps, and how large it is.

/// The rules; a world without one must come to grief.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Kept {
    /// A decision says what was decided before it.
    pub(crate) after: bool,
    /// A claim is told from others by chance.
    pub(crate) claim: bool,
    /// What a reader stores names the current owner.
    pub(crate) checkpoint_epoch: bool,
    /// A claimant has read the log to its end.
    pub(crate) read_up: bool,
    /// It reads on until its claim appears, and decides by what stands before that.
    pub(crate) read_on: bool,
    /// An owner that reads another's claim stops.
    pub(crate) step_down: bool,
    /// Only what was read back goes into a snapshot.
    pub(crate) snapshot_read: bool,
}

pub(crate) const ALL: Kept = Kept {
    after: true,
    claim: true,
    checkpoint_epoch: true,
    read_up: true,
    read_on: true,
    step_down: true,
    snapshot_read: true,
};

/// How much can happen in a world.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Size {
    /// The workers: the rule set that the claims of each name, and how many it may make.
    pub(crate) workers: &'static [(u32, u8)],
    /// Commands to decide.
    pub(crate) commands: u64,
    /// Decisions that an owner may be ahead of what it has read back.
    pub(crate) ahead: usize,
    /// Snapshots that may be taken.
    pub(crate) snapshots: u8,
    /// Records that the log may write twice.
    pub(crate) repeats: u8,
}
