//! `Timedeal-Seen`: what a client has seen, so that no gateway shows it less (promise I9).
//! `log_id.partition:decided_next`, comma-separated.

use std::collections::BTreeMap;
use std::fmt;

use schemas::{Offset, Partition};

/// Most entries looked at: no honest client has seen more partitions than a log may have, and the
/// header has to fit into the limit of headers.
const ENTRIES_MAX: usize = 1_024;

/// The highest `decided_next` of each partition of one log that a client has seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    log_id: u8,
    partitions: BTreeMap<Partition, Offset>,
}

impl Seen {
    /// Nothing seen of this log.
    #[must_use]
    pub fn new(log_id: u8) -> Self {
        Self { log_id, partitions: BTreeMap::new() }
    }

    /// Reads a header. Entries of another log, and what cannot be read, are passed over: the header
    /// only ever makes a gateway wait.
    #[must_use]
    pub fn parse(log_id: u8, header: &str) -> Self {
        let mut seen = Self::new(log_id);
        for entry in header.split(',').take(ENTRIES_MAX) {
            if let Some((found, partition, decided_next)) = parse_entry(entry.trim())
                && found == log_id
            {
                seen.note(partition, decided_next);
            }
        }
        seen
    }

    /// Adds what an answer shows; never goes back.
    pub fn note(&mut self, partition: Partition, decided_next: Offset) {
        let highest = self.partitions.entry(partition).or_default();
        *highest = decided_next.max(*highest);
    }

    /// `decided_next` by partition.
    pub fn partitions(&self) -> impl Iterator<Item = (Partition, Offset)> {
        self.partitions.iter().map(|(&partition, &decided_next)| (partition, decided_next))
    }

    /// Whether nothing of this log was seen: the header is then left out.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.partitions.is_empty()
    }
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (partition, decided_next)) in self.partitions().enumerate() {
            let comma = if index > 0 { "," } else { "" };
            write!(f, "{comma}{}.{partition}:{decided_next}", self.log_id)?;
        }
        Ok(())
    }
}

fn parse_entry(entry: &str) -> Option<(u8, Partition, Offset)> {
    let (place, decided_next) = entry.split_once(':')?;
    let (log_id, partition) = place.split_once('.')?;
    Some((log_id.parse().ok()?, partition.parse().ok()?, decided_next.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::Seen;

    #[test]
    fn the_header_reads_back_as_it_was_written() {
        let mut seen = Seen::new(3);
        assert!(seen.is_empty());
        for (partition, decided_next) in [(63, 812), (0, 7), (63, 90)] {
            seen.note(partition, decided_next);
        }
        assert_eq!(seen.to_string(), "3.0:7,3.63:812");
        assert_eq!(Seen::parse(3, &seen.to_string()), seen);
    }

    #[test]
    fn other_logs_and_nonsense_are_passed_over() {
        let header = " 3.1:5, 4.1:99, 3.1:4,,3.70000:1, 3.2, x.1:1, 3.2:-1, 3:2, é";
        assert_eq!(Seen::parse(3, header).partitions().collect::<Vec<_>>(), [(1, 5)]);
        assert!(Seen::parse(5, header).is_empty());
    }
}
