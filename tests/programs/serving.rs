//! `timedeal serve` on a broker and a database: all roles in one process, as on one machine.

use crate::http::Ask;
use crate::program::Program;
use crate::selling::{announce, notice, purchase};
use crate::shop::Shop;

/// The webhook list has one secret; it is made by `keys create`.
fn webhook_secret(shop: &Shop) -> Vec<u8> {
    let file = std::fs::read(shop.key_file("webhook.json")).unwrap();
    platform::secrets::parse_webhook(&file).unwrap()[0].expose().clone()
}

fn serve(shop: &Shop) -> Program {
    let mut command = shop.command("timedeal");
    command.arg("serve").arg("--data-dir").arg(shop.path());
    command.args(["--log-url", &shop.log_url(), "--database-url", &shop.database_url()]);
    command.args(["--worker-name", "alone"]);
    for (variable, _) in crate::shop::KEYS {
        // Those of the data directory, which `keys create` has made.
        command.env_remove(variable);
    }
    let mut service = Program::start(&mut command);
    service.until_ready();
    service
}

#[test]
fn one_process_on_kafka_and_mysql_sells_and_stops_when_it_is_asked_to() {
    let shop = Shop::open("serving");
    let mut service = serve(&shop);
    let public = service.public();
    let deal = announce(public, &shop.token("admin"));
    let customer = shop.token("shop");
    let order = purchase(&customer, "k", &deal).send(public).json(200);
    assert_eq!(order["status"], "confirmed");
    notice(&webhook_secret(&shop), &order).send(public).json(202);
    let rows = "timedeal_projector_rows_total";
    service.until("rows are written", |service| service.metric(rows) > 0.0);
    let list = Ask::new("GET /v1/orders").token(&customer).send(public).json(200);
    assert_eq!(list["items"][0]["order_id"], order["order_id"]);
    service.terminate();
    assert_eq!(service.end(), Some(0), "{}", service.said.join("\n"));

    // What it sold is there for the next one, and for who looks from outside.
    let mut next = serve(&shop);
    let again = purchase(&customer, "k", &deal).send(next.public()).json(200);
    assert_eq!(again["order_id"], order["order_id"]);
    let audit = shop.timedeal(&["audit"]);
    let holds = audit.lines().filter(|line| line.split_whitespace().nth(1) == Some("holds"));
    assert_eq!(holds.count(), 9, "{audit}");
    next.terminate();
    assert_eq!(next.end(), Some(0));
}
