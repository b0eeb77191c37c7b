//! Tokens that were verified, so that a customer who polls is not verified again and again.
//! Bounded; keyed by a keyed hash of the whole token, so that nobody can aim at an entry.

use std::sync::{Mutex, MutexGuard, PoisonError};

use hashbrown::HashMap;
use sha2::{Digest, Sha256};

use super::principal::Principal;
use super::verifier::Verified;

/// Shards keep tasks from waiting for each other; a power of two.
const SHARDS: usize = 16;
/// Most tokens remembered in one shard: 65,536 in all, some 4 MiB.
const SHARD_TOKENS_MAX: usize = 4_096;

/// 128 bits of a token's keyed hash.
pub(super) type TokenHash = u128;

pub(super) struct TokenCache {
    keyed: Sha256,
    shards: [Mutex<Shard>; SHARDS],
}

/// What was verified, and under which generation of keys: a key that is taken out takes everything
/// with it that it has signed, remembered or not.
type Shard = HashMap<TokenHash, (u64, Verified)>;

impl TokenCache {
    pub(super) fn new(seed: [u8; 32]) -> Self {
        Self { keyed: Sha256::new_with_prefix(seed), shards: Default::default() }
    }

    pub(super) fn hash(&self, token: &str) -> TokenHash {
        let digest: [u8; 32] = self.keyed.clone().chain_update(token).finalize().into();
        u128::from_be_bytes(*digest.first_chunk().expect("16 of 32 bytes"))
    }

    /// Whom the token speaks for, if it was verified under the keys of this generation and still
    /// is good.
    pub(super) fn get(
        &self,
        hash: TokenHash,
        generation: u64,
        now_seconds: i64,
    ) -> Option<Principal> {
        let shard = self.shard(hash);
        let (under, verified) = shard.get(&hash)?;
        let good = *under == generation && verified.good_at(now_seconds);
        good.then_some(verified.principal)
    }

    pub(super) fn put(
        &self,
        hash: TokenHash,
        generation: u64,
        verified: Verified,
        now_seconds: i64,
    ) {
        let mut shard = self.shard(hash);
        if shard.len() >= SHARD_TOKENS_MAX {
            shard.retain(|_, (under, known)| *under == generation && known.good_at(now_seconds));
        }
        if shard.len() >= SHARD_TOKENS_MAX {
            // Whoever is still there is verified once more; that is cheaper than an order of use.
            shard.clear();
        }
        shard.insert(hash, (generation, verified));
    }

    fn shard(&self, hash: TokenHash) -> MutexGuard<'_, Shard> {
        let index = usize::try_from(hash % SHARDS as u128).expect("below the number of shards");
        self.shards[index].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::{SHARD_TOKENS_MAX, SHARDS, TokenCache};
    use crate::auth::{Principal, Scopes, Verified};
    use uuid::Uuid;

    fn verified(until_seconds: i64) -> Verified {
        let principal = Principal { subject: Uuid::nil(), scopes: Scopes::default() };
        Verified { principal, from_seconds: 0, until_seconds }
    }

    #[test]
    fn a_token_is_remembered_until_it_expires() {
        let cache = TokenCache::new([1; 32]);
        let hash = cache.hash("a");
        assert_eq!(cache.get(hash, 0, 5), None);
        cache.put(hash, 0, verified(10), 5);
        assert_eq!(cache.get(hash, 0, 9), Some(verified(10).principal));
        assert_eq!(cache.get(hash, 0, 10), None);
        assert_eq!(cache.get(cache.hash("b"), 0, 9), None);
        assert_ne!(hash, TokenCache::new([2; 32]).hash("a"));
    }

    #[test]
    fn a_token_is_forgotten_once_the_keys_are_others() {
        let cache = TokenCache::new([1; 32]);
        let hash = cache.hash("a");
        cache.put(hash, 3, verified(10), 5);
        assert_eq!(cache.get(hash, 4, 5), None);
        cache.put(hash, 4, verified(10), 5);
        assert_eq!(cache.get(hash, 4, 5), Some(verified(10).principal));
    }

    #[test]
    fn the_cache_is_bounded() {
        let cache = TokenCache::new([1; 32]);
        for number in 0..3 * SHARDS * SHARD_TOKENS_MAX {
            cache.put(number as u128, 0, verified(10), 5);
        }
        let held: usize = cache.shards.iter().map(|shard| shard.lock().unwrap().len()).sum();
        assert!(held <= SHARDS * SHARD_TOKENS_MAX);
    }
}
