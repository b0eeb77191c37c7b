//! A good request for every operation of the document, and what it needs to exist.

use std::time::Duration;

use gateway::signature;
use platform::clock::{Clock, SystemClock};
use schemas::http::{CommandAnswer, Deal, Order};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::client::Ask;
use crate::world::{WEBHOOK_SECRET, World, deal_body};

/// What the requests are about.
pub(crate) struct Stage {
    pub(crate) deal: Deal,
    pub(crate) order: Order,
    pub(crate) command_id: Uuid,
    pub(crate) shopper: String,
    pub(crate) admin: String,
}

impl Stage {
    /// An open deal, a held order, and a command about them.
    pub(crate) async fn build(world: &World) -> Self {
        let change = json!({ "stock": 1_000, "limit_per_customer": 100 });
        let deal = world.announce("lamp", change).await;
        let (shopper, admin) = (world.shopper(), world.admin());
        let ask = world.buy(&shopper, "first", &deal).query("wait=20");
        let order: Order = ask.send(world.address).await.expect(200);
        let cancel = Ask::post(format!("/v1/orders/{}/cancellation", Uuid::nil())).token(&shopper);
        assert_eq!(cancel.send(world.address).await.status.as_u16(), 404);
        let resume = Ask::post(format!("/v1/admin/deals/{}/resume", deal.deal_id)).token(&admin);
        let command: CommandAnswer = resume.send(world.address).await.expect(202);
        Self { deal, order, command_id: command.command_id, shopper, admin }
    }

    /// A good request for the operation.
    pub(crate) fn ask(&self, method: &str, template: &str) -> Ask {
        let path = template
            .replace("{order_id}", &self.order.order_id.to_string())
            .replace("{command_id}", &self.command_id.to_string())
            .replace("{deal_id}", &self.deal.deal_id.to_string())
            .replace("{product_id}", "vase")
            .replace("{deal_key}", "first");
        let ask = Ask::new(method, path);
        let ask = match template {
            _ if template.starts_with("/v1/admin") => ask.token(&self.admin),
            "/v1/commands/{command_id}" => ask.token(&self.admin),
            _ if template.starts_with("/v1/orders") => ask.token(&self.shopper),
            "/v1/purchases" | "/demo/payments" => ask.token(&self.shopper),
            _ => ask,
        };
        match self.body(template) {
            Some(body) if template == "/v1/webhooks/payments" => signed(ask, &body.to_string()),
            Some(body) => ask.key(&Uuid::new_v4().to_string()).json(&body),
            None => ask,
        }
    }

    fn body(&self, template: &str) -> Option<Value> {
        let order_id = self.order.order_id;
        Some(match template {
            "/v1/purchases" => json!({
                "deal_id": self.deal.deal_id, "quantity": 1, "client_reference": "cart-7",
            }),
            "/v1/admin/products/{product_id}/deals/{deal_key}" => later(),
            "/v1/admin/deals/{deal_id}/stock-adjustments" => {
                json!({ "delta": 1, "reason_code": "recount" })
            }
            "/v1/admin/deals/{deal_id}/schedule" => {
                json!({ "closes_at": self.deal.closes_at_text() })
            }
            "/v1/accounts" => json!({
                "email": format!("{}@x.example", Uuid::new_v4()), "password": "0123456789",
                "name": "Ada",
            }),
            "/v1/sessions" => json!({ "email": "ada@x.example", "password": "0123456789" }),
            "/v1/webhooks/payments" => json!({
                "payment_id": "p-1", "order_id": order_id, "result": "failed",
                "amount": 1_990, "currency": "EUR",
            }),
            "/demo/payments" => json!({ "order_id": order_id, "result": "failed" }),
            _ => return None,
        })
    }
}

/// The closing time as a request writes it.
trait ClosesAt {
    fn closes_at_text(&self) -> String;
}

impl ClosesAt for Deal {
    fn closes_at_text(&self) -> String {
        self.closes_at.plus(Duration::from_secs(1)).to_string()
    }
}

/// A deal that opens later, so that it can be replaced.
pub(crate) fn later() -> Value {
    let mut body = deal_body();
    body["opens_at"] = json!("2100-01-01T00:00:00.000Z");
    body["closes_at"] = json!("2100-01-02T00:00:00.000Z");
    body
}

/// The request with this body, as the provider signs it.
pub(crate) fn signed(ask: Ask, body: &str) -> Ask {
    let now_seconds = SystemClock::new().now_millis() / 1_000;
    let signature = signature::sign(WEBHOOK_SECRET, now_seconds, body.as_bytes());
    let ask = ask.without("timedeal-signature").header("timedeal-signature", signature);
    ask.raw(body.to_owned())
}
