//! Two workers of one name: the log's group has a place for one of them. It is the newer's, because
//! a worker that comes back under its name must not wait for what a dead one has left.

use crate::program::Program;
use crate::selling::{announce, purchase};
use crate::shop::Shop;

#[test]
fn of_two_workers_of_one_name_the_older_says_so_and_exits_with_3_and_the_newer_goes_on() {
    let shop = Shop::open("names");
    let worker = || {
        let mut command = shop.command("order-worker");
        command.env("TIMEDEAL_WORKER_NAME", "worker-1");
        Program::start(&mut command)
    };
    let mut gateway = shop.start("gateway");
    let mut older = worker();
    older.until_ready();
    gateway.until_ready();
    let public = gateway.public();
    let deal = announce(public, &shop.token("admin"));

    let mut newer = worker();
    assert_eq!(older.end(), Some(3));
    let said = older.said.join("\n");
    assert!(said.contains("another process has this worker's name, worker-1"), "{said}");
    newer.until_ready();
    let order = purchase(&shop.token("shop"), "k", &deal).send(public).json(200);
    assert_eq!(order["status"], "confirmed");
    newer.terminate();
    assert_eq!(newer.end(), Some(0));
}
