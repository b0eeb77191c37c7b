//! Bodies and headers of answers, made of rows and places in the queue. Pure: the present and
//! chance are handed in. Must not know where a row comes from, or how an answer travels.

mod deal;
mod etag;
mod order;
mod retry;
mod seen;

pub use deal::{deal_body, deal_status};
pub use etag::{etag_matches, order_etag};
pub use order::{QueuedPurchase, is_final, order_body, queued_body, rejection};
pub use retry::{RETRY_AFTER_MAX, retry_after_seconds, whole_seconds};
pub use seen::Seen;
