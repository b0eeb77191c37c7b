//! Which faults there are, how likely each is in a run, and whether one happens now. Every chance
//! that a fault has is numbered, and whether it is taken follows from the seed and that number
//! alone: so a run can be made again with some of its faults left out, and the others stay. Must
//! not know what a fault does.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use crate::dice::{Dice, mix};

/// Who a chance belongs to: a process, a client, or the world.
pub type Site = u16;

macro_rules! faults {
    ($( $(#[$doc:meta])* $name:ident = $text:literal, $one_in:literal; )*) => {
        /// A fault, or a client's session, which can be left out like one.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Fault { $( $(#[$doc])* $name, )* }

        impl Fault {
            /// Every fault.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// As scripts name it.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $( Self::$name => $text, )* }
            }

            /// As a rule one chance in so many is taken.
            const fn one_in(self) -> u64 {
                match self { $( Self::$name => $one_in, )* }
            }
        }
    };
}

faults! {
    /// A client begins.
    Session = "session", 1;
    /// A worker's process ends between two calls of a log.
    CrashWorker = "crash-worker", 500;
    /// A gateway's process ends.
    CrashGateway = "crash-gateway", 900;
    /// A projector's process ends.
    CrashProjector = "crash-projector", 250;
    /// What a crashed process had on its way is lost.
    LostInCrash = "lost-in-crash", 2;
    /// A worker is asked to stop, drains, and starts again.
    StopWorker = "stop-worker", 2500;
    /// A process does nothing for seconds.
    Stall = "stall", 600;
    /// A worker does nothing for minutes or hours, while others take over and go on.
    Zombie = "zombie", 900;
    /// Partitions go to other workers.
    Reassign = "reassign", 500;
    /// Who had a partition does not hear that it went.
    Unheard = "unheard", 3;
    /// An append is refused, and nothing written.
    AppendRefused = "append-refused", 30;
    /// An append never lands, and nobody knows.
    AppendLost = "append-lost", 25;
    /// Some records of an append never land, and nobody knows.
    AppendTorn = "append-torn", 12;
    /// An append lands, and nobody knows.
    AppendUnknown = "append-unknown", 30;
    /// Nobody knows of an append; it lands later.
    AppendLate = "append-late", 30;
    /// An append takes seconds, and those behind it wait.
    AppendSlow = "append-slow", 25;
    /// An append lands and is acknowledged seconds later.
    AnswerSlow = "answer-slow", 25;
    /// An append lands in two parts, with other writers' records between.
    AppendSplit = "append-split", 10;
    /// An append lands twice, and is acknowledged once.
    AppendDoubled = "append-doubled", 60;
    /// A read is refused.
    ReadRefused = "read-refused", 120;
    /// A reader sees nothing new for a while.
    ReadFrozen = "read-frozen", 150;
    /// A reader gets less than there is.
    ReadShort = "read-short", 6;
    /// The end of a log is not told, or late.
    EndFault = "end-fault", 60;
    /// A process's wall clock jumps.
    ClockJump = "clock-jump", 1200;
    /// A process's wall clock stands for a while.
    ClockStands = "clock-stands", 1500;
    /// A process's clock runs fast or slow, from its first start on.
    ClockDrift = "clock-drift", 2;
    /// The log's clock jumps, also by more than a minute.
    LogClockJump = "log-clock-jump", 1500;
    /// The log's clock runs fast or slow, from the beginning on.
    LogClockDrift = "log-clock-drift", 2;
    /// The log's clock stands for a while.
    LogClockStands = "log-clock-stands", 1500;
    /// Minutes pass in which nobody does anything.
    TimeLeap = "time-leap", 4000;
    /// A snapshot is gone.
    SnapshotLost = "snapshot-lost", 800;
    /// A snapshot is damaged.
    SnapshotCorrupt = "snapshot-corrupt", 800;
    /// Only older snapshots are left.
    SnapshotOld = "snapshot-old", 800;
    /// A snapshot takes seconds to make or to read.
    SnapshotSlow = "snapshot-slow", 6;
    /// A commit of rows is refused.
    CommitRefused = "commit-refused", 12;
    /// Rows are committed, and nobody knows.
    CommitUnknown = "commit-unknown", 12;
    /// Nobody knows of a commit; it comes later, or never.
    CommitLate = "commit-late", 15;
    /// A commit takes seconds.
    CommitSlow = "commit-slow", 15;
    /// The read model cannot be read.
    StoreRefused = "store-refused", 40;
    /// An answer does not reach its client.
    AnswerLost = "answer-lost", 15;
    /// A client gives up waiting for an answer.
    GivesUp = "gives-up", 20;
    /// A request is sent twice at once.
    SentTwice = "sent-twice", 10;
    /// A request arrives seconds after it was sent.
    SentLate = "sent-late", 20;
    /// Bytes that are no command get into the commands log.
    Garbage = "garbage", 2500;
}

/// One chance of a fault: whose, and which of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Chance {
    /// Of what.
    pub fault: Fault,
    /// Whose.
    pub site: Site,
    /// Counted for each fault and site.
    pub number: u32,
}

