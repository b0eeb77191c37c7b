//! An append under way. Whoever asked for it may go away: what was appended counts all the same,
//! and until the log has said so it keeps its place in the line. Must not know what is appended.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use event_log::{AppendError, Appended, Receipt};
use metrics::Counter;
use tokio::runtime::Handle;

use crate::congestion::Place;

/// Ends when the log has said what became of the append. If it is dropped before, somebody else
/// waits for that.
pub(super) struct UnderWay(Option<Append>);

struct Append {
    receipt: Receipt,
    /// Counts it once it is taken.
    taken: Counter,
    /// For who had to find one.
    place: Option<Place>,
}

impl UnderWay {
    pub(super) fn new(receipt: Receipt, taken: Counter, place: Option<Place>) -> Self {
        Self(Some(Append { receipt, taken, place }))
    }
}

impl Append {
    fn settle(self, is_taken: bool) {
        if is_taken {
            self.taken.increment(1);
            if let Some(place) = self.place {
                place.went_through();
            }
        }
    }
}

impl Future for UnderWay {
    type Output = Result<Vec<Appended>, AppendError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let append = self.0.as_mut().expect("nobody polls it after its end");
        let outcome = ready!(Pin::new(&mut append.receipt).poll(context));
        if let Some(append) = self.0.take() {
            append.settle(outcome.is_ok());
        }
        Poll::Ready(outcome)
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        if let (Some(mut append), Ok(runtime)) = (self.0.take(), Handle::try_current()) {
            runtime.spawn(async move {
                let is_taken = (&mut append.receipt).await.is_ok();
                append.settle(is_taken);
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU64;
    use std::sync::Arc;

    use event_log::{AppendError, Appended, Receipt};
    use futures_util::FutureExt;
    use metrics::Counter;
    use platform::clock::ManualClock;
    use schemas::Timestamp;
    use tokio::sync::oneshot;

    use super::UnderWay;
    use crate::config::GatewayConfig;
    use crate::congestion::Congestion;

    type Answer = oneshot::Sender<Result<Vec<Appended>, AppendError>>;

    /// A line with room for one, who is under way.
    fn one_under_way() -> (Arc<Congestion>, Answer, UnderWay) {
        let purchases_waiting_min = NonZeroU64::MIN;
        let config = GatewayConfig { purchases_waiting_min, ..GatewayConfig::new("gateway") };
        let clock = Arc::new(ManualClock::new(Timestamp::EPOCH.as_millis()));
        let line = Arc::new(Congestion::new(&config, clock));
        let (answer, answered) = oneshot::channel();
        let receipt = Receipt::new(async move { answered.await.expect("the log answers") });
        let under_way = UnderWay::new(receipt, Counter::noop(), line.enter());
        (line, answer, under_way)
    }

    fn refused() -> Result<Vec<Appended>, AppendError> {
        Err(AppendError::Full { log: "commands".into(), partition: 0 })
    }

    #[tokio::test]
    async fn who_goes_away_keeps_its_place_until_the_log_has_answered() {
        for outcome in [Ok(Vec::new()), refused()] {
            let (line, answer, mut under_way) = one_under_way();
            assert!((&mut under_way).now_or_never().is_none());
            drop(under_way);
            tokio::task::yield_now().await;
            assert!(line.enter().is_none());
            answer.send(outcome).unwrap();
            while line.enter().is_none() {
                tokio::task::yield_now().await;
            }
        }
    }

    #[tokio::test]
    async fn who_stays_leaves_with_the_answer() {
        for outcome in [Ok(Vec::new()), refused()] {
            let (line, answer, under_way) = one_under_way();
            let expected = outcome.is_ok();
            answer.send(outcome).unwrap();
            assert_eq!(under_way.await.is_ok(), expected);
            assert!(line.enter().is_some());
        }
    }

    #[test]
    fn without_a_runtime_nobody_waits_for_it() {
        let (line, _answer, under_way) = one_under_way();
        drop(under_way);
        assert!(line.enter().is_some());
    }
}
