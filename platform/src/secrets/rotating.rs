//! A value that may be replaced while others read it. Reading takes one atomic load and sees one
//! edition whole. Must not know why a value is replaced.

use arc_swap::{ArcSwap, Guard};
use std::fmt;
use std::ops::Deref;
use std::sync::{Arc, Mutex, PoisonError};

/// One of the values that a [`Rotating`] had, with its number.
pub struct Edition<T> {
    number: u64,
    value: T,
}

impl<T> Edition<T> {
    /// Grows by one whenever the value is replaced: what was derived of an older edition is told
    /// by it.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// The value; also by dereferencing.
    pub fn value(&self) -> &T {
        &self.value
    }
}

impl<T> Deref for Edition<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

/// A value that may be replaced; clones share it.
pub struct Rotating<T> {
    shared: Arc<Shared<T>>,
}

struct Shared<T> {
    current: ArcSwap<Edition<T>>,
    /// Held while a value is replaced, so that numbers stand in the order of the values.
    replacing: Mutex<()>,
}

impl<T> Rotating<T> {
    /// Starts with this value; if nobody replaces it, it stays.
    pub fn new(value: T) -> Self {
        let current = ArcSwap::from_pointee(Edition { number: 0, value });
        Self { shared: Arc::new(Shared { current, replacing: Mutex::new(()) }) }
    }

    /// The edition that is in force now. Not to be kept for long: the value lives as long.
    pub fn load(&self) -> Guard<Arc<Edition<T>>> {
        self.shared.current.load()
    }

    /// Puts `value` in force, for all clones, from now on.
    pub fn replace(&self, value: T) {
        let held = self.shared.replacing.lock().unwrap_or_else(PoisonError::into_inner);
        let number = self.load().number + 1;
        self.shared.current.store(Arc::new(Edition { number, value }));
        drop(held);
    }
}

impl<T> Clone for Rotating<T> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared) }
    }
}

/// The value may be a secret, so only its number is printed.
impl<T> fmt::Debug for Rotating<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Rotating(edition {})", self.load().number)
    }
}

/// The value may be a secret, so only its number is printed.
impl<T> fmt::Debug for Edition<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Edition({})", self.number)
    }
}

#[cfg(test)]
mod tests {
    use super::Rotating;

    #[test]
    fn all_clones_see_the_new_value_and_its_number() {
        let rotating = Rotating::new("one");
        let twin = rotating.clone();
        let before = twin.load();
        rotating.replace("two");
        assert_eq!((before.number(), *before.value()), (0, "one"));
        assert_eq!((twin.load().number(), *twin.load().value()), (1, "two"));
        assert_eq!(format!("{rotating:?} {before:?}"), "Rotating(edition 1) Edition(0)");
    }
}
