//! Numbered keys that only grow in number: what one of them signed verifies for ever. Must not know
//! what the keys sign, nor where they are stored.

use super::{SIGNING_BYTES_MIN, SecretBytes, key_file};
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

/// A list of keys that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyRingFault {
    /// A ring without a key could issue nothing.
    #[error("the key list is empty")]
    Empty,
    /// Two keys have this number; a record that carries it would be ambiguous.
    #[error("key number {0} stands twice in the list")]
    Twice(u16),
    /// The key of this number is too short to sign with.
    #[error("key number {number} has {found} bytes, fewer than {SIGNING_BYTES_MIN}")]
    Short {
        /// The key's number.
        number: u16,
        /// Its length in bytes.
        found: usize,
    },
    /// The highest possible number is taken.
    #[error("the key list is full: number {} is taken", u16::MAX)]
    Full,
    /// The number that is to issue has no key.
    #[error("key number {0}, which is to issue, is not there")]
    Unknown(u16),
    /// A key that was known is not there any more; what it signed would be void.
    #[error("key number {0} is gone; numbered keys are never taken out")]
    Gone(u16),
    /// A number has another key than before; what the first signed would be void.
    #[error("key number {0} is another key than before; a new key takes a new number")]
    Changed(u16),
}

/// Keys by number, at least one: all verify, one issues, the highest unless something else is said.
/// There is no way to take one out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyRing {
    keys: BTreeMap<u16, SecretBytes>,
    issuing: u16,
}

impl KeyRing {
    /// The number of a ring's first key.
    pub const FIRST_NUMBER: u16 = 1;

    /// A ring of the given keys, in any order.
    ///
    /// # Errors
    /// If there is none, a number stands twice, or a key is shorter than [`SIGNING_BYTES_MIN`].
    pub fn new(keys: impl IntoIterator<Item = (u16, SecretBytes)>) -> Result<Self, KeyRingFault> {
        let mut ring = Self { keys: BTreeMap::new(), issuing: 0 };
        keys.into_iter().try_for_each(|(number, key)| ring.insert(number, key))?;
        let (highest, _) = ring.keys.last_key_value().ok_or(KeyRingFault::Empty)?;
        ring.issuing = *highest;
        Ok(ring)
    }

    /// The ring of a `ticket.json`. If there was one before, the new one must have all its keys
    /// under their numbers: it may only grow, or let another key issue.
    ///
    /// # Errors
    /// What is wrong with the file, without showing it.
    pub fn read(json: &[u8], before: Option<&Self>) -> Result<Self, String> {
        let ring = key_file::parse_ticket(json)?;
        if let Some(before) = before {
            ring.check_follows(before).map_err(|fault| fault.to_string())?;
        }
        Ok(ring)
    }

    /// The same keys, of which that number issues: a new key is first accepted everywhere.
    ///
    /// # Errors
    /// If the number has no key.
    pub fn issuing_by(mut self, number: u16) -> Result<Self, KeyRingFault> {
        if !self.keys.contains_key(&number) {
            return Err(KeyRingFault::Unknown(number));
        }
        self.issuing = number;
        Ok(self)
    }

    /// Whether this ring has every key of the one before under its number.
    ///
    /// # Errors
    /// The first number that has not.
    pub fn check_follows(&self, before: &Self) -> Result<(), KeyRingFault> {
        for (number, known) in &before.keys {
            match self.keys.get(number) {
                None => return Err(KeyRingFault::Gone(*number)),
                Some(key) if key != known => return Err(KeyRingFault::Changed(*number)),
                Some(_) => {}
            }
        }
        Ok(())
    }

    /// Adds a key that issues from now on, and returns its number.
    ///
    /// # Errors
    /// If the key is too short or no number is left.
    pub fn grow(&mut self, key: SecretBytes) -> Result<u16, KeyRingFault> {
        let (highest, _) = self.keys.last_key_value().expect("a ring is never empty");
        let number = highest.checked_add(1).ok_or(KeyRingFault::Full)?;
        self.insert(number, key)?;
        self.issuing = number;
        Ok(number)
    }

