//! Mutations: a generator that a seed decides, changes that break formats where they are brittle,
//! and a report that makes a failure again. Must not know what a target decodes.

use std::num::NonZeroU64;
use std::panic::{AssertUnwindSafe, catch_unwind};

use decoders::{BYTES_MAX, PIECES, Target};

/// Most changes to one input.
const CHANGES_MAX: u64 = 6;

/// SplitMix64.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    /// Below `end`, which is not 0.
    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.draw() % u64::try_from(end).unwrap()).unwrap()
    }

    fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }
}

/// Runs a target on its seeds, and on so many mutations of them.
pub(crate) fn drive(target: &Target, seed: u64, cases: NonZeroU64) {
    let seeds = target.seeds();
    for input in &seeds {
        check(target, "a seed", input);
    }
    for case in 0..cases.get() {
        // Each case has dice of its own, so that one can be made again without the others.
        let mut dice = Dice(seed ^ case.wrapping_mul(0xa076_1d64_78bd_642f));
        let mut input = dice.pick(&seeds).clone();
        for _ in 0..=dice.draw() % CHANGES_MAX {
            change(&mut input, &seeds, &mut dice);
        }
        input.truncate(BYTES_MAX);
        check(target, &format!("case {case} of seed {seed}"), &input);
    }
}

fn check(target: &Target, what: &str, input: &[u8]) {
    let outcome = catch_unwind(AssertUnwindSafe(|| (target.run)(input)));
    if outcome.is_err() {
        let shown = input.escape_ascii();
        panic!("{} fails on {what}; keep it in its corpus:\n{shown}", target.name);
    }
}

fn change(input: &mut Vec<u8>, seeds: &[Vec<u8>], dice: &mut Dice) {
    let place = dice.below(input.len() + 1);
    let other = dice.below(input.len() + 1);
    let part = place.min(other)..place.max(other);
    match dice.draw() % 10 {
        0 => drop(input.drain(part)),
        1 => input.truncate(place),
        2 => drop(input.splice(place..place, dice.pick(&PIECES).iter().copied())),
        3 => {
            let copied = input[part].to_vec();
            drop(input.splice(place..place, copied));
        }
        4 => {
            let seed = dice.pick(seeds);
            let from = dice.below(seed.len() + 1);
            drop(input.splice(place.., seed[from..].iter().copied()));
        }
        5 => replace_number(input, place, dice),
        6 => {
            let piece = dice.pick(&PIECES);
            let end = (place + piece.len()).min(input.len());
            drop(input.splice(place..end, piece.iter().copied()));
        }
        _ if place == input.len() => input.push(dice.draw().to_le_bytes()[0]),
        7 => input[place] = dice.draw().to_le_bytes()[0],
        _ => input[place] ^= 1 << dice.below(8),
    }
}

/// Puts another number where one stands, at `place` or after it.
fn replace_number(input: &mut Vec<u8>, place: usize, dice: &mut Dice) {
    let Some(start) = input[place..].iter().position(u8::is_ascii_digit) else { return };
    let start = place + start;
    let length = input[start..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    let number = match dice.draw() % 4 {
        0 => "0".to_owned(),
        1 => u64::MAX.to_string(),
        2 => (dice.draw() % 1_000).to_string(),
        _ => dice.draw().to_string(),
    };
    drop(input.splice(start..start + length, number.into_bytes()));
}
