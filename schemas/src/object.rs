//! Structs that are read from JSON objects only. A derived struct also takes an array of its
//! fields; no schema of ours says so, and what a schema refuses must not be taken.
//!
//! Formats without names (snapshots) write structs as sequences and are left alone.

/// Implements serde's traits for structs that carry `#[serde(remote = "Self")]`, by way of the
/// functions that serde derives for such a struct.
macro_rules! objects {
    ($($name:ident),* $(,)?) => {$(
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                Self::serialize(self, serializer)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
                struct Object;

                impl<'de> serde::de::Visitor<'de> for Object {
                    type Value = $name;

                    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        f.write_str("an object")
                    }

                    fn visit_map<A>(self, map: A) -> Result<$name, A::Error>
                    where
                        A: serde::de::MapAccess<'de>,
                    {
                        <$name>::deserialize(serde::de::value::MapAccessDeserializer::new(map))
                    }
                }

                if source.is_human_readable() {
                    source.deserialize_map(Object)
                } else {
                    Self::deserialize(source)
                }
            }
        }
    )*};
}

pub(crate) use objects;