    /// The number and the key that issue.
    pub fn issuing(&self) -> (u16, &SecretBytes) {
        let key = self.keys.get(&self.issuing).expect("the key that issues is in the ring");
        (self.issuing, key)
    }

    /// The key of this number, to verify with.
    pub fn get(&self, number: u16) -> Option<&SecretBytes> {
        self.keys.get(&number)
    }

    /// All keys, the newest first.
    pub fn newest_first(&self) -> impl Iterator<Item = (u16, &SecretBytes)> {
        self.keys.iter().rev().map(|(number, key)| (*number, key))
    }

    fn insert(&mut self, number: u16, key: SecretBytes) -> Result<(), KeyRingFault> {
        let found = key.expose().len();
        if found < SIGNING_BYTES_MIN {
            return Err(KeyRingFault::Short { number, found });
        }
        match self.keys.entry(number) {
            Entry::Occupied(_) => Err(KeyRingFault::Twice(number)),
            Entry::Vacant(free) => {
                free.insert(key);
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{KeyRing, KeyRingFault};
    use crate::secrets::SecretBytes;

    fn key(byte: u8) -> SecretBytes {
        SecretBytes::new(vec![byte; 32])
    }

    #[test]
    fn a_growing_ring_issues_with_the_newest_and_keeps_the_others() {
        let mut ring = KeyRing::new([(KeyRing::FIRST_NUMBER, key(1))]).unwrap();
        assert_eq!(ring.issuing(), (1, &key(1)));
        assert_eq!(ring.grow(key(2)), Ok(2));
        assert_eq!(ring.issuing(), (2, &key(2)));
        assert_eq!(ring.get(1), Some(&key(1)));
        assert_eq!(ring.get(3), None);
        let numbers: Vec<_> = ring.newest_first().map(|(number, _)| number).collect();
        assert_eq!(numbers, [2, 1]);
    }

    #[test]
    fn the_highest_number_issues_whatever_the_order() {
        let ring = KeyRing::new([(9, key(9)), (2, key(2))]).unwrap();
        assert_eq!(ring.issuing(), (9, &key(9)));
    }

    #[test]
    fn a_ring_follows_another_if_it_has_all_its_keys() {
        let one = KeyRing::new([(1, key(1))]).unwrap();
        let two = KeyRing::new([(1, key(1)), (2, key(2))]).unwrap();
        assert_eq!(two.check_follows(&one), Ok(()));
        assert_eq!(two.check_follows(&two.clone().issuing_by(1).unwrap()), Ok(()));
        assert_eq!(one.check_follows(&two), Err(KeyRingFault::Gone(2)));
        let other = KeyRing::new([(1, key(1)), (2, key(3))]).unwrap();
        assert_eq!(other.check_follows(&two), Err(KeyRingFault::Changed(2)));
    }

    #[test]
    fn a_new_key_may_wait_until_it_issues() {
        let ring = KeyRing::new([(1, key(1)), (2, key(2))]).unwrap().issuing_by(1).unwrap();
        assert_eq!(ring.issuing(), (1, &key(1)));
        assert_eq!(ring.get(2), Some(&key(2)));
        assert_eq!(ring.clone().issuing_by(3), Err(KeyRingFault::Unknown(3)));
        let mut grown = ring;
        assert_eq!(grown.grow(key(3)), Ok(3));
        assert_eq!(grown.issuing().0, 3);
    }

    #[test]
    fn unusable_lists_are_refused() {
        assert_eq!(KeyRing::new([]), Err(KeyRingFault::Empty));
        assert_eq!(KeyRing::new([(1, key(1)), (1, key(2))]), Err(KeyRingFault::Twice(1)));
        let short = SecretBytes::new(vec![0; 31]);
        let fault = KeyRingFault::Short { number: 4, found: 31 };
        assert_eq!(KeyRing::new([(4, short.clone())]), Err(fault));
        let mut full = KeyRing::new([(u16::MAX, key(1))]).unwrap();
        assert_eq!(full.grow(key(2)), Err(KeyRingFault::Full));
        let mut ring = KeyRing::new([(1, key(1))]).unwrap();
        assert_eq!(ring.grow(short), Err(KeyRingFault::Short { number: 2, found: 31 }));
        assert_eq!(ring.issuing().0, 1);
    }
}
