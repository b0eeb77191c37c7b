//! Who buys what and when, drawn from a seed. Pure: the same seed gives the same crowd. Must not
//! know how a purchase is sent.

use std::time::Duration;

use uuid::Uuid;

use crate::arrivals::Arrivals;
use crate::dice::Dice;

/// One in so many buyers sends the same key with another payload, and as many a second key.
const ODD_ONE_IN: usize = 50;
/// One in so many asks with `?wait` when buying, and as many when asking for the order.
const WAITING_ONE_IN: u64 = 32;
/// A second purchase that does not come at the end comes within this after the first.
const SOON: Duration = Duration::from_secs(2);

/// All buyers of a rush.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Crowd {
    /// The deal's limit, 1 or 2.
    pub(crate) limit_per_customer: u32,
    /// In the order of their arrival.
    pub(crate) roles: Vec<Role>,
}

/// What one buyer does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Role {
    pub(crate) customer: Uuid,
    /// Units, 1 to the limit.
    pub(crate) quantity: u32,
    /// Arrival, after the opening.
    pub(crate) due: Duration,
    pub(crate) waiting: Waiting,
    pub(crate) extra: Option<Extra>,
}

/// How a buyer learns what became of the purchase.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Waiting {
    /// Asks again and again.
    Poll,
    /// The purchase itself waits for its decision.
    Purchase,
    /// The question for the order waits.
    Order,
}

/// A second purchase of the same buyer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Extra {
    pub(crate) kind: ExtraKind,
    pub(crate) when: When,
    /// Units, 1 to the limit; of a repeat as before.
    pub(crate) quantity: u32,
}

/// In what the second purchase differs from the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ExtraKind {
    /// In nothing.
    Repeat,
    /// The same key, another payload.
    OtherPayload,
    /// Another key: a second order, if the limit allows it.
    SecondKey,
}

/// When the second purchase comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum When {
    /// So long after the first was due.
    After(Duration),
    /// When everybody knows what became of the first.
    AtTheEnd,
}

impl Crowd {
    /// The crowd of a seed.
    pub(crate) fn draw(seed: u64, buyers: u32, duplicates: f64, arrivals: Arrivals) -> Self {
        let dice = Dice::new(seed);
        let limit_per_customer = if dice.below(2) == 0 { 1 } else { 2 };
        let mut roles: Vec<Role> = (0..buyers)
            .map(|number| Role {
                customer: customer(&dice),
                quantity: quantity(&dice, limit_per_customer),
                due: arrivals.due(number),
                waiting: waiting(&dice),
                extra: None,
            })
            .collect();
        let mut chosen: Vec<usize> = (0..roles.len()).collect();
        dice.shuffle(&mut chosen);
        for (place, kind) in extras(roles.len(), duplicates).into_iter().enumerate() {
            let role = &mut roles[chosen[place]];
            let quantity = match kind {
                ExtraKind::Repeat => role.quantity,
                ExtraKind::OtherPayload | ExtraKind::SecondKey => {
                    quantity(&dice, limit_per_customer)
                }
            };
            role.extra = Some(Extra { kind, when: when(&dice), quantity });
        }
        Self { limit_per_customer, roles }
    }

    /// The same, but everybody sends one purchase and waits for nothing.
    pub(crate) fn that_comes_once(mut self) -> Self {
        for role in &mut self.roles {
            (role.waiting, role.extra) = (Waiting::Poll, None);
        }
        self
    }
}

/// The kinds of second purchases of so many buyers: first all repeats, then the odd ones, as far
/// as there are buyers.
fn extras(buyers: usize, duplicates: f64) -> Vec<ExtraKind> {
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "a share of at most a million, from 0 to 1"
    )]
    let repeats = ((buyers as f64) * duplicates).round() as usize;
    let odd = buyers.div_ceil(ODD_ONE_IN);
    let mut kinds = vec![ExtraKind::Repeat; repeats.min(buyers)];
    kinds.extend(std::iter::repeat_n(ExtraKind::OtherPayload, odd));
    kinds.extend(std::iter::repeat_n(ExtraKind::SecondKey, odd));
    kinds.truncate(buyers);
    kinds
}

