//! Which partition a key belongs to: murmur2 as Kafka's Java clients compute it, so that every
//! tool that writes by key agrees with this program. A count of partitions is therefore for ever.

use schemas::Partition;

/// The partition of `key` among `partitions`.
///
/// # Panics
/// If there are no partitions.
#[must_use]
pub fn partition_of(key: &[u8], partitions: Partition) -> Partition {
    let positive = murmur2(key) & 0x7fff_ffff;
    Partition::try_from(positive % u32::from(partitions)).expect("a remainder is below the count")
}

/// Kafka's variant of 32-bit murmur2 (`org.apache.kafka.common.utils.Utils.murmur2`).
fn murmur2(key: &[u8]) -> u32 {
    const SEED: u32 = 0x9747_b28c;
    const M: u32 = 0x5bd1_e995;
    let length = u32::try_from(key.len()).expect("keys are far shorter than 4 GiB");
    let mut hash = SEED ^ length;
    let (words, rest) = key.as_chunks::<4>();
    for word in words {
        let mut k = u32::from_le_bytes(*word).wrapping_mul(M);
        k = (k ^ (k >> 24)).wrapping_mul(M);
        hash = hash.wrapping_mul(M) ^ k;
    }
    if !rest.is_empty() {
        let tail = rest.iter().rev().fold(0, |tail, byte| tail << 8 | u32::from(*byte));
        hash = (hash ^ tail).wrapping_mul(M);
    }
    hash = (hash ^ (hash >> 13)).wrapping_mul(M);
    hash ^ (hash >> 15)
}

#[cfg(test)]
mod vectors;

#[cfg(test)]
mod tests {
    use super::partition_of;

    #[test]
    fn every_key_has_a_partition() {
        for partitions in [1, 4, 64, 16_384] {
            for key in [&b""[..], b"a", b"ab", b"abc", b"abcd", b"sku-1"] {
                assert!(partition_of(key, partitions) < partitions);
            }
        }
    }
}
