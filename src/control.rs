//! What operators see of the partitions in this process, and how they resume one: the boards of
//! worker and projector behind the gateway's ops listener.

use std::sync::Arc;

use async_trait::async_trait;
use gateway::{PartitionControl, PartitionRow, ResumeOptions, ResumeRefusal};
use order_worker::{PartitionBoard, PartitionStatus, Phase, Resume};
use projector::{ProjectorBoard, ProjectorStatus};

/// The partitions of this process.
pub(crate) struct Control {
    pub(crate) board: Arc<PartitionBoard>,
    pub(crate) projections: Arc<ProjectorBoard>,
}

#[async_trait]
impl PartitionControl for Control {
    async fn list(&self) -> Vec<PartitionRow> {
        self.board.list().into_iter().zip(self.projections.list()).map(row).collect()
    }

    async fn resume(&self, partition: u16, options: ResumeOptions) -> Result<(), ResumeRefusal> {
        let list = self.board.list();
        let status = list.get(usize::from(partition)).ok_or(ResumeRefusal::Unknown)?;
        if status.phase != Phase::Parked {
            return Err(ResumeRefusal::NotParked);
        }
        let ResumeOptions { new_log, accept_log_time } = options;
        let known = self.board.resume(partition, Resume { new_log, accept_log_time });
        if known { Ok(()) } else { Err(ResumeRefusal::Unknown) }
    }
}

fn row((status, projection): (PartitionStatus, ProjectorStatus)) -> PartitionRow {
    let state = match status.phase {
        Phase::TakingOver => "taking-over",
        Phase::Owning => "owning",
        Phase::Parked => "parked",
        Phase::Stopped => "stopped",
    };
    let projector = projection.park.map(|park| format!("projector: {park}"));
    PartitionRow {
        partition: status.partition,
        state: state.into(),
        epoch: (status.epoch > 0).then_some(status.epoch),
        decided_next: status.decided_next,
        read_offset: status.read_offset,
        park: status.park.or(projector).map(Into::into),
    }
}
