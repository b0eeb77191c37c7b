//! A watch over the tasks of a process: one that ends unasked stops the process, because the rest
//! would go on without it and look healthy. Must not know what the tasks do.

use super::ShutdownToken;
use crate::telemetry::panic_text;
use futures_util::FutureExt;
use std::collections::HashMap;
use std::convert::Infallible;
use std::fmt;
use std::panic::AssertUnwindSafe;
use std::time::Duration;
use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::Instant;

/// How a task ended when it should not have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TaskFaultKind {
    /// It returned before it was asked to stop.
    EndedUnasked,
    /// It returned this error, whether it was asked to stop or not.
    Failed(String),
    /// It panicked with this message, whether it was asked to stop or not.
    Panicked(String),
}

/// A task that ended when or how it should not have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskFault {
    /// The task's name.
    pub task: String,
    /// What it did.
    pub kind: TaskFaultKind,
}

impl fmt::Display for TaskFault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let task = &self.task;
        match &self.kind {
            TaskFaultKind::EndedUnasked => write!(formatter, "{task} ended unasked"),
            TaskFaultKind::Failed(error) => write!(formatter, "{task} failed: {error}"),
            TaskFaultKind::Panicked(text) => write!(formatter, "{task} panicked: {text}"),
        }
    }
}

/// What became of the tasks of a group.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct JoinReport {
    /// Tasks that ended when or how they should not have, in the order of their ends.
    pub faults: Vec<TaskFault>,
    /// Names of the tasks that had not ended at the deadline, sorted. They were told to end at
    /// their next `await`, and not waited for.
    pub late: Vec<String>,
}

impl JoinReport {
    /// Whether every task ended as it should, in time.
    pub fn is_clean(&self) -> bool {
        self.faults.is_empty() && self.late.is_empty()
    }
}

/// Named tasks that are watched from the moment they start. Dropping the group ends them all at
/// their next `await`.
#[derive(Debug)]
pub struct TaskGroup {
    process: ShutdownToken,
    stage: ShutdownToken,
    names: HashMap<Id, String>,
    tasks: JoinSet<Option<TaskFaultKind>>,
}

impl TaskGroup {
    /// A group whose tasks stop when the process does.
    pub fn new(process: ShutdownToken) -> Self {
        Self::staged(process.clone(), process)
    }

    /// A group whose tasks stop on a token of their own, so that groups can be stopped one after
    /// the other; a task that ends before `stage` is thrown triggers `process`.
    pub fn staged(process: ShutdownToken, stage: ShutdownToken) -> Self {
        Self { process, stage, names: HashMap::new(), tasks: JoinSet::new() }
    }

    /// The token on which this group's tasks are to stop.
    pub fn token(&self) -> &ShutdownToken {
        &self.stage
    }

    /// Starts a task that cannot fail, only end.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub fn spawn<F>(&mut self, name: impl Into<String>, task: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.spawn_fallible(name, task.map(Ok::<(), Infallible>));
    }

    /// Starts a task that may fail; its error is a fault also after it was asked to stop.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub fn spawn_fallible<F, E>(&mut self, name: impl Into<String>, task: F)
    where
        F: Future<Output = Result<(), E>> + Send + 'static,
        E: fmt::Display + Send + 'static,
    {
        let name = name.into();
        let watched = watch(name.clone(), task, self.process.clone(), self.stage.clone());
        let id = self.tasks.spawn(watched).id();
        self.names.insert(id, name);
    }

    /// Waits for all tasks to end, until `deadline` from now. Does not ask them to: the caller
    /// throws their token first, or waits until somebody has.
    pub async fn join_all(mut self, deadline: Duration) -> JoinReport {
        let until = Instant::now() + deadline;
        let mut report = JoinReport::default();
        while let Ok(Some(joined)) =
            tokio::time::timeout_at(until, self.tasks.join_next_with_id()).await
        {
            let (id, fault) = joined.unwrap_or_else(|error| (error.id(), Some(cut_off(&error))));
            let name = self.names.remove(&id);
            report.faults.extend(fault.map(|kind| TaskFault {
                task: name.expect("every task was named when it started"),
                kind,
            }));
        }
        report.late = self.names.into_values().collect();
        report.late.sort();
        for task in &report.late {
            tracing::warn!(task, ?deadline, "task did not end in time");
        }
        report
    }
}

