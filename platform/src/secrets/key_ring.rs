//! Numbered keys that only grow in number: what one of them signed verifies for ever. Must not know
//! what the keys sign, nor where they are stored.

use super::{SIGNING_BYTES_MIN, SecretBytes};
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
}

/// Keys by number, at least one: all verify, the highest issues. There is no way to take one out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyRing {
    keys: BTreeMap<u16, SecretBytes>,
}

impl KeyRing {
    /// The number of a ring's first key.
    pub const FIRST_NUMBER: u16 = 1;

    /// A ring of the given keys, in any order.
    ///
    /// # Errors
    /// If there is none, a number stands twice, or a key is shorter than [`SIGNING_BYTES_MIN`].
    pub fn new(keys: impl IntoIterator<Item = (u16, SecretBytes)>) -> Result<Self, KeyRingFault> {
        let mut ring = Self { keys: BTreeMap::new() };
        keys.into_iter().try_for_each(|(number, key)| ring.insert(number, key))?;
        if ring.keys.is_empty() { Err(KeyRingFault::Empty) } else { Ok(ring) }
    }

    /// Adds a key that issues from now on, and returns its number.
    ///
    /// # Errors
    /// If the key is too short or no number is left.
    pub fn grow(&mut self, key: SecretBytes) -> Result<u16, KeyRingFault> {
        let number = self.issuing().0.checked_add(1).ok_or(KeyRingFault::Full)?;
        self.insert(number, key)?;
        Ok(number)
    }

    /// The number and the key that issue.
    pub fn issuing(&self) -> (u16, &SecretBytes) {
        let (number, key) = self.keys.last_key_value().expect("a ring is never empty");
        (*number, key)
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
