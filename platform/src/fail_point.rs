//! Points at which a process can be told to die, for tests of what a crash leaves behind. A kill
//! from outside hits a point between two steps only by luck; these hit it every time.
//!
//! They are part of every build, because what is tested has to be what is shipped. Nothing happens
//! unless the process was started with [`VARIABLE`]: then [`reach`] costs one relaxed load, and
//! callers reach a point once per batch. Whoever can set a process's variables can end it anyway.
//! Must not know what happens at a point.

use std::sync::atomic::{AtomicU8, AtomicU32, Ordering};

/// `after_append`, or `after_append:3` for the third time that the point is reached.
pub const VARIABLE: &str = "TIMEDEAL_FAIL_POINT";

/// A point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailPoint {
    /// Commands were read, nothing of them is decided.
    AfterRead,
    /// Decisions were acknowledged, and not read back.
    AfterAppend,
    /// A snapshot is due, and not written.
    BeforeCheckpoint,
    /// Decisions were folded, their rows not committed.
    InProjection,
    /// A partition was claimed, and the claim not answered.
    DuringTakeover,
}

impl FailPoint {
    const ALL: [Self; 5] = [
        Self::AfterRead,
        Self::AfterAppend,
        Self::BeforeCheckpoint,
        Self::InProjection,
        Self::DuringTakeover,
    ];

    /// As [`VARIABLE`] names it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AfterRead => "after_read",
            Self::AfterAppend => "after_append",
            Self::BeforeCheckpoint => "before_checkpoint",
            Self::InProjection => "in_projection",
            Self::DuringTakeover => "during_takeover",
        }
    }

    fn number(self) -> u8 {
        // From 1 on: 0 stands for none.
        let index = Self::ALL.iter().position(|point| *point == self);
        u8::try_from(index.expect("all points are listed") + 1).expect("there are few")
    }
}

/// The number of the point that is armed; 0 if none is.
static ARMED: AtomicU8 = AtomicU8::new(0);
/// How often it may still be passed.
static LEFT: AtomicU32 = AtomicU32::new(0);

/// Arms the point that `value`, the text of [`VARIABLE`], names.
///
/// # Errors
/// If it names none.
pub fn arm(value: &str) -> Result<(), String> {
    let (point, times) = parse(value)?;
    tracing::warn!(point = point.as_str(), times, "this process will end itself at a fail point");
    LEFT.store(times, Ordering::Relaxed);
    ARMED.store(point.number(), Ordering::Relaxed);
    Ok(())
}

/// The process ends here, as by SIGKILL, if this point is armed and it was reached often enough.
pub fn reach(point: FailPoint) {
    if ARMED.load(Ordering::Relaxed) != point.number() {
        return;
    }
    if LEFT.fetch_sub(1, Ordering::Relaxed) == 1 {
        tracing::error!(point = point.as_str(), "fail point reached");
        // No destructors, no flushing: what is not safe by now is lost.
        std::process::abort();
    }
}

fn parse(value: &str) -> Result<(FailPoint, u32), String> {
    let (name, times) = value.split_once(':').unwrap_or((value, "1"));
    let point = FailPoint::ALL.into_iter().find(|point| point.as_str() == name);
    let times = times.parse().ok().filter(|times| *times > 0);
    point.zip(times).ok_or_else(|| {
        let names = FailPoint::ALL.map(FailPoint::as_str).join(", ");
        format!("{VARIABLE} is one of {names}, and behind it :N for the N-th time")
    })
}

#[cfg(test)]
mod tests {
    use super::{FailPoint, parse, reach};

    #[test]
    fn a_point_is_named_with_the_time_at_which_it_counts() {
        for point in FailPoint::ALL {
            assert_eq!(parse(point.as_str()), Ok((point, 1)));
            assert_eq!(parse(&format!("{}:7", point.as_str())), Ok((point, 7)));
        }
        for bad in ["", "somewhere", "after_read:", "after_read:0", "after_read:x"] {
            assert!(parse(bad).unwrap_err().contains("during_takeover"), "{bad}");
        }
    }

    #[test]
    fn nothing_happens_at_a_point_that_is_not_armed() {
        FailPoint::ALL.into_iter().for_each(reach);
    }
}
