//! Who calls, and what their token allows. Pure.

use std::fmt;

use schemas::CustomerId;
use uuid::Uuid;

/// What a token may allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Scope {
    /// Buying, and one's own orders.
    Shop = 1,
    /// Deals and stock.
    Admin = 2,
    /// Reading anybody's orders and commands.
    Support = 4,
}

impl Scope {
    /// Every scope.
    pub const ALL: [Self; 3] = [Self::Shop, Self::Admin, Self::Support];

    /// The scope as it is written.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Shop => "shop",
            Self::Admin => "admin",
            Self::Support => "support",
        }
    }
}

/// A set of scopes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Scopes(u8);

impl Scopes {
    /// A set of these.
    #[must_use]
    pub const fn of(scopes: &[Scope]) -> Self {
        let (mut bits, mut index) = (0, 0);
        while index < scopes.len() {
            bits |= scopes[index] as u8;
            index += 1;
        }
        Self(bits)
    }

    /// The known scopes among space-separated names; others are for other services.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        text.split(' ').fold(Self::default(), |set, name| set.with(name))
    }

    /// This set and the scope called `name`, if there is one.
    #[must_use]
    pub fn with(self, name: &str) -> Self {
        let scope = Scope::ALL.into_iter().find(|scope| scope.as_str() == name);
        Self(self.0 | scope.map_or(0, |scope| scope as u8))
    }

    /// Whether the scope is in the set.
    #[must_use]
    pub const fn has(self, scope: Scope) -> bool {
        self.0 & scope as u8 != 0
    }

    /// Whether the sets share a scope.
    #[must_use]
    pub const fn meets(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = Scope::ALL.into_iter().filter(|scope| self.has(*scope));
        let names: Vec<&str> = names.map(Scope::as_str).collect();
        f.write_str(&names.join(" "))
    }
}

/// Whoever a token speaks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Principal {
    /// The token's `sub` if that is a UUID, else the UUIDv5 of issuer and `sub`.
    pub subject: Uuid,
    /// What the token allows.
    pub scopes: Scopes,
}

impl Principal {
    /// The subject as a customer.
    #[must_use]
    pub fn customer(&self) -> CustomerId {
        CustomerId(self.subject)
    }

    /// The customer whose orders alone may be seen; none for support, who may see everybody's.
    #[must_use]
    pub fn only_own(&self) -> Option<CustomerId> {
        (!self.scopes.has(Scope::Support)).then(|| self.customer())
    }
}

/// The subject that `sub` of `issuer` names.
pub(super) fn subject(issuer: &str, sub: &str) -> Uuid {
    // Only the canonical form is a UUID here: others would be a second name of the same customer.
    if let Ok(uuid) = Uuid::try_parse(sub)
        && sub.len() == uuid::fmt::Hyphenated::LENGTH
    {
        return uuid;
    }
    let namespace = Uuid::new_v5(&Uuid::NAMESPACE_URL, issuer.as_bytes());
    Uuid::new_v5(&namespace, sub.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::{Scope, Scopes, subject};
    use uuid::Uuid;

    #[test]
    fn scopes_are_read_by_name_and_unknown_ones_are_nothing() {
        let scopes = Scopes::parse("openid shop  support shop");
        assert_eq!(scopes, Scopes::of(&[Scope::Shop, Scope::Support]));
        assert_eq!(scopes.to_string(), "shop support");
        assert!(scopes.meets(Scopes::of(&[Scope::Support, Scope::Admin])));
        assert!(!scopes.meets(Scopes::of(&[Scope::Admin])));
        assert_eq!(Scopes::parse("shopping"), Scopes::default());
    }

    #[test]
    fn a_subject_is_its_uuid_or_made_of_issuer_and_name() {
        let text = "6d1f5a0e-2c4b-5e6f-9a7d-31c840b297e5";
        assert_eq!(subject("a", text), text.parse::<Uuid>().unwrap());
        assert_eq!(subject("a", &text.to_uppercase()), text.parse::<Uuid>().unwrap());
        assert_eq!(subject("a", "bob"), subject("a", "bob"));
        assert_ne!(subject("a", "bob"), subject("b", "bob"));
        assert_ne!(subject("a", "bob"), subject("a", "Bob"));
        assert_ne!(subject("a", &text.replace('-', "")), subject("a", text));
    }
}
