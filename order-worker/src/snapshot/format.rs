//! The bytes of a snapshot: a line of text, the length of the filter state as 8 bytes (big-endian),
//! the filter state as JSON, the decider's state, and the SHA-256 of all that. Must not know where
//! they are kept.

use decider::State;
use schemas::log::FilterState;
use sha2::{Digest, Sha256};

use super::Snapshot;

/// First bytes of every snapshot; the number is the format's.
const MAGIC: &[u8] = b"timedeal-snapshot 1\n";
const HASH_BYTES: usize = 32;

/// The bytes of a snapshot.
pub(super) fn encode(filter: &FilterState, state: &State) -> Vec<u8> {
    let filter = serde_json::to_vec(filter).expect("a filter state is plain data");
    let state = state.encode();
    let mut bytes = Vec::with_capacity(MAGIC.len() + 8 + filter.len() + state.len() + HASH_BYTES);
    bytes.extend_from_slice(MAGIC);
    let length = u64::try_from(filter.len()).expect("usize fits u64");
    bytes.extend_from_slice(&length.to_be_bytes());
    bytes.extend_from_slice(&filter);
    bytes.extend_from_slice(&state);
    let hash = Sha256::digest(&bytes);
    bytes.extend_from_slice(&hash);
    bytes
}

/// The snapshot of which these are the bytes, or why they are none.
pub(super) fn decode(bytes: &[u8]) -> Result<Snapshot, &'static str> {
    let end = bytes.len().checked_sub(HASH_BYTES).ok_or("too short")?;
    let (body, hash) = bytes.split_at(end);
    if Sha256::digest(body)[..] != *hash {
        return Err("checksum does not fit");
    }
    let rest = body.strip_prefix(MAGIC).ok_or("unknown format")?;
    let (length, rest) = rest.split_first_chunk::<8>().ok_or("no length")?;
    let length = usize::try_from(u64::from_be_bytes(*length)).map_err(|_| "absurd length")?;
    let (filter, state) = rest.split_at_checked(length).ok_or("absurd length")?;
    Ok(Snapshot {
        filter: serde_json::from_slice(filter).map_err(|_| "filter state cannot be read")?,
        state: State::decode(state).map_err(|_| "state cannot be read")?,
    })
}
