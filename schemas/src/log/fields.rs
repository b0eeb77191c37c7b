//! Reading the fields of one tagged object in place: an object, not an array of its fields, with
//! at most one `v` and one `type`. The types themselves do not have these two among their fields,
//! so serde alone would pass over a second one, and another reader might follow that one.

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::{BorrowedStrDeserializer, MapAccessDeserializer, StrDeserializer};
use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error, MapAccess, Visitor};

/// Reads the fields of `T`; unknown ones are passed over.
pub(super) fn read<'de, T: Deserialize<'de>>(text: &'de str) -> Result<T, serde_json::Error> {
    let mut source = serde_json::Deserializer::from_str(text);
    let fields = source.deserialize_map(Object(PhantomData))?;
    source.end()?;
    Ok(fields)
}

struct Object<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for Object<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
        T::deserialize(MapAccessDeserializer::new(Fields { map, seen: Seen::default() }))
    }
}

/// Which parts of the tag were met.
#[derive(Default)]
struct Seen {
    v: bool,
    kind: bool,
}

impl Seen {
    fn note<E: Error>(&mut self, key: &str) -> Result<(), E> {
        match key {
            "v" if std::mem::replace(&mut self.v, true) => Err(E::duplicate_field("v")),
            "type" if std::mem::replace(&mut self.kind, true) => Err(E::duplicate_field("type")),
            _ => Ok(()),
        }
    }
}

struct Fields<A> {
    map: A,
    seen: Seen,
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Fields<A> {
    type Error = A::Error;

    fn next_key_seed<K>(&mut self, seed: K) -> Result<Option<K::Value>, A::Error>
    where
        K: DeserializeSeed<'de>,
    {
        self.map.next_key_seed(Key { seed, seen: &mut self.seen })
    }

    fn next_value_seed<V>(&mut self, seed: V) -> Result<V::Value, A::Error>
    where
        V: DeserializeSeed<'de>,
    {
        self.map.next_value_seed(seed)
    }
}

struct Key<'a, K> {
    seed: K,
    seen: &'a mut Seen,
}

impl<'de, K: DeserializeSeed<'de>> DeserializeSeed<'de> for Key<'_, K> {
    type Value = K::Value;

    fn deserialize<D: Deserializer<'de>>(self, source: D) -> Result<K::Value, D::Error> {
        source.deserialize_identifier(self)
    }
}

impl<'de, K: DeserializeSeed<'de>> Visitor<'de> for Key<'_, K> {
    type Value = K::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a field")
    }

    fn visit_str<E: Error>(self, key: &str) -> Result<K::Value, E> {
        self.seen.note(key)?;
        self.seed.deserialize(StrDeserializer::new(key))
    }

    fn visit_borrowed_str<E: Error>(self, key: &'de str) -> Result<K::Value, E> {
        self.seen.note(key)?;
        self.seed.deserialize(BorrowedStrDeserializer::new(key))
    }
}
