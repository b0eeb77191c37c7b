//! What the door refuses, as a problem, with the state that it rests on. A crowd is refused for one
//! and the same state, so what was said last is kept as it was written.

use std::sync::Arc;

use arc_swap::ArcSwapOption;
use schemas::Partition;
use schemas::http::ProblemCode;

use super::reply::{SEEN, Seen, visible};
use crate::admission;
use crate::problem::Refusal;

/// The last refusal at the door. Whoever is refused for the same gets the same bytes.
#[derive(Debug, Default)]
pub(crate) struct LastRefusal(ArcSwapOption<Said>);

#[derive(Debug)]
struct Said {
    refused: admission::Refusal,
    partition: Option<Partition>,
    refusal: Refusal,
}

impl LastRefusal {
    /// What is said to whom the door refuses so, for a deal in this partition.
    pub(super) fn say(
        &self,
        log_id: u8,
        partition: Option<Partition>,
        refused: admission::Refusal,
    ) -> Refusal {
        let last = self.0.load();
        let is_same = |said: &&Arc<Said>| said.refused == refused && said.partition == partition;
        if let Some(said) = last.as_ref().filter(is_same) {
            return said.refusal.clone();
        }
        let refusal = write(log_id, partition, &refused);
        self.0.store(Some(Arc::new(Said { refused, partition, refusal: refusal.clone() })));
        refusal
    }
}

fn write(log_id: u8, partition: Option<Partition>, refused: &admission::Refusal) -> Refusal {
    let mut refusal = if refused.code == ProblemCode::OutOfRange {
        let detail = "not from 1 to the deal's limit_per_customer";
        Refusal::field(ProblemCode::OutOfRange, "/quantity", detail)
    } else {
        Refusal::new(refused.code, refused.code.title())
    };
    if let Some(wait) = refused.retry_after {
        refusal = refusal.after(wait);
    }
    if let (Some(partition), Some(decided_next)) = (partition, refused.decided_next) {
        let mut seen = Seen::new(log_id);
        seen.note(partition, decided_next);
        refusal = refusal.with_header(SEEN, visible(seen.to_string()));
    }
    refusal.retryable(refused.retryable).resting_on(refused.as_of).written()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use http::{HeaderMap, header};
    use http_body_util::BodyExt;
    use schemas::Timestamp;
    use schemas::http::{Problem, ProblemCode};

    use super::{LastRefusal, admission};
    use crate::retry::Dice;

    fn said(last: &LastRefusal, refused: admission::Refusal) -> (HeaderMap, Problem) {
        let answer = last.say(3, Some(7), refused).into_response(&Dice::new(1));
        let (head, body) = answer.into_parts();
        let body = futures_executor::block_on(body.collect()).unwrap().to_bytes();
        (head.headers, serde_json::from_slice(&body).unwrap())
    }

    #[test]
    fn each_state_is_told_as_it_is_however_often_and_whatever_came_before() {
        let sold_out = admission::Refusal {
            code: ProblemCode::SoldOut,
            retryable: false,
            retry_after: None,
            as_of: Timestamp::from_millis(5),
            decided_next: Some(9),
        };
        let retry_after = Some(Duration::from_secs(20));
        let states = [
            sold_out,
            admission::Refusal { retryable: true, ..sold_out },
            admission::Refusal { as_of: Timestamp::from_millis(6), ..sold_out },
            admission::Refusal { decided_next: Some(10), ..sold_out },
            admission::Refusal { code: ProblemCode::DealNotOpen, retry_after, ..sold_out },
            admission::Refusal { code: ProblemCode::OutOfRange, ..sold_out },
        ];
        let last = LastRefusal::default();
        for refused in states.into_iter().chain(states).flat_map(|state| [state, state]) {
            let (headers, problem) = said(&last, refused);
            let told = (problem.code, problem.retryable, problem.as_of);
            assert_eq!(told, (refused.code, refused.retryable, Some(refused.as_of)));
            let seen = format!("3.7:{}", refused.decided_next.unwrap());
            assert_eq!(headers["timedeal-seen"], seen.as_str());
            let retry_after = headers.get(header::RETRY_AFTER).map(|it| it.to_str().unwrap());
            let seconds: Option<u64> = retry_after.map(|it| it.parse().unwrap());
            assert_eq!(seconds.is_some(), refused.retry_after.is_some());
            assert!(seconds.is_none_or(|it| (16..=24).contains(&it)));
            let pointers = problem.errors.map(|faults| faults[0].pointer.clone());
            assert_eq!(pointers.is_some(), refused.code == ProblemCode::OutOfRange);
        }
    }
}
