//! What blocks, on a thread of its own: librdkafka's calls, called from async code, and futures,
//! awaited on librdkafka's threads. Must not know what is waited for.

use std::future::Future;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, JoinHandle, Thread};
use std::time::{Duration, Instant};

use rdkafka::error::{KafkaError, KafkaResult};
use tokio::sync::oneshot;

/// Does `work` on a new thread, however long it takes. It is finished even if nobody waits.
///
/// # Errors
/// If the system has no thread left.
pub(super) async fn on_own_thread<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> io::Result<T> {
    let (done, result) = oneshot::channel();
    let answer = move || {
        // Nobody waiting any more is no fault.
        drop(done.send(work()));
    };
    thread::Builder::new().name("kafka-call".to_owned()).spawn(answer)?;
    result.await.map_err(|_| io::Error::other("the thread of a call to Kafka panicked"))
}

/// Ends the process if `work` panics: others wait for what this thread does, and would wait for
/// ever. What was not acknowledged is as safe as after a crash.
pub(super) fn or_abort(name: &'static str, work: impl FnOnce()) {
    if catch_unwind(AssertUnwindSafe(work)).is_err() {
        tracing::error!(
            thread = name,
            "a thread that others wait for panicked: ending the process"
        );
        std::process::abort();
    }
}

/// A thread that works for a log until it is told to end, by whatever it looks at.
#[derive(Debug)]
pub(super) struct OwnThread {
    handle: Mutex<Option<JoinHandle<()>>>,
}

impl OwnThread {
    /// Starts it.
    ///
    /// # Errors
    /// If the system has no thread left.
    pub(super) fn start(
        name: &'static str,
        work: impl FnOnce() + Send + 'static,
    ) -> KafkaResult<Self> {
        let work = move || or_abort(name, work);
        let handle = thread::Builder::new().name(name.to_owned()).spawn(work);
        let no_thread = |error| KafkaError::ClientCreation(format!("no thread: {error}"));
        Ok(Self { handle: Mutex::new(Some(handle.map_err(no_thread)?)) })
    }

    /// Waits for its end; the caller has told it to. Nothing happens the second time.
    pub(super) fn join(&self) {
        let handle = self.handle.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(handle) = handle {
            handle.join().expect("a thread that panics ends the process");
        }
    }
}

/// The future's output, or nothing if it takes longer than `patience`. Blocks the thread.
pub(super) fn wait_at_most<F: Future>(future: F, patience: Duration) -> Option<F::Output> {
    let mut future = pin!(future);
    let deadline = Instant::now() + patience;
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut context = Context::from_waker(&waker);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return Some(output);
        }
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return None;
        }
        thread::park_timeout(left);
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

#[cfg(test)]
mod tests {
    use std::thread;
    use std::time::Duration;

    use tokio::sync::oneshot;

    use super::wait_at_most;

    #[test]
    fn an_answer_from_another_thread_ends_the_wait() {
        let (done, answer) = oneshot::channel();
        let sender = thread::spawn(move || done.send(7));
        assert_eq!(wait_at_most(answer, Duration::from_secs(60)), Some(Ok(7)));
        sender.join().unwrap().unwrap();
    }

    #[test]
    fn a_wait_ends_without_an_answer() {
        let (_kept, answer) = oneshot::channel::<()>();
        assert_eq!(wait_at_most(answer, Duration::from_millis(1)), None);
    }
}
