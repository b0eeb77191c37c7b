//! A growing sequence in pages: no element ever moves, and at most one page is partly empty.
//!
//! A single `Vec` would stand half empty after it has doubled, and doubling it would stop the
//! partition for as long as a million orders take to copy.

use std::mem::size_of;

use serde::{Serialize, Serializer};

/// Elements of a full page.
const PAGE_LEN: usize = 1 << 10;

/// The sequence. Elements are added at the end and live as long as the whole.
#[derive(Clone, Debug)]
pub(crate) struct Pages<T> {
    pages: Vec<Vec<T>>,
}

impl<T> Default for Pages<T> {
    fn default() -> Self {
        Self { pages: Vec::new() }
    }
}

impl<T> Pages<T> {
    pub(crate) fn len(&self) -> usize {
        match self.pages.split_last() {
            Some((last, full)) => full.len() * PAGE_LEN + last.len(),
            None => 0,
        }
    }

    /// Adds `element`. The first page starts small: most deals are.
    pub(crate) fn push(&mut self, element: T) {
        match self.pages.last_mut() {
            Some(page) if page.len() < PAGE_LEN => page.push(element),
            Some(_) => {
                let mut page = Vec::with_capacity(PAGE_LEN);
                page.push(element);
                self.pages.push(page);
            }
            None => self.pages.push(vec![element]),
        }
    }

    pub(crate) fn get(&self, index: usize) -> Option<&T> {
        self.pages.get(index / PAGE_LEN)?.get(index % PAGE_LEN)
    }

    pub(crate) fn get_mut(&mut self, index: usize) -> Option<&mut T> {
        self.pages.get_mut(index / PAGE_LEN)?.get_mut(index % PAGE_LEN)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        self.pages.iter().flatten()
    }

    /// The index of the first element for which `before` no longer holds, as in
    /// [`slice::partition_point`].
    pub(crate) fn partition_point(&self, before: impl Fn(&T) -> bool) -> usize {
        let page = self.pages.partition_point(|page| page.last().is_some_and(&before));
        match self.pages.get(page) {
            Some(elements) => page * PAGE_LEN + elements.partition_point(before),
            None => self.len(),
        }
    }

    /// Bytes on the heap, those of the elements' own allocations left out.
    pub(crate) fn heap_bytes(&self) -> usize {
        let elements: usize = self.pages.iter().map(Vec::capacity).sum();
        elements * size_of::<T>() + self.pages.capacity() * size_of::<Vec<T>>()
    }
}

impl<T: Serialize> Serialize for Pages<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeSeq;
        let mut elements = serializer.serialize_seq(Some(self.len()))?;
        for element in self.iter() {
            elements.serialize_element(element)?;
        }
        elements.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_are_found_by_index_and_by_order_across_pages() {
        let mut pages = Pages::default();
        for number in 0..3 * PAGE_LEN + 7 {
            assert_eq!(pages.len(), number);
            pages.push(2 * number);
        }
        for number in [0, 1, PAGE_LEN - 1, PAGE_LEN, 2 * PAGE_LEN + 1, 3 * PAGE_LEN + 6] {
            assert_eq!(pages.get(number), Some(&(2 * number)));
            assert_eq!(pages.partition_point(|&element| element < 2 * number), number);
            assert_eq!(pages.partition_point(|&element| element < 2 * number + 1), number + 1);
        }
        assert_eq!(pages.get(3 * PAGE_LEN + 7), None);
        assert_eq!(pages.partition_point(|_| true), pages.len());
        assert!(pages.iter().copied().eq((0..pages.len()).map(|number| 2 * number)));
    }
}
