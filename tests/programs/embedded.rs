//! `timedeal serve` on nothing but a data directory, and customers of it who do not wait.

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::http::Ask;
use crate::program::{clean_command, run};

/// Tells a service where everything is; it listens wherever there is room.
pub(crate) fn command(data_dir: &Path) -> Command {
    let mut command = clean_command("timedeal");
    configure(&mut command, data_dir);
    command
}

/// The same, as a child of the program that watches it.
pub(crate) fn watched(watcher: &[&str], data_dir: &Path) -> Command {
    let own = clean_command("timedeal");
    let mut command = Command::new(watcher[0]);
    command.args(&watcher[1..]).arg(own.get_program());
    for (name, _) in own.get_envs() {
        command.env_remove(name);
    }
    configure(&mut command, data_dir);
    command
}

fn configure(command: &mut Command, data_dir: &Path) {
    command.args(["serve", "--partitions", "2", "--data-dir"]).arg(data_dir);
    command.args(["--listen", "127.0.0.1:0", "--ops-listen", "127.0.0.1:0"]);
    command.args(["--log-format", "json"]);
}

/// Orders one unit without waiting for the decision. The key is found again in the log, as the
/// customer's own name of the order.
pub(crate) fn order(token: &str, key: &str, deal: &Value) -> Ask {
    let ask = Ask::new("POST /v1/purchases").token(token).header("Idempotency-Key", key);
    ask.json(&json!({ "deal_id": deal, "quantity": 1, "client_reference": key }))
}

/// Asks what became of an order.
pub(crate) fn outcome(token: &str, order: &Value) -> Ask {
    let id = order["order_id"].as_str().unwrap();
    Ask::new(format!("GET /v1/orders/{id}?wait=30")).token(token)
}

/// Every promise holds, and everything was decided.
#[track_caller]
pub(crate) fn check_audit(data_dir: &Path) {
    let mut command = clean_command("timedeal");
    command.args(["audit", "--data-dir"]).arg(data_dir);
    let (said, code) = run(command);
    let holds = said.lines().filter(|line| line.split_whitespace().nth(1) == Some("holds"));
    assert_eq!((holds.count(), code), (9, Some(0)), "{said}");
}
