//! The stated maximum of every input. A value outside is refused at the door (`out-of-range` or
//! `malformed`) and, should it stand in the log all the same, by the decider.

/// Longest product id, deal key, client reference and reason code, in bytes.
pub const NAME_BYTES_MAX: usize = 64;
/// Longest product name and deal title, in characters.
pub const TITLE_CHARS_MAX: usize = 200;
/// Longest product description, in characters.
pub const DESCRIPTION_CHARS_MAX: usize = 4_000;
/// Longest image address, in bytes.
pub const IMAGE_URL_BYTES_MAX: usize = 2_048;
/// Longest Idempotency-Key, in bytes.
pub const IDEMPOTENCY_KEY_BYTES_MAX: usize = 255;
/// Longest payment id, in bytes.
pub const PAYMENT_ID_BYTES_MAX: usize = 128;

/// Highest price of one unit, in minor units. Times [`LIMIT_PER_CUSTOMER_MAX`] it stays below
/// 2^53, so every total is exact in JavaScript.
pub const PRICE_MAX: i64 = 1_000_000_000_000;
/// Largest stock of a deal, adjustments included, in units.
pub const STOCK_MAX: u64 = 100_000_000;
/// Largest limit per customer, in units.
pub const LIMIT_PER_CUSTOMER_MAX: u32 = 1_000;
/// Longest hold, in seconds: 30 days.
pub const HOLD_SECONDS_MAX: u32 = 30 * 24 * 60 * 60;
/// Longest time between opening and closing of a deal, in milliseconds: 366 days.
pub const DEAL_DURATION_MS_MAX: i64 = 366 * 24 * 60 * 60 * 1_000;

/// Most events of one decision.
pub const EVENTS_MAX: usize = 512;
/// Most partitions of a log: an order id has 14 bits for it.
pub const PARTITIONS_MAX: u16 = 1 << 14;
/// First offset that an order id can no longer carry: it has 44 bits for it.
pub const OFFSET_LIMIT: u64 = 1 << 44;

const _: () = assert!(PRICE_MAX * (LIMIT_PER_CUSTOMER_MAX as i64) < 1 << 53);
