//! Who owns what, as a real group coordinator decides it. The sessions are the shortest that a
//! broker allows, six seconds; what has to wait for one to expire is slow.

use std::time::Duration;

use event_log::kafka::LinkError;
use event_log::kafka::membership::{Membership, MembershipFault, MembershipOptions};
use event_log::{Assignment, Assignments};
use futures_util::FutureExt;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::{Offset, TopicPartitionList};
use tokio::sync::oneshot;
use tokio::time::timeout;

use crate::shop::{PATIENCE, Shop, eventually};

struct Worker {
    membership: Membership,
    assignments: Assignments,
}

impl Worker {
    async fn join(shop: &Shop, name: Option<&str>) -> Self {
        Self::join_as(shop, options(shop, name)).await
    }

    async fn join_as(shop: &Shop, options: MembershipOptions) -> Self {
        let joined = Membership::join(&shop.connection, options).await;
        let (membership, assignments) = joined.unwrap();
        Self { membership, assignments }
    }

    async fn next(&mut self) -> Option<Assignment> {
        timeout(PATIENCE, self.assignments.next()).await.expect("a change of the assignment")
    }

    async fn assigned(&mut self) -> Vec<u16> {
        match self.next().await {
            Some(Assignment::Assigned(mut partitions)) => {
                partitions.sort_unstable();
                partitions
            }
            other => panic!("{other:?}"),
        }
    }

    async fn revoked(&mut self) -> (Vec<u16>, oneshot::Sender<()>) {
        match self.next().await {
            Some(Assignment::Revoked { partitions, done }) => (partitions, done),
            other => panic!("{other:?}"),
        }
    }

    async fn leave(self) -> Result<(), MembershipFault> {
        let Self { membership, assignments } = self;
        drop(assignments);
        membership.leave().await
    }
}

fn options(shop: &Shop, name: Option<&str>) -> MembershipOptions {
    let group = format!("{}.workers", shop.connection.url.prefix);
    MembershipOptions::new(group, name.map(str::to_owned))
}

/// The first has all; the second comes; each has its half.
async fn two_workers(shop: &Shop, names: [Option<&str>; 2]) -> [Worker; 2] {
    let mut first = Worker::join(shop, names[0]).await;
    assert_eq!(first.assigned().await, [0, 1, 2, 3]);
    let mut second = Worker::join(shop, names[1]).await;
    let (partitions, done) = first.revoked().await;
    assert_eq!(partitions, [0, 1, 2, 3]);
    done.send(()).unwrap();
    let (of_first, of_second) = (first.assigned().await, second.assigned().await);
    assert_eq!((of_first.len(), of_second.len()), (2, 2));
    let mut both = [of_first, of_second].concat();
    both.sort_unstable();
    assert_eq!(both, [0, 1, 2, 3]);
    [first, second]
}

#[tokio::test]
async fn workers_share_the_partitions_and_one_without_a_name_gives_them_back_at_once() {
    let shop = Shop::with_topics("share", 4).await;
    let [mut first, second] = two_workers(&shop, [None, None]).await;
    let Worker { membership, mut assignments } = second;
    let leaving = tokio::spawn(membership.leave());
    let change = timeout(PATIENCE, assignments.next()).await.unwrap();
    let Some(Assignment::Revoked { partitions, done }) = change else { panic!("{change:?}") };
    assert_eq!(partitions.len(), 2, "who leaves may finish what is in hand");
    done.send(()).unwrap();
    leaving.await.unwrap().unwrap();
    assert!(timeout(PATIENCE, assignments.next()).await.unwrap().is_none());
    first.revoked().await.1.send(()).unwrap();
    assert_eq!(first.assigned().await, [0, 1, 2, 3]);
    first.leave().await.unwrap();
}

#[tokio::test]
async fn a_named_worker_may_restart_unnoticed_and_is_replaced_when_it_stays_away() {
    let shop = Shop::with_topics("named", 4).await;
    let [mut first, second] = two_workers(&shop, [Some("a"), Some("b")]).await;
    second.leave().await.unwrap();
    let mut second = Worker::join(&shop, Some("b")).await;
    assert_eq!(second.assigned().await.len(), 2);
    assert!(first.assignments.next().now_or_never().is_none(), "nobody else heard of it");
    // Longer than its session, were it not alive.
    // tidy: allow sleep, because the session of the broker is what is tested
    tokio::time::sleep(Duration::from_secs(7)).await;
    assert!(first.assignments.next().now_or_never().is_none(), "nor later");
    second.leave().await.unwrap();
    first.revoked().await.1.send(()).unwrap();
    assert_eq!(first.assigned().await, [0, 1, 2, 3]);
    first.leave().await.unwrap();
}

#[tokio::test]
async fn a_revoke_waits_until_the_worker_is_done() {
    let shop = Shop::with_topics("waits", 4).await;
    let mut first = Worker::join(&shop, None).await;
    assert_eq!(first.assigned().await, [0, 1, 2, 3]);
    let mut second = Worker::join(&shop, None).await;
    let (_, done) = first.revoked().await;
    let early = timeout(Duration::from_secs(2), second.assignments.next()).await;
    assert!(early.is_err(), "the first is not done: {early:?}");
    done.send(()).unwrap();
    assert_eq!(second.assigned().await.len(), 2);
    assert_eq!(first.assigned().await.len(), 2);
}

