//! The projector's tasks: one for each partition.

use std::sync::Arc;

use anyhow::Context;
use platform::jitter::SplitMix64;
use platform::shutdown::TaskGroup;
use projector::{Projector, ProjectorBoard, ProjectorParts};

use super::StoreBase;

/// Starts a projector for each partition.
pub(crate) fn start(
    on: &StoreBase,
    board: &Arc<ProjectorBoard>,
    group: &mut TaskGroup,
) -> anyhow::Result<()> {
    projector::describe_metrics();
    let logs = &on.base.logs;
    for partition in 0..logs.decisions.partitions() {
        let mut random = SplitMix64::from_system().context("draw a seed")?;
        let parts = ProjectorParts {
            decisions: Arc::clone(&logs.decisions),
            commands: Arc::clone(&logs.commands),
            dead_letters: Arc::clone(&logs.dead_letters),
            store: Arc::clone(&on.store),
            clock: Arc::clone(&on.base.clock),
            board: Arc::clone(board),
            log_id: on.base.log_id,
            random: Box::new(move || random.draw()),
        };
        let projector = Projector::new(partition, parts);
        group.spawn(format!("projector {partition}"), projector.run(group.token().clone()));
    }
    Ok(())
}
