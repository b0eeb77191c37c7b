//! What operators see of the partitions in this process, and how they resume one: the boards of
//! worker and projector behind the operators' server. Boards come when their role starts.

use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use gateway::{PartitionControl, PartitionRow, ResumeOptions, ResumeRefusal};
use order_worker::{PartitionBoard, PartitionStatus, Phase, Resume};
use projector::{ProjectorBoard, ProjectorStatus};

/// The partitions of this process.
#[derive(Default)]
pub(crate) struct Control {
    board: OnceLock<Arc<PartitionBoard>>,
    projections: OnceLock<Arc<ProjectorBoard>>,
}

impl Control {
    /// Workers have started in this process.
    pub(crate) fn show_workers(&self, board: Arc<PartitionBoard>) {
        let first = self.board.set(board).is_ok();
        assert!(first, "workers start once");
    }

    /// Projectors have started in this process.
    pub(crate) fn show_projectors(&self, board: Arc<ProjectorBoard>) {
        let first = self.projections.set(board).is_ok();
        assert!(first, "projectors start once");
    }
}

#[async_trait]
impl PartitionControl for Control {
    async fn list(&self) -> Vec<PartitionRow> {
        let projections = self.projections.get().map(|board| board.list()).unwrap_or_default();
        match self.board.get() {
            Some(board) => {
                let workers = board.list().into_iter().enumerate();
                workers.map(|(index, status)| worker_row(status, projections.get(index))).collect()
            }
            None => projections.into_iter().map(projector_row).collect(),
        }
    }

    async fn resume(&self, partition: u16, options: ResumeOptions) -> Result<(), ResumeRefusal> {
        let board = self.board.get().ok_or(ResumeRefusal::Unknown)?;
        let list = board.list();
        let status = list.get(usize::from(partition)).ok_or(ResumeRefusal::Unknown)?;
        if status.phase != Phase::Parked {
            return Err(ResumeRefusal::NotParked);
        }
        let ResumeOptions { new_log, accept_log_time } = options;
        let known = board.resume(partition, Resume { new_log, accept_log_time });
        if known { Ok(()) } else { Err(ResumeRefusal::Unknown) }
    }
}

fn worker_row(status: PartitionStatus, projection: Option<&ProjectorStatus>) -> PartitionRow {
    let projector = projection.and_then(|it| it.park.as_ref());
    let projector = projector.map(|park| format!("projector: {park}"));
    PartitionRow {
        partition: status.partition,
        state: phase_name(status.phase).into(),
        epoch: (status.epoch > 0).then_some(status.epoch),
        decided_next: status.decided_next,
        read_offset: status.read_offset,
        park: status.park.or(projector).map(Into::into),
    }
}

fn phase_name(phase: Phase) -> &'static str {
    match phase {
        Phase::TakingOver => "taking-over",
        Phase::Owning => "owning",
        Phase::Parked => "parked",
        Phase::Unassigned => "unassigned",
        Phase::Stopped => "stopped",
    }
}

/// A projector alone: `decided_next` is the worker's to know.
fn projector_row(projection: ProjectorStatus) -> PartitionRow {
    let state = if projection.park.is_some() { "parked" } else { "projecting" };
    PartitionRow {
        partition: projection.partition,
        state: state.into(),
        epoch: None,
        decided_next: projection.decided_next,
        read_offset: projection.read_offset,
        park: projection.park.map(Into::into),
    }
}
