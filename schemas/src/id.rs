//! Names and numbers of things: what identifies a product, a deal, a customer, a place in a log,
//! and the hashes under which keys and payments are remembered.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::Offset;
use crate::limits::NAME_BYTES_MAX;
use crate::text::texts;

/// A partition of a log. The same number in all logs of one system.
pub type Partition = u16;

/// A record in the commands log; also the identity of the order that a purchase became.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
pub struct Position {
    /// Which partition.
    pub partition: Partition,
    /// Where in it.
    pub offset: Offset,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.partition, self.offset)
    }
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $allowed:expr, $pattern:literal, $fault:literal) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Box<str>);

        texts!($name);

        impl $name {
            /// The text itself.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = &'static str;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                let allowed: fn(u8) -> bool = $allowed;
                let fits = (1..=NAME_BYTES_MAX).contains(&text.len());
                if fits && text.bytes().all(allowed) { Ok(Self(text.into())) } else { Err($fault) }
            }
        }

        impl TryFrom<String> for $name {
            type Error = &'static str;

            fn try_from(text: String) -> Result<Self, Self::Error> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0.into()
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({ "type": "string", "pattern": $pattern })
            }
        }
    };
}

const fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-')
}

name!(
    /// The shop's own SKU: 1–64 of `A-Za-z0-9._-`. The key that partitions the log.
    ProductId,
    is_name_byte,
    "^[A-Za-z0-9._-]{1,64}$",
    "not 1 to 64 of A-Z a-z 0-9 . _ -"
);
name!(
    /// The name of a deal within its product: 1–64 of `a-z0-9-`.
    DealKey,
    |byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-',
    "^[a-z0-9-]{1,64}$",
    "not 1 to 64 of a-z 0-9 -"
);
name!(
    /// The client's own reference for an order, opaque here: 1–64 of `A-Za-z0-9._-`.
    ClientReference,
    is_name_byte,
    "^[A-Za-z0-9._-]{1,64}$",
    "not 1 to 64 of A-Z a-z 0-9 . _ -"
);
name!(
    /// Why stock was adjusted, a code of the shop's: 1–64 of `A-Za-z0-9._-`.
    ReasonCode,
    is_name_byte,
    "^[A-Za-z0-9._-]{1,64}$",
    "not 1 to 64 of A-Z a-z 0-9 . _ -"
);

/// The UUIDv5 of a deal's address, so that a deal can never have two products.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(transparent)]
pub struct DealId(pub Uuid);

impl DealId {
    /// Namespace of deal ids. Fixed for ever: it is part of every deal's identity.
    const NAMESPACE: Uuid = Uuid::from_u128(0x6d1f_5a0e_2c4b_5e6f_9a7d_31c8_40b2_97e5);

    /// The id of the deal called `deal_key` of the product.
    #[must_use]
    pub fn of(product_id: &ProductId, deal_key: &DealKey) -> Self {
        Self(Uuid::new_v5(&Self::NAMESPACE, format!("{product_id}/{deal_key}").as_bytes()))
    }
}

impl fmt::Display for DealId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A customer, pseudonymous: nothing in a log says who it is.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(transparent)]
pub struct CustomerId(pub Uuid);

impl fmt::Display for CustomerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

const HEX: &[u8; 16] = b"0123456789abcdef";

fn lower_hex(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

macro_rules! hex_number {
    ($(#[$doc:meta])* $name:ident, $number:ty, $digits:literal, $pattern:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub $number);

        texts!($name);

        impl $name {
            /// How many digits it is written with.
            pub(crate) const DIGITS: usize = $digits;

            /// The digits as they are written.
            pub(crate) fn digits(self) -> [u8; $digits] {
                let mut digits = [0; $digits];
                for (pair, byte) in digits.chunks_exact_mut(2).zip(self.0.to_be_bytes()) {
                    pair[0] = HEX[usize::from(byte >> 4)];
                    pair[1] = HEX[usize::from(byte & 0xf)];
                }
                digits
            }
        }

        impl FromStr for $name {
            type Err = &'static str;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                let number = (text.len() == $digits).then_some(text).and_then(|text| {
                    text.bytes().try_fold(0, |number, digit| {
                        Some(number << 4 | <$number>::from(lower_hex(digit)?))
                    })
                });
                let fault = concat!("not ", $digits, " lower-case hexadecimal digits");
                number.map(Self).ok_or(fault)
            }
        }

        impl From<$name> for String {
            fn from(number: $name) -> Self {
                number.to_string()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(std::str::from_utf8(&self.digits()).expect("digits are UTF-8"))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({ "type": "string", "pattern": $pattern })
            }
        }
    };
}

hex_number!(
    /// 128 bits, written as 32 hexadecimal digits: a remembered key, a payment, a claim.
    Digest,
    u128,
    32,
    "^[0-9a-f]{32}$"
);
hex_number!(
    /// 64 bits of a payload's hash: tells a retry from another request under the same key.
    Fingerprint,
    u64,
    16,
    "^[0-9a-f]{16}$"
);

impl Digest {
    /// The digest of `parts` within a `domain`, so that no two uses of digests can meet.
    #[must_use]
    pub fn of(domain: &str, parts: &[&[u8]]) -> Self {
        Self(u128::from_be_bytes(hash(domain, parts)[..16].try_into().expect("16 of 32 bytes")))
    }

    /// The name under which a customer's Idempotency-Key is remembered by a deal.
    #[must_use]
    pub fn of_key(customer: Uuid, idempotency_key: &str) -> Self {
        Self::of("timedeal.key", &[customer.as_bytes(), idempotency_key.as_bytes()])
    }

    /// The name under which a payment is remembered.
    #[must_use]
    pub fn of_payment(payment_id: &str) -> Self {
        Self::of("timedeal.payment", &[payment_id.as_bytes()])
    }
}

impl Fingerprint {
    /// The fingerprint of a payload.
    #[must_use]
    pub fn of(parts: &[&[u8]]) -> Self {
        let digest = hash("timedeal.fingerprint", parts);
        Self(u64::from_be_bytes(digest[..8].try_into().expect("8 of 32 bytes")))
    }
}

/// SHA-256 of the domain and the parts, each preceded by its length.
fn hash(domain: &str, parts: &[&[u8]]) -> [u8; 32] {
    let mut hasher = Sha256::new();
    for part in std::iter::once(domain.as_bytes()).chain(parts.iter().copied()) {
        hasher.update(u64::try_from(part.len()).expect("usize fits u64").to_be_bytes());
        hasher.update(part);
    }
    hasher.finalize().into()
}