#[tokio::test]
async fn a_worker_that_does_not_answer_loses_its_partitions_anyway() {
    let shop = Shop::with_topics("late", 4).await;
    let hurried =
        MembershipOptions { drain_timeout: Duration::from_secs(1), ..options(&shop, None) };
    let mut first = Worker::join_as(&shop, hurried).await;
    assert_eq!(first.assigned().await, [0, 1, 2, 3]);
    let mut second = Worker::join(&shop, None).await;
    let (_, done) = first.revoked().await;
    assert_eq!(second.assigned().await.len(), 2, "although the first never answered");
    assert_eq!(first.assigned().await.len(), 2);
    assert!(done.send(()).is_err(), "nobody waits any more");
}

#[tokio::test]
async fn the_older_of_two_with_one_name_is_told_why_it_ends() {
    let shop = Shop::with_topics("fenced", 4).await;
    let mut older = Worker::join(&shop, Some("same")).await;
    assert_eq!(older.assigned().await, [0, 1, 2, 3]);
    assert!(older.membership.fault().is_none());
    let mut newer = Worker::join(&shop, Some("same")).await;
    assert_eq!(newer.assigned().await, [0, 1, 2, 3]);
    match older.next().await {
        Some(Assignment::Lost(partitions)) => assert_eq!(partitions, [0, 1, 2, 3]),
        other => panic!("{other:?}"),
    }
    assert!(older.next().await.is_none());
    let fault = older.membership.fault().expect("known as soon as the assignments have ended");
    assert!(
        matches!(&fault, MembershipFault::Fenced { instance_id, .. } if instance_id == "same"),
        "{fault:?}"
    );
    assert!(older.leave().await.is_err());
    assert!(newer.assignments.next().now_or_never().is_none());
    newer.leave().await.unwrap();
}

#[tokio::test]
async fn positions_are_told_while_it_works_and_when_it_leaves() {
    let shop = Shop::with_topics("positions", 4).await;
    let often =
        MembershipOptions { commit_interval: Duration::from_millis(100), ..options(&shop, None) };
    let group = often.group_id.clone();
    let mut worker = Worker::join_as(&shop, often).await;
    assert_eq!(worker.assigned().await, [0, 1, 2, 3]);
    worker.membership.commit(1, 5);
    worker.membership.commit(1, 7);
    worker.membership.commit(3, 2);
    let ask = async || committed(&shop, &group);
    eventually([None, Some(7), None, Some(2)], ask).await;
    worker.membership.commit(0, 9);
    worker.leave().await.unwrap();
    eventually([Some(9), Some(7), None, Some(2)], ask).await;
}

#[tokio::test]
async fn positions_of_partitions_that_somebody_else_has_are_not_told() {
    let shop = Shop::with_topics("others", 4).await;
    let [first, second] = two_workers(&shop, [None, None]).await;
    for partition in 0..4 {
        first.membership.commit(partition, 3);
    }
    let told = committed_by(&shop, first).await;
    assert_eq!(told.iter().flatten().count(), 2, "{told:?}");
    second.leave().await.unwrap();
}

async fn committed_by(shop: &Shop, worker: Worker) -> [Option<i64>; 4] {
    let group = options(shop, None).group_id;
    worker.leave().await.unwrap();
    eventually(true, async || committed(shop, &group).iter().any(Option::is_some)).await;
    committed(shop, &group)
}

fn committed(shop: &Shop, group: &str) -> [Option<i64>; 4] {
    let mut config = shop.client_config();
    let observer: BaseConsumer = config.set("group.id", group).create().unwrap();
    let mut asked = TopicPartitionList::new();
    asked.add_partition_range(&shop.connection.topic("commands"), 0, 3);
    let told = observer.committed_offsets(asked, PATIENCE).unwrap();
    let offsets: Vec<_> = told.elements().iter().map(|it| it.offset()).collect();
    let offset = |index: usize| {
        if let Offset::Offset(offset) = offsets[index] { Some(offset) } else { None }
    };
    [offset(0), offset(1), offset(2), offset(3)]
}

#[tokio::test]
async fn a_worker_that_is_gone_leaves_the_group() {
    let shop = Shop::with_topics("gone", 4).await;
    let [mut first, second] = two_workers(&shop, [None, None]).await;
    let Worker { membership: _kept, assignments } = second;
    drop(assignments);
    first.revoked().await.1.send(()).unwrap();
    assert_eq!(first.assigned().await, [0, 1, 2, 3]);
}

#[tokio::test]
async fn without_a_broker_nobody_joins() {
    let shop = Shop::new("nobody");
    let mut connection = shop.connection.clone();
    connection.url.brokers = "127.0.0.1:1".to_owned();
    let joined = Membership::join(&connection, options(&shop, None)).await;
    let error = joined.map(|_| ()).unwrap_err();
    let LinkError::Unreachable { brokers, reason } = error else { panic!("{error:?}") };
    assert_eq!(brokers, "127.0.0.1:1");
    assert!(reason.contains("refused"), "{reason}");
}
