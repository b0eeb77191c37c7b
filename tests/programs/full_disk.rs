//! A service whose disk is full: it acknowledges nothing that it cannot keep, says so, goes on
//! reading, and sells again when there is room, without a restart.

#![allow(clippy::print_stdout, reason = "says what was not tried")]

use serde_json::Value;
use test_servers::SmallDisk;

use crate::embedded::{check_audit, command, order, outcome};
use crate::http::{Answer, Ask};
use crate::program::{Program, run};
use crate::selling::{announce, purchase, token};

const DISK_MEGABYTES: u32 = 24;
/// Room for some purchases and their decisions, in bytes.
const ROOM: u64 = 400_000;
/// Refusals in a row until the disk counts as full, and purchases until then.
const REFUSALS: usize = 20;
const PURCHASES_MAX: usize = 2_000;

/// A customer who orders again and again, and what came of it.
struct Customer {
    token: String,
    deal: Value,
    taken: Vec<Value>,
    refused: Vec<String>,
}

impl Customer {
    /// Orders until the disk is full. Whatever is not taken is refused as not written.
    fn order_until_full(&mut self, service: &mut Program) {
        let mut in_a_row = 0;
        for number in 0..PURCHASES_MAX {
            let key = format!("order-{}-{number}", self.refused.len());
            let answer = patiently(service, &order(&self.token, &key, &self.deal));
            if answer.status == 202 {
                self.taken.push(answer.json(202));
                in_a_row = 0;
                continue;
            }
            assert_eq!(answer.json(503)["code"], "log-unavailable");
            self.refused.push(key);
            in_a_row += 1;
            if in_a_row == REFUSALS {
                return;
            }
        }
        panic!("the disk does not get full");
    }

    /// Everything that was taken is confirmed in the end, and what was refused can be had.
    fn check(&self, service: &mut Program) {
        for order in &self.taken {
            until_confirmed(service, &outcome(&self.token, order));
        }
        for key in &self.refused {
            until_confirmed(service, &order(&self.token, key, &self.deal));
        }
    }
}

/// Asks again as often as the rate of one customer does not let it pass.
fn patiently(service: &mut Program, ask: &Ask) -> Answer {
    let gateway = service.public();
    let mut answer = ask.send(gateway);
    service.until("the rate lets it pass", |_| {
        if answer.status == 429 {
            answer = ask.send(gateway);
        }
        answer.status != 429
    });
    answer
}

/// The same request leads to the same order.
fn until_confirmed(service: &mut Program, ask: &Ask) {
    let gateway = service.public();
    service.until("it is confirmed", |_| {
        let answer = ask.send(gateway);
        let order: Value = serde_json::from_str(&answer.body).unwrap_or_default();
        answer.status == 200 && order["status"] == "confirmed"
    });
}

#[test]
fn a_service_on_a_full_disk_refuses_reads_on_and_goes_on_by_itself() {
    let Some(disk) = SmallDisk::mount(DISK_MEGABYTES).unwrap() else {
        println!("not tried: a small disk can be mounted by root alone");
        return;
    };
    let data = disk.path().join("data");
    let mut service = Program::start(&mut command(&data));
    service.until_ready();
    let gateway = service.public();
    let deal = announce(gateway, &token(&data, "admin"));
    let token = token(&data, "shop");
    let first = purchase(&token, "first", &deal).send(gateway).json(200);
    let mut customer = Customer { token, deal, taken: vec![first], refused: Vec::new() };
    for _ in 0..2 {
        disk.fill_but(ROOM).unwrap();
        customer.order_until_full(&mut service);
        // Reads go on: the status view knows the first order, and the page the deal.
        until_confirmed(&mut service, &outcome(&customer.token, &customer.taken[0]));
        Ask::new("GET /v1/deals").send(gateway).json(200);
        disk.empty().unwrap();
        customer.check(&mut service);
    }
    assert!(customer.taken.len() > 5 && customer.refused.len() >= 2 * REFUSALS);
    // Also who stops, and who starts, on a full disk.
    disk.fill_but(0).unwrap();
    service.terminate();
    assert_eq!(service.end(), Some(0), "{}", service.said.join("\n"));
    let (said, code) = run(command(&data));
    let says_why = ["disk is full", "No space left"].iter().any(|it| said.contains(it));
    assert!(code.is_some_and(|code| code != 0) && says_why, "{code:?}: {said}");
    disk.empty().unwrap();
    let mut next = Program::start(&mut command(&data));
    next.until_ready();
    customer.check(&mut next);
    next.terminate();
    assert_eq!(next.end(), Some(0));
    check_audit(&data);
}
