//! The only place with hashing: records in the order of their arrival, found by a 128-bit key.
//!
//! Hash order cannot be seen from outside: records are walked through in the order of their
//! arrival, which the log fixes. Records are never taken out one by one: a table goes as a whole.
//!
//! A table costs 5 bytes a slot beside the record, and 1.15 to 2.3 slots a record.

use std::fmt;
use std::marker::PhantomData;

use hashbrown::HashTable;
use hashbrown::hash_table::Entry;
use serde::de::{Deserializer, Error, SeqAccess, Visitor};
use serde::{Deserialize, Serialize, Serializer};

use crate::pages::Pages;

/// A record that carries its own key, unique within its table.
pub(crate) trait Keyed {
    fn key(&self) -> u128;
}

/// The table. An index, once given, names the same record for ever.
#[derive(Clone, Debug)]
pub(crate) struct Table<T> {
    records: Pages<T>,
    index: HashTable<u32>,
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self { records: Pages::default(), index: HashTable::new() }
    }
}

impl<T: Keyed> Table<T> {
    pub(crate) fn len(&self) -> u32 {
        u32::try_from(self.records.len()).expect("push gave every record a u32")
    }

    /// The index of the record under `key`.
    pub(crate) fn position(&self, key: u128) -> Option<u32> {
        let records = &self.records;
        self.index.find(hash(key), |&at| record(records, at).key() == key).copied()
    }

    /// The record under `key`.
    pub(crate) fn find(&self, key: u128) -> Option<&T> {
        self.position(key).map(|at| self.at(at))
    }

    /// The record with that index, which [`Self::push`] or [`Self::position`] has given.
    pub(crate) fn at(&self, at: u32) -> &T {
        record(&self.records, at)
    }

    /// The same to be changed. Its key must stay.
    pub(crate) fn at_mut(&mut self, at: u32) -> &mut T {
        self.records.get_mut(at as usize).expect("an index names a record for ever")
    }

    /// Adds `new` and says its index; `None` if its key is taken.
    pub(crate) fn push(&mut self, new: T) -> Option<u32> {
        if self.index.len() == self.index.capacity() {
            self.grow();
        }
        let key = new.key();
        let next = u32::try_from(self.records.len()).expect("fewer than 2^32 records a deal");
        let records = &self.records;
        let entry = self.index.entry(
            hash(key),
            |&at| record(records, at).key() == key,
            |&at| hash(record(records, at).key()),
        );
        match entry {
            Entry::Occupied(_) => None,
            Entry::Vacant(slot) => {
                slot.insert(next);
                self.records.push(new);
                Some(next)
            }
        }
    }

    /// Doubles the index. Left to itself it would look up the records' keys in hash order, which
    /// misses the cache once a record; here they are read in a row.
    fn grow(&mut self) {
        let rehash = |&at: &u32| hash(record(&self.records, at).key());
        let mut index = HashTable::with_capacity(self.index.capacity() + 1);
        for (at, known) in (0_u32..).zip(self.records.iter()) {
            index.insert_unique(hash(known.key()), at, rehash);
        }
        self.index = index;
    }

    /// All records in the order of their arrival.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        self.records.iter()
    }

    /// The index of the first record for which `before` no longer holds; arrival must agree.
    pub(crate) fn partition_point(&self, before: impl Fn(&T) -> bool) -> u32 {
        u32::try_from(self.records.partition_point(before)).expect("push gave every record a u32")
    }

    /// Bytes on the heap, those of the records' own allocations left out.
    pub(crate) fn heap_bytes(&self) -> usize {
        self.records.heap_bytes() + self.index.allocation_size()
    }
}

fn record<T>(records: &Pages<T>, at: u32) -> &T {
    records.get(at as usize).expect("an index names a record for ever")
}

/// Two rounds of multiply-and-fold. Fixed, so that two runs have the same memory; most keys are
/// hashes already, and uneven ones (numbers as UUIDs) are spread by it.
fn hash(key: u128) -> u64 {
    let [low, high] = [key as u64, (key >> 64) as u64];
    fold(fold(low ^ 0x243f_6a88_85a3_08d3) ^ high)
}

fn fold(word: u64) -> u64 {
    let product = u128::from(word) * 0x9e37_79b9_7f4a_7c15;
    (product as u64) ^ ((product >> 64) as u64)
}

impl<T: Serialize> Serialize for Table<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.records.serialize(serializer)
    }
}

impl<'de, T: Keyed + Deserialize<'de>> Deserialize<'de> for Table<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(Records(PhantomData))
    }
}

struct Records<T>(PhantomData<T>);

impl<'de, T: Keyed + Deserialize<'de>> Visitor<'de> for Records<T> {
    type Value = Table<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("records with different keys")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Self::Value, A::Error> {
        let mut table = Table::default();
        while let Some(element) = elements.next_element()? {
            table.push(element).ok_or_else(|| A::Error::custom("a key stands twice"))?;
        }
        Ok(table)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone)]
    struct Number(u128);

    impl Keyed for Number {
        fn key(&self) -> u128 {
            self.0
        }
    }

    #[test]
    fn records_keep_their_index_and_are_walked_in_the_order_of_arrival() {
        let mut table = Table::default();
        for number in 0..5_000_u32 {
            assert_eq!(table.push(Number(u128::from(number) << 64)), Some(number));
        }
        assert_eq!(table.push(Number(7 << 64)), None);
        assert_eq!(table.position(4_999 << 64), Some(4_999));
        assert_eq!(table.position(4_999), None);
        assert!(table.iter().map(|number| number.0 >> 64).eq(0..5_000));
    }

    #[test]
    fn hashes_of_counted_keys_spread() {
        for shift in [0, 32, 64, 96] {
            let mut low: Vec<u64> = (0..4_096).map(|n| hash(n << shift) & 0xfff).collect();
            low.sort_unstable();
            low.dedup();
            assert!(low.len() > 2_000, "only {} of 4096 at shift {shift}", low.len());
        }
    }
}