async fn watch<F, E>(
    name: String,
    task: F,
    process: ShutdownToken,
    stage: ShutdownToken,
) -> Option<TaskFaultKind>
where
    F: Future<Output = Result<(), E>>,
    E: fmt::Display,
{
    // What a panicking task leaves behind is seen by nobody: the process stops.
    let kind = match AssertUnwindSafe(task).catch_unwind().await {
        Ok(Ok(())) if stage.is_cancelled() => return None,
        Ok(Ok(())) => TaskFaultKind::EndedUnasked,
        Ok(Err(error)) => TaskFaultKind::Failed(error.to_string()),
        Err(payload) => TaskFaultKind::Panicked(panic_text(&*payload).to_owned()),
    };
    let fault = TaskFault { task: name, kind };
    tracing::error!(%fault, "task fault, stopping");
    process.trigger();
    Some(fault.kind)
}

/// Panics are caught inside of the task, so a join fails only if its runtime went away under it.
fn cut_off(error: &JoinError) -> TaskFaultKind {
    TaskFaultKind::Failed(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::{JoinReport, TaskFault, TaskFaultKind, TaskGroup};
    use crate::shutdown::ShutdownToken;
    use std::future::pending;
    use std::time::Duration;

    const DEADLINE: Duration = Duration::from_secs(10);

    fn fault(task: &str, kind: TaskFaultKind) -> JoinReport {
        JoinReport { faults: vec![TaskFault { task: task.to_owned(), kind }], late: vec![] }
    }

    /// A group with one task that does as it is told.
    fn group() -> TaskGroup {
        let mut group = TaskGroup::new(ShutdownToken::new());
        let token = group.token().clone();
        group.spawn("obedient", async move { token.cancelled().await });
        group
    }

    #[tokio::test(start_paused = true)]
    async fn tasks_that_end_when_asked_make_a_clean_report() {
        let mut group = group();
        let token = group.token().clone();
        let own = token.clone();
        group.spawn_fallible("fallible", async move {
            own.cancelled().await;
            Ok::<(), String>(())
        });
        token.trigger();
        assert!(group.join_all(DEADLINE).await.is_clean());
    }

    #[tokio::test(start_paused = true)]
    async fn a_task_that_ends_unasked_stops_the_others() {
        let mut group = group();
        group.spawn("hasty", async {});
        let report = group.join_all(DEADLINE).await;
        assert_eq!(report, fault("hasty", TaskFaultKind::EndedUnasked));
        assert_eq!(report.faults[0].to_string(), "hasty ended unasked");
    }

    #[tokio::test(start_paused = true)]
    async fn a_task_that_panics_stops_the_others_before_anybody_joins() {
        let mut group = group();
        let token = group.token().clone();
        group.spawn("clumsy", async { panic!("dropped it") });
        token.cancelled().await;
        let report = group.join_all(DEADLINE).await;
        assert_eq!(report, fault("clumsy", TaskFaultKind::Panicked("dropped it".to_owned())));
    }

    #[tokio::test(start_paused = true)]
    async fn a_task_that_fails_while_it_stops_is_a_fault_too() {
        let mut group = group();
        let token = group.token().clone();
        let own = token.clone();
        group.spawn_fallible("flusher", async move {
            own.cancelled().await;
            Err("disk full")
        });
        token.trigger();
        let report = group.join_all(DEADLINE).await;
        assert_eq!(report, fault("flusher", TaskFaultKind::Failed("disk full".to_owned())));
    }

    #[tokio::test(start_paused = true)]
    async fn tasks_that_do_not_end_in_time_are_named() {
        let mut group = group();
        group.spawn("stuck", pending());
        group.spawn("deaf", pending());
        group.token().trigger();
        let report = group.join_all(DEADLINE).await;
        assert_eq!(report.faults, []);
        assert_eq!(report.late, ["deaf", "stuck"]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_stage_goes_on_until_its_own_turn_comes() {
        let (process, stage) = (ShutdownToken::new(), ShutdownToken::new());
        let mut group = TaskGroup::staged(process.clone(), stage.clone());
        let own = stage.clone();
        group.spawn("drain", async move { own.cancelled().await });
        process.trigger();
        tokio::task::yield_now().await;
        assert!(!stage.is_cancelled());
        stage.trigger();
        assert!(group.join_all(DEADLINE).await.is_clean());
    }

    #[tokio::test(start_paused = true)]
    async fn a_fault_in_a_stage_stops_the_process_and_not_the_stage() {
        let (process, stage) = (ShutdownToken::new(), ShutdownToken::new());
        let mut group = TaskGroup::staged(process.clone(), stage.clone());
        group.spawn("hasty", async {});
        process.cancelled().await;
        assert!(!stage.is_cancelled());
        let report = group.join_all(DEADLINE).await;
        assert_eq!(report, fault("hasty", TaskFaultKind::EndedUnasked));
    }
}
