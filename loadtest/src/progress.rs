//! Who is told how far a rush is. The library prints nothing; a terminal's bar is one observer.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// A part of a rush, in the order in which they come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Tokens are made; a step per buyer.
    Preparing,
    /// The deal is announced and has not opened.
    Opening,
    /// The crowd buys; a step per buyer who knows what became of it.
    Buying,
    /// Some send their purchase again although all is settled; a step each.
    Repeating,
    /// Everybody who was let in asks once more; a step each.
    AskingAgain,
    /// Over.
    Done,
}

impl Phase {
    /// A word or two for people.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Preparing => "tokens",
            Self::Opening => "waiting for the opening",
            Self::Buying => "buying",
            Self::Repeating => "repeating",
            Self::AskingAgain => "asking again",
            Self::Done => "done",
        }
    }
}

/// Is told how far a rush is, from many tasks; must not block.
pub trait Observer: Send + Sync {
    /// A phase has begun; it has so many steps.
    fn began(&self, phase: Phase, steps: u64);
    /// One more step of the phase was taken.
    fn stepped(&self);
    /// A request has to be sent again: no connection, no answer, or told to come back.
    fn retried(&self);
}

/// Nobody is told.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Observer for Silent {
    fn began(&self, _: Phase, _: u64) {}
    fn stepped(&self) {}
    fn retried(&self) {}
}

/// A bar on stderr; nothing is drawn where stderr is no terminal.
#[derive(Debug)]
pub struct TerminalBar(ProgressBar);

impl TerminalBar {
    /// A bar that shows from the first phase on.
    ///
    /// # Panics
    /// Never: the template is a literal.
    #[must_use]
    pub fn new() -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr_with_hz(8));
        let style = ProgressStyle::with_template("{msg:24} {bar:32} {human_pos}/{human_len}");
        bar.set_style(style.expect("the template is a literal and was tested"));
        Self(bar)
    }
}

impl Default for TerminalBar {
    fn default() -> Self {
        Self::new()
    }
}

impl Observer for TerminalBar {
    fn began(&self, phase: Phase, steps: u64) {
        if phase == Phase::Done {
            return self.0.finish_and_clear();
        }
        self.0.set_message(phase.as_str());
        self.0.set_length(steps);
        self.0.set_position(0);
    }

    fn stepped(&self) {
        self.0.inc(1);
    }

    fn retried(&self) {}
}

#[cfg(test)]
mod tests {
    use super::{Observer, Phase, TerminalBar};

    #[test]
    fn a_bar_follows_the_phases() {
        let bar = TerminalBar::new();
        bar.began(Phase::Buying, 3);
        bar.stepped();
        assert_eq!((bar.0.position(), bar.0.length()), (1, Some(3)));
        bar.began(Phase::AskingAgain, 9);
        assert_eq!((bar.0.position(), bar.0.length()), (0, Some(9)));
        bar.began(Phase::Done, 0);
        assert!(bar.0.is_finished());
    }
}
