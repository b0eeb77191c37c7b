//! Event streams (SSE). A stream holds little: a watch, a timer, and what it last said; frames of
//! deals are written once for all who listen. Streams end when the gateway stops. Must not know
//! who may listen.

mod deal;
mod frame;
mod order;

pub(crate) use deal::DealStream;
pub(crate) use frame::is_last;
pub(crate) use order::OrderStream;
