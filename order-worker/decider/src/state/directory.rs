//! Which deal an order belongs to: commands about orders name only its offset.
//!
//! 8 bytes an order, in runs of neighbouring offsets, so that a retired deal can be taken out
//! without moving the others.

use std::mem::size_of;

use schemas::Offset;

/// Most orders of a run.
const RUN_LEN: usize = 512;

/// Offsets with the deals (by index) that they belong to, sorted by offset.
#[derive(Clone, Debug, Default)]
pub(crate) struct Directory {
    runs: Vec<Run>,
    newest: Option<Offset>,
}

#[derive(Clone, Debug)]
struct Run {
    first: Offset,
    entries: Vec<Entry>,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    /// Offset above that of the run.
    above: u32,
    deal: u32,
}

impl Directory {
    /// Adds an order. Offsets only grow.
    pub(crate) fn push(&mut self, offset: Offset, deal: u32) {
        assert!(self.newest < Some(offset), "orders arrive in the order of their offsets (I3)");
        self.newest = Some(offset);
        if let Some(run) = self.runs.last_mut()
            && run.entries.len() < RUN_LEN
            && let Ok(above) = u32::try_from(offset - run.first)
        {
            run.entries.push(Entry { above, deal });
        } else {
            self.runs.push(Run { first: offset, entries: vec![Entry { above: 0, deal }] });
        }
    }

    /// The deal of the order at `offset`.
    pub(crate) fn find(&self, offset: Offset) -> Option<u32> {
        let run = self.runs[..self.runs.partition_point(|run| run.first <= offset)].last()?;
        let above = u32::try_from(offset - run.first).ok()?;
        let at = run.entries.binary_search_by_key(&above, |entry| entry.above).ok()?;
        Some(run.entries[at].deal)
    }

    /// Takes out the orders of `deal`, all of which lie from `first` to `last`.
    pub(crate) fn forget(&mut self, deal: u32, (first, last): (Offset, Offset)) {
        let from = self.runs.partition_point(|run| run.first <= first).saturating_sub(1);
        let until = self.runs.partition_point(|run| run.first <= last);
        for run in &mut self.runs[from..until] {
            run.entries.retain(|entry| entry.deal != deal);
            run.entries.shrink_to(run.entries.len());
        }
        self.runs.retain(|run| !run.entries.is_empty());
    }

    pub(crate) fn heap_bytes(&self) -> usize {
        let entries: usize = self.runs.iter().map(|run| run.entries.capacity()).sum();
        entries * size_of::<Entry>() + self.runs.capacity() * size_of::<Run>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_are_found_until_their_deal_is_forgotten() {
        let mut directory = Directory::default();
        let offset = |number: u64| number * 3 + (number / 700) * (1 << 33);
        for number in 0..5_000 {
            directory.push(offset(number), u32::try_from(number % 7).unwrap());
        }
        directory.forget(3, (offset(3), offset(4_994)));
        for number in 0..5_000 {
            let deal = u32::try_from(number % 7).unwrap();
            let expected = (deal != 3).then_some(deal);
            assert_eq!(directory.find(offset(number)), expected, "order {number}");
            assert_eq!(directory.find(offset(number) + 1), None);
        }
        for deal in [0, 1, 2, 4, 5, 6] {
            directory.forget(deal, (0, offset(4_999)));
        }
        assert!(directory.runs.is_empty());
    }
}
