//! What the logs and the snapshots hold.

use std::path::Path;
use std::sync::Arc;

use decider::{Context, Input, State};
use object_store::memory::InMemory;
use order_worker::Snapshots;
use schemas::log::{
    CommandsRecord, DecisionsRecord, FilterState, RULES, decode_command, decode_decisions_record,
};
use schemas::{Digest, Timestamp};
use sha2::{Digest as _, Sha256};

use crate::seeds::files;

/// Every line of the golden files; both logs' together, since each must refuse the other's.
pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../schemas/golden");
    let texts = files(&folder).into_iter().map(|path| std::fs::read_to_string(path).unwrap());
    texts
        .flat_map(|text| text.lines().map(|line| line.as_bytes().to_vec()).collect::<Vec<_>>())
        .collect()
}

/// The same record, but not in the form in which it is written: it is read another way.
fn spaced(bytes: &[u8]) -> Vec<u8> {
    [b" ", bytes].concat()
}

pub(crate) fn command(bytes: &[u8]) -> bool {
    let found = decode_command(bytes);
    assert_eq!(found.as_ref().ok(), decode_command(&spaced(bytes)).as_ref().ok());
    let Ok(read) = found else { return false };
    let written = match &read {
        CommandsRecord::Genesis(genesis) => genesis.encode(),
        CommandsRecord::Command(command) => command.encode(),
    };
    assert_eq!(decode_command(&written), Ok(read));
    true
}

pub(crate) fn decision(bytes: &[u8]) -> bool {
    let found = decode_decisions_record(bytes);
    assert_eq!(found.as_ref().ok(), decode_decisions_record(&spaced(bytes)).as_ref().ok());
    let Ok(read) = found else { return false };
    let written = match &read {
        DecisionsRecord::Genesis(genesis) => genesis.encode(),
        DecisionsRecord::Owner(owner) => owner.encode(),
        DecisionsRecord::Decision(decision) => decision.encode(),
    };
    assert_eq!(decode_decisions_record(&written), Ok(read));
    true
}

pub(crate) fn filter_seeds() -> Vec<Vec<u8>> {
    [FilterState::default(), filter()].map(|it| serde_json::to_vec(&it).unwrap()).into()
}

pub(crate) fn filter_state(bytes: &[u8]) -> bool {
    let Ok(read) = serde_json::from_slice::<FilterState>(bytes) else { return false };
    let written = serde_json::to_vec(&read).unwrap();
    assert_eq!(serde_json::from_slice::<FilterState>(&written).unwrap(), read);
    true
}

/// States after each of the golden commands, decided in one order.
fn states() -> Vec<State> {
    let (mut state, mut states) = (State::default(), vec![State::default()]);
    for (offset, line) in (1..).zip(seeds()) {
        let Ok(CommandsRecord::Command(command)) = decode_command(&line) else { continue };
        let append_time = Timestamp::from_millis(1_700_000_000_000);
        let context = Context { rules: RULES, offset, append_time, after: offset };
        state.fold(&decider::decide(&state, Input::Command(&command), context));
        states.push(state.clone());
    }
    states
}

pub(crate) fn state_seeds() -> Vec<Vec<u8>> {
    states().iter().map(State::encode).collect()
}

pub(crate) fn state(bytes: &[u8]) -> bool {
    let Ok(read) = State::decode(bytes) else { return false };
    let written = read.encode();
    // The same state gives the same bytes, always.
    assert_eq!(State::decode(&written).unwrap().encode(), written);
    true
}

fn filter() -> FilterState {
    FilterState {
        log_id: Some(3),
        read_offset: 9,
        epoch: 2,
        claim: Digest(7),
        rules: RULES,
        decided_next: 8,
        log_time: Timestamp::from_millis(1_700_000_000_000),
    }
}

/// Without their checksum: it is put behind them here, or nothing but it would ever be tried.
pub(crate) fn snapshot_seeds() -> Vec<Vec<u8>> {
    let filter = serde_json::to_vec(&filter()).unwrap();
    let length = u64::try_from(filter.len()).unwrap().to_be_bytes();
    let head = [b"timedeal-snapshot 1\n".as_slice(), &length, &filter].concat();
    states().iter().map(|state| [head.clone(), state.encode()].concat()).collect()
}

pub(crate) fn snapshot(bytes: &[u8]) -> bool {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let load = |bytes: Vec<u8>| {
        let snapshots = Snapshots::new(Arc::new(InMemory::new()), 3);
        runtime.block_on(async {
            snapshots.save(0, &filter(), bytes).await.unwrap();
            snapshots.load(0).await.unwrap()
        })
    };
    // As it is, it lacks its checksum.
    assert!(load(bytes.to_vec()).is_none());
    let sealed = [bytes, &Sha256::digest(bytes)].concat();
    let Some(read) = load(sealed) else { return false };
    assert_eq!(read.filter.log_id, Some(3), "a snapshot of another log counts for nothing");
    let written = read.state.encode();
    assert_eq!(State::decode(&written).unwrap().encode(), written);
    true
}
