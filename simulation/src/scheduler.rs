//! Tasks of all machines in one thread. The caller says which of those that are ready goes on.
//! Must not know what a task is.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Wake, Waker};

use crate::faults::Site;
use crate::universe::Task;

/// Whether a task has something to do.
struct Ready(AtomicBool);

impl Wake for Ready {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

struct Running {
    site: Site,
    number: u64,
    ready: Arc<Ready>,
    waker: Waker,
    task: Task,
}

/// All tasks.
#[derive(Default)]
pub(crate) struct Scheduler {
    running: Vec<Running>,
    started: u64,
}

impl Scheduler {
    pub(crate) fn start(&mut self, site: Site, task: Task) {
        self.started += 1;
        let ready = Arc::new(Ready(AtomicBool::new(true)));
        let waker = Waker::from(Arc::clone(&ready));
        self.running.push(Running { site, number: self.started, ready, waker, task });
    }

    /// Ends all tasks of a machine, as if the power went.
    pub(crate) fn end(&mut self, site: Site) {
        self.running.retain(|running| running.site != site);
    }

    /// Where those stand that are ready and whose machine may go on.
    pub(crate) fn ready(&self, may_go_on: impl Fn(Site) -> bool) -> Vec<usize> {
        let is_ready =
            |running: &Running| running.ready.0.load(Ordering::Relaxed) && may_go_on(running.site);
        let all = self.running.iter().enumerate();
        all.filter(|(_, running)| is_ready(running)).map(|(index, _)| index).collect()
    }

    /// Whose the task is that stands there.
    pub(crate) fn site(&self, index: usize) -> Site {
        self.running[index].site
    }

    /// Lets one go on until it waits; tells whose it is, and its number.
    pub(crate) fn poll(&mut self, index: usize) -> (Site, u64) {
        let running = &mut self.running[index];
        running.ready.0.store(false, Ordering::Relaxed);
        let (site, number) = (running.site, running.number);
        let mut context = Context::from_waker(&running.waker);
        if running.task.as_mut().poll(&mut context).is_ready() {
            // The order of the others stays, so that a run repeats.
            drop(self.running.remove(index));
        }
        (site, number)
    }

    /// Lets go of all tasks without ending them.
    pub(crate) fn forget(self) {
        std::mem::forget(self.running);
    }

    /// How many tasks of these machines are left.
    pub(crate) fn count(&self, is_meant: impl Fn(Site) -> bool) -> usize {
        self.running.iter().filter(|running| is_meant(running.site)).count()
    }
}
