//! The table of decoders.

use crate::{issued, records, texts};

/// A decoder with what must be true of it.
pub(crate) struct Target {
    /// Also the name of its folder in the corpus.
    pub(crate) name: &'static str,
    /// Good input, to be changed.
    pub(crate) seeds: fn() -> Vec<Vec<u8>>,
    /// Decodes, panics if a property does not hold, and says whether the bytes were taken.
    pub(crate) run: fn(&[u8]) -> bool,
}

/// Every decoder of what comes from outside.
pub(crate) fn all() -> Vec<Target> {
    let target = |name, seeds, run| Target { name, seeds, run };
    vec![
        target("commands", records::seeds, records::command),
        target("decisions", records::seeds, records::decision),
        target("filter_states", records::filter_seeds, records::filter_state),
        target("states", records::state_seeds, records::state),
        target("snapshots", records::snapshot_seeds, records::snapshot),
        target("order_ids", issued::order_seeds, issued::order_id),
        target("command_ids", issued::command_seeds, issued::command_id),
        target("tokens", issued::token_seeds, issued::token),
        target("signatures", issued::signature_seeds, issued::signature),
        target("bodies", texts::no_seeds, texts::body),
        target("cursors", texts::cursor_seeds, texts::cursor),
        target("queries", texts::query_seeds, texts::query),
        target("idempotency_keys", texts::key_seeds, texts::idempotency_key),
        target("seen", texts::no_seeds, texts::seen),
        target("kafka_urls", texts::no_seeds, texts::kafka_url),
        target("key_files", texts::no_seeds, texts::key_file),
        target("secret_sources", texts::no_seeds, texts::secret_source),
        target("durations", texts::no_seeds, texts::duration),
    ]
}
