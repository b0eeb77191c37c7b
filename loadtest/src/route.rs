//! Which gateway is asked next: drawn from the seed, so that two rushes ask alike. Pure. Must not
//! know what is asked, or whether a gateway is there.

use std::mem;

use crate::dice::Dice;

/// Spreads the numbers of buyers over the seeds (the odd constant of Fibonacci hashing).
const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;

/// For what a buyer comes; each has a way of its own, from the same home.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Leg {
    /// The first purchase.
    First,
    /// The second purchase, which begins elsewhere half of the time.
    Second,
    /// Asking again at the very end.
    Last,
}

/// One in so many who hear of a decision look once more, at another gateway.
const LOOKS_TWICE_ONE_IN: u64 = 4;

/// The way of one buyer through the gateways: after every answer half of them move on, so that
/// repeats and polls meet a gateway that has not seen what the last one has.
#[derive(Debug)]
pub(crate) struct Route {
    dice: Dice,
    gateways: usize,
    at: usize,
    may_move: bool,
}

impl Route {
    /// The way of a buyer through so many gateways, at least one.
    pub(crate) fn new(seed: u64, buyer: u32, leg: Leg, gateways: usize) -> Self {
        let dice = Dice::new(seed ^ (u64::from(buyer) + 1).wrapping_mul(SPREAD));
        let at = draw(&dice, gateways);
        let (of_leg, may_move) = match leg {
            Leg::First => (1, false),
            Leg::Second => (2, true),
            Leg::Last => (3, true),
        };
        Self { dice: Dice::new(dice.draw() ^ of_leg), gateways, at, may_move }
    }

    /// The gateway to ask.
    pub(crate) fn next(&mut self) -> usize {
        if mem::take(&mut self.may_move) && self.dice.below(2) == 0 {
            self.leave();
        }
        self.at
    }

    /// The gateway has answered: the next request goes to it or to another, as likely.
    pub(crate) fn note_answer(&mut self) {
        self.may_move = true;
    }

    /// The next request goes to another gateway, if there is one.
    pub(crate) fn leave(&mut self) {
        self.may_move = false;
        if self.gateways > 1 {
            let steps = 1 + draw(&self.dice, self.gateways - 1);
            self.at = (self.at + steps) % self.gateways;
        }
    }

    /// Whether to look at a decision once more, and if so, at another gateway.
    pub(crate) fn looks_twice(&mut self) -> bool {
        let looks = self.gateways > 1 && self.dice.below(LOOKS_TWICE_ONE_IN) == 0;
        if looks {
            self.leave();
        }
        looks
    }
}

fn draw(dice: &Dice, gateways: usize) -> usize {
    let limit = u64::try_from(gateways).expect("usize fits u64");
    usize::try_from(dice.below(limit)).expect("below a usize")
}

#[cfg(test)]
mod tests {
    use super::{Leg, Route};

    fn walk(seed: u64, buyer: u32, leg: Leg, gateways: usize) -> Vec<usize> {
        let mut route = Route::new(seed, buyer, leg, gateways);
        let step = |_| {
            route.note_answer();
            route.next()
        };
        (0..200).map(step).collect()
    }

    #[test]
    fn a_seed_gives_one_way_and_every_leg_its_own() {
        let legs = [Leg::First, Leg::Second, Leg::Last];
        for leg in legs {
            assert_eq!(walk(1, 7, leg, 3), walk(1, 7, leg, 3));
            assert_ne!(walk(1, 7, leg, 3), walk(2, 7, leg, 3));
            assert_ne!(walk(1, 7, leg, 3), walk(1, 8, leg, 3));
        }
        assert_ne!(walk(1, 7, Leg::First, 3), walk(1, 7, Leg::Second, 3));
        assert_ne!(walk(1, 7, Leg::Second, 3), walk(1, 7, Leg::Last, 3));
    }

    #[test]
    fn buyers_are_spread_and_half_of_the_steps_move() {
        let mut homes = [0; 3];
        let mut moved = 0;
        for buyer in 0..300 {
            let [first, second] =
                [Leg::First, Leg::Second].map(|leg| Route::new(5, buyer, leg, 3).next());
            homes[first] += 1;
            moved += usize::from(first != second);
        }
        assert!(homes.iter().all(|count| (70..130).contains(count)), "{homes:?}");
        assert!((120..180).contains(&moved), "{moved} of 300 begin again elsewhere");
        let way = walk(5, 0, Leg::First, 3);
        let moves = way.windows(2).filter(|pair| pair[0] != pair[1]).count();
        assert!((70..130).contains(&moves), "{moves} of 199 steps move");
    }

    #[test]
    fn who_leaves_comes_to_another_and_who_cannot_stays() {
        let mut route = Route::new(5, 0, Leg::First, 2);
        let home = route.next();
        route.note_answer();
        route.leave();
        assert_eq!(route.next(), 1 - home);
        let mut only = Route::new(5, 0, Leg::First, 1);
        only.leave();
        only.note_answer();
        assert_eq!((only.next(), only.looks_twice()), (0, false));
    }

    #[test]
    fn who_looks_twice_looks_elsewhere() {
        let mut looked = 0;
        for buyer in 0..400 {
            let mut route = Route::new(5, buyer, Leg::First, 2);
            let home = route.next();
            route.note_answer();
            if route.looks_twice() {
                looked += 1;
                assert_ne!(route.next(), home);
            }
        }
        assert!((60..140).contains(&looked), "{looked} of 400");
    }
}
