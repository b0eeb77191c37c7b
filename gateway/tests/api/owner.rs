//! The owner of a partition and its projector, as small as they can be: decide, append, fold.

use std::sync::Arc;

use decider::{Context, Input, State};
use decision_log::{DecisionWriter, genesis_record, owner_record};
use event_log::{Log, ReadLimits, SimulatedLog};
use read_model::{SqliteStore, Store, fold};
use schemas::log::{CommandsRecord, FilterState, Genesis, Owner, RULES, decode_command};
use schemas::{Digest, Offset, Partition};

pub(crate) const LOG_ID: u8 = 3;
const LIMITS: ReadLimits = ReadLimits { records_max: 512, bytes_max: 1 << 20 };

/// Starts both logs of a partition.
pub(crate) fn found(commands: &SimulatedLog, decisions: &SimulatedLog) {
    for partition in 0..commands.partitions() {
        let genesis = Genesis { log_id: LOG_ID, partitions: commands.partitions() };
        commands.append_raw(partition, genesis_record(&genesis));
        decisions.append_raw(partition, genesis_record(&genesis));
        let owner = Owner { epoch: 1, claim: Digest(1), worker: "test".into(), rules: RULES };
        decisions.append_raw(partition, owner_record(&owner));
    }
}

/// Decides one partition until the commands log is closed.
pub(crate) async fn decide(
    partition: Partition,
    commands: SimulatedLog,
    decisions: SimulatedLog,
    store: Arc<SqliteStore>,
) {
    let mut state = State::default();
    let mut filter = FilterState {
        log_id: Some(LOG_ID),
        epoch: 1,
        claim: Digest(1),
        rules: RULES,
        ..FilterState::default()
    };
    let mut projected: Offset = 0;
    loop {
        let from = filter.decided_next;
        let Ok(batch) = commands.read(partition, from, LIMITS).await else { return };
        if batch.records.is_empty() {
            commands.wait(partition, from).await;
            continue;
        }
        for stored in batch.records {
            let record = decode_command(&stored.payload);
            let input = match &record {
                Ok(CommandsRecord::Command(command)) => Input::Command(command),
                Ok(CommandsRecord::Genesis(_)) => Input::Genesis,
                Err(_) => Input::Unreadable,
            };
            let after = filter.decided_next;
            let append_time = stored.log_time;
            let context = Context { rules: RULES, offset: stored.offset, append_time, after };
            let decision = decider::decide(&state, input, context);
            state.fold(&decision);
            let payload = decision.encode().into();
            let place =
                decisions.append_raw(partition, DecisionWriter::of(&filter).record(payload));
            filter.decided_next = stored.offset + 1;
            filter.log_time = decision.log_time;
            filter.read_offset = place.offset + 1;
            let changes = fold(LOG_ID, partition, &decision);
            if store.commit(partition, projected, &filter, &changes).await.is_ok() {
                projected = filter.read_offset;
            }
        }
    }
}
