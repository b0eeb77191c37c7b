//! The partitions of the three logs as one list, which is how the writer, the readers and the file
//! count them: an index here stands for a log and a partition everywhere inside this backend.

use std::sync::atomic::{AtomicBool, Ordering};

use schemas::{Offset, Partition};

use super::schema::{Bounds, LogName};
use crate::tail::{Tail, TailLimits};

/// One partition of one log.
#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) log: LogName,
    pub(crate) partition: Partition,
    /// Its name in the file.
    pub(crate) sql_name: Box<str>,
    pub(crate) tail: Tail,
}

/// All of them, in the order of the logs, then of the partitions.
#[derive(Debug)]
pub(crate) struct Tables {
    partitions: Partition,
    list: Vec<Table>,
    closed: AtomicBool,
}

impl Tables {
    /// `bounds` answers for each table where it begins and ends; `limits` are those of one tail.
    pub(crate) fn load<E>(
        partitions: Partition,
        limits: TailLimits,
        bounds: impl Fn(&str) -> Result<Bounds, E>,
    ) -> Result<Self, E> {
        let mut list = Vec::new();
        for log in LogName::ALL {
            for partition in 0..partitions {
                let sql_name = log.table(partition);
                let found = bounds(&sql_name)?;
                let tail = Tail::new(found.start, found.end, limits);
                list.push(Table { log, partition, sql_name: sql_name.into(), tail });
            }
        }
        Ok(Self { partitions, list, closed: AtomicBool::new(false) })
    }

    pub(crate) fn partitions(&self) -> Partition {
        self.partitions
    }

    /// The index of a partition of a log, if there is one.
    pub(crate) fn index(&self, log: LogName, partition: Partition) -> Option<usize> {
        (partition < self.partitions)
            .then(|| log as usize * usize::from(self.partitions) + usize::from(partition))
    }

    pub(crate) fn get(&self, index: usize) -> &Table {
        &self.list[index]
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Table> {
        self.list.iter()
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    /// Refuses reads from now on and lets every waiting reader go, in this order: whoever is let go
    /// and reads must find out why.
    pub(crate) fn close(&self) {
        self.closed.store(true, Ordering::Release);
        self.iter().for_each(|table| table.tail.close());
    }
}

/// What the writer must know of a table to append to it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cursor {
    pub(crate) next: Offset,
    pub(crate) last_time: schemas::Timestamp,
}

impl From<Bounds> for Cursor {
    fn from(bounds: Bounds) -> Self {
        Self { next: bounds.end, last_time: bounds.last_time }
    }
}