impl fmt::Display for Chance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.fault.name(), self.site, self.number)
    }
}

impl FromStr for Chance {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut parts = text.split(':');
        let (name, site, number) = (parts.next(), parts.next(), parts.next());
        let fault = Fault::ALL.iter().copied().find(|fault| Some(fault.name()) == name);
        let site = site.and_then(|site| site.parse().ok());
        let number = number.and_then(|number| number.parse().ok());
        match (fault, site, number, parts.next()) {
            (Some(fault), Some(site), Some(number), None) => Ok(Self { fault, site, number }),
            (_, _, _, _) => Err(format!("`{text}` is not fault:site:number")),
        }
    }
}

/// Says of every chance whether it is taken.
#[derive(Debug)]
pub(crate) struct Oracle {
    seed: u64,
    /// One in so many, by fault; 0: never in this run.
    one_in: BTreeMap<Fault, u64>,
    counted: BTreeMap<(Fault, Site), u32>,
    only: Option<BTreeSet<Chance>>,
    taken: Vec<Chance>,
    healed: bool,
}

impl Oracle {
    /// Draws which faults a run has, and how likely they are. With `only`, no other chances than
    /// these are taken.
    pub(crate) fn new(seed: u64, only: Option<BTreeSet<Chance>>) -> Self {
        let mut dice = Dice::new(mix(&[seed, 1]));
        let mut one_in = BTreeMap::new();
        for &fault in Fault::ALL {
            let is_always = matches!(fault, Fault::Session | Fault::LostInCrash);
            // Most seeds have to see these two; any other is off in half of them.
            let is_likely = matches!(fault, Fault::CrashWorker | Fault::AppendLost);
            let is_on = dice.below(100) < if is_likely { 94 } else { 50 };
            let rate = (fault.one_in() * dice.pick(&[1, 2, 2, 6])).div_ceil(2);
            let rate = if is_on { rate } else { 0 };
            one_in.insert(fault, if is_always { fault.one_in() } else { rate });
        }
        let (counted, taken) = (BTreeMap::new(), Vec::new());
        Self { seed, one_in, counted, only, taken, healed: false }
    }

    /// Whether the next chance of this fault at this site is taken, and the dice that say how.
    pub(crate) fn fires(&mut self, fault: Fault, site: Site) -> Option<Dice> {
        if self.healed {
            return None;
        }
        let number = self.counted.entry((fault, site)).or_default();
        let chance = Chance { fault, site, number: *number };
        *number += 1;
        let one_in = self.one_in.get(&fault).copied().filter(|one_in| *one_in > 0)?;
        let index = Fault::ALL.iter().position(|it| *it == fault).expect("all are listed") as u64;
        let mut dice =
            Dice::new(mix(&[self.seed, 2, index, chance.site.into(), chance.number.into()]));
        if dice.below(one_in) > 0 {
            return None;
        }
        if self.only.as_ref().is_some_and(|only| !only.contains(&chance)) {
            return None;
        }
        self.taken.push(chance);
        Some(dice)
    }

    /// No fault happens any more.
    pub(crate) fn heal(&mut self) {
        self.healed = true;
    }

    pub(crate) fn is_healed(&self) -> bool {
        self.healed
    }

    /// Every chance that was taken, in order.
    pub(crate) fn taken(&self) -> &[Chance] {
        &self.taken
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{Chance, Fault, Oracle};

    fn taken(only: Option<BTreeSet<Chance>>) -> Vec<Chance> {
        let mut oracle = Oracle::new(5, only);
        for _ in 0..2_000 {
            oracle.fires(Fault::CrashWorker, 1);
            oracle.fires(Fault::AppendLost, 2);
        }
        oracle.taken().to_vec()
    }

    #[test]
    fn leaving_a_fault_out_leaves_the_others_where_they_are() {
        let all = taken(None);
        assert!(all.len() > 10, "{all:?}");
        let without: BTreeSet<_> = all.iter().copied().skip(1).collect();
        assert_eq!(taken(Some(without.clone())), without_first(&all));
    }

    fn without_first(all: &[Chance]) -> Vec<Chance> {
        all.iter().copied().skip(1).collect()
    }

    #[test]
    fn a_chance_reads_back_as_it_was_written() {
        for &fault in Fault::ALL {
            let chance = Chance { fault, site: 3, number: 17 };
            assert_eq!(chance.to_string().parse(), Ok(chance));
        }
        assert!("crash-worker:1".parse::<Chance>().is_err());
    }
}