fn customer(dice: &Dice) -> Uuid {
    let bits = u128::from(dice.draw()) << 64 | u128::from(dice.draw());
    uuid::Builder::from_random_bytes(bits.to_be_bytes()).into_uuid()
}

fn quantity(dice: &Dice, limit: u32) -> u32 {
    u32::try_from(dice.below(u64::from(limit))).expect("below a limit of u32") + 1
}

fn waiting(dice: &Dice) -> Waiting {
    match dice.below(WAITING_ONE_IN) {
        0 => Waiting::Purchase,
        1 => Waiting::Order,
        _ => Waiting::Poll,
    }
}

fn when(dice: &Dice) -> When {
    if dice.below(2) == 0 { When::AtTheEnd } else { When::After(dice.up_to(SOON)) }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::{Crowd, ExtraKind, When};
    use crate::arrivals::Arrivals;

    fn count(crowd: &Crowd, kind: ExtraKind) -> usize {
        crowd.roles.iter().filter(|role| role.extra.is_some_and(|e| e.kind == kind)).count()
    }

    #[track_caller]
    fn check(buyers: u32, duplicates: f64, expected: [usize; 3]) {
        let crowd = Crowd::draw(7, buyers, duplicates, Arrivals::Burst);
        let kinds = [ExtraKind::Repeat, ExtraKind::OtherPayload, ExtraKind::SecondKey];
        assert_eq!(kinds.map(|kind| count(&crowd, kind)), expected);
    }

    #[test]
    fn shares_are_kept_exactly() {
        check(20_000, 0.1, [2_000, 400, 400]);
        check(100, 0.0, [0, 2, 2]);
        check(100, 1.0, [100, 0, 0]);
        check(10, 0.95, [10, 0, 0]);
        check(1, 0.0, [0, 1, 0]);
        check(3, 0.5, [2, 1, 0]);
    }

    #[test]
    fn a_large_crowd_has_everything_in_it() {
        let limits: BTreeSet<u32> = (0..20)
            .map(|seed| Crowd::draw(seed, 1, 0.0, Arrivals::Burst).limit_per_customer)
            .collect();
        assert_eq!(limits, BTreeSet::from([1, 2]));
        let crowd = Crowd::draw(1, 5_000, 0.1, Arrivals::Burst);
        let late = crowd.roles.iter().filter_map(|role| role.extra);
        let late = late.filter(|extra| extra.when == When::AtTheEnd).count();
        assert!((200..500).contains(&late), "{late} of 700 come at the end");
    }

    proptest! {
        #[test]
        fn a_seed_gives_one_crowd_of_distinct_customers_within_the_limit(
            seed: u64, buyers in 1_u32..300, duplicates in 0.0..=1.0_f64,
        ) {
            let steady: Arrivals = "steady:100".parse().unwrap();
            let crowd = Crowd::draw(seed, buyers, duplicates, steady);
            prop_assert_eq!(&crowd, &Crowd::draw(seed, buyers, duplicates, steady));
            prop_assert_ne!(&crowd, &Crowd::draw(seed ^ 1, buyers, duplicates, steady));
            let customers: BTreeSet<_> = crowd.roles.iter().map(|role| role.customer).collect();
            prop_assert_eq!(customers.len(), crowd.roles.len());
            let limit = 1..=crowd.limit_per_customer;
            for role in &crowd.roles {
                prop_assert!(limit.contains(&role.quantity));
                if let Some(extra) = role.extra {
                    prop_assert!(limit.contains(&extra.quantity));
                    let is_repeat = extra.kind == ExtraKind::Repeat;
                    prop_assert!(!is_repeat || extra.quantity == role.quantity);
                }
            }
            prop_assert!(crowd.roles.is_sorted_by_key(|role| role.due));
        }
    }
}
