//! The newest part of a sequence in order of offset: grows at the back, leaves at the front. In
//! chunks, so that it never holds more than one chunk of memory that it does not use.

use std::collections::VecDeque;

use schemas::Offset;

/// Something that stands at an offset.
pub(super) trait Placed {
    fn offset(&self) -> Offset;
}

/// Records in order of offset. No chunk is empty; all but the last are full.
#[derive(Debug)]
pub(super) struct Recent<T> {
    chunks: VecDeque<Vec<T>>,
    chunk_len: usize,
}

impl<T: Placed> Recent<T> {
    pub(super) fn new(chunk_len: usize) -> Self {
        Self { chunks: VecDeque::new(), chunk_len }
    }

    pub(super) fn len(&self) -> usize {
        let last = self.chunks.back().map_or(0, Vec::len);
        self.chunks.len().saturating_sub(1) * self.chunk_len + last
    }

    /// Adds the newest record.
    pub(super) fn push(&mut self, record: T) {
        let last = self.chunks.back().and_then(|chunk| chunk.last());
        assert!(last.is_none_or(|last| last.offset() < record.offset()), "offsets only grow");
        match self.chunks.back_mut() {
            Some(chunk) if chunk.len() < self.chunk_len => chunk.push(record),
            None | Some(_) => {
                let mut chunk = Vec::with_capacity(self.chunk_len);
                chunk.push(record);
                self.chunks.push_back(chunk);
            }
        }
    }

    pub(super) fn find(&self, offset: Offset) -> Option<&T> {
        let (chunk, index) = self.place(offset)?;
        self.chunks.get(chunk)?.get(index)
    }

    pub(super) fn find_mut(&mut self, offset: Offset) -> Option<&mut T> {
        let (chunk, index) = self.place(offset)?;
        self.chunks.get_mut(chunk)?.get_mut(index)
    }

    pub(super) fn newest_first(&self) -> impl Iterator<Item = &T> {
        self.chunks.iter().rev().flat_map(|chunk| chunk.iter().rev())
    }

    /// Lets go of whole chunks at the front while fewer than `count` records have left and all of
    /// a chunk may leave; tells how many did.
    pub(super) fn evict(&mut self, count: usize, may_leave: impl Fn(&T) -> bool) -> usize {
        let mut left = 0;
        while left < count
            && let Some(chunk) = self.chunks.front()
            && chunk.len() == self.chunk_len
            && chunk.iter().all(&may_leave)
        {
            left += self.chunk_len;
            self.chunks.pop_front();
        }
        left
    }

    fn place(&self, offset: Offset) -> Option<(usize, usize)> {
        let starts_by = |chunk: &Vec<T>| chunk.first().is_some_and(|it| it.offset() <= offset);
        let chunk = self.chunks.partition_point(starts_by).checked_sub(1)?;
        let index = self.chunks.get(chunk)?.binary_search_by_key(&offset, Placed::offset).ok()?;
        Some((chunk, index))
    }
}
