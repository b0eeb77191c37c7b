//! Every decoder of bytes that come from outside, in one table, with what must be true of what each
//! takes. Beside not panicking: it is written again as something that reads the same, and whatever
//! proves that it was issued was.
//!
//! Must not know who makes the bytes. The mutations in `tests` do, and libFuzzer in `fuzz`.

#![allow(clippy::unwrap_used, reason = "whoever runs a target looks for panics")]

mod issued;
mod records;
mod seeds;
mod texts;

pub use self::seeds::{PIECES, lay_out};

/// A decoder with what must be true of it.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Also the name of its folder in the corpus, and of its file in `fuzz`.
    pub name: &'static str,
    /// Good input that is made, not kept.
    made: fn() -> Vec<Vec<u8>>,
    /// Decodes, panics if a property does not hold, and says whether the bytes were taken.
    pub run: fn(&[u8]) -> bool,
}

/// Longest input that is tried: the longest body of a request, and a little.
pub const BYTES_MAX: usize = 70_000;

const fn target(name: &'static str, made: fn() -> Vec<Vec<u8>>, run: fn(&[u8]) -> bool) -> Target {
    Target { name, made, run }
}

/// Every decoder of what comes from outside.
pub const TARGETS: [Target; 21] = [
    target("commands", records::seeds, records::command),
    target("decisions", records::seeds, records::decision),
    target("filter_states", records::filter_seeds, records::filter_state),
    target("states", records::state_seeds, records::state),
    target("snapshots", records::snapshot_seeds, records::snapshot),
    target("order_ids", issued::order_seeds, issued::order_id),
    target("command_ids", issued::command_seeds, issued::command_id),
    target("tokens", issued::token_seeds, issued::token),
    target("issuer_keys", texts::no_seeds, issued::issuer_keys),
    target("signatures", issued::signature_seeds, issued::signature),
    target("bodies", texts::no_seeds, texts::body),
    target("cursors", texts::cursor_seeds, texts::cursor),
    target("queries", texts::query_seeds, texts::query),
    target("idempotency_keys", texts::key_seeds, texts::idempotency_key),
    target("traceparents", texts::no_seeds, texts::traceparent),
    target("forwarded_for", texts::no_seeds, texts::forwarded_for),
    target("seen", texts::no_seeds, texts::seen),
    target("kafka_urls", texts::no_seeds, texts::kafka_url),
    target("key_files", texts::no_seeds, texts::key_file),
    target("secret_sources", texts::no_seeds, texts::secret_source),
    target("durations", texts::no_seeds, texts::duration),
];

/// Tries one input on the target of this name.
///
/// # Panics
///
/// If what must be true is not, or if there is no such target.
pub fn run(name: &str, input: &[u8]) {
    (named(name).run)(input);
}

fn named(name: &str) -> &'static Target {
    TARGETS.iter().find(|target| target.name == name).expect("the name is one of the table's")
}
