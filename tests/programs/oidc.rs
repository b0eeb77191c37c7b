//! An OIDC issuer by the command line: customers of its tokens buy, beside those of local keys.

use jsonwebtoken::Algorithm;
use serde_json::json;
use tempfile::TempDir;

use crate::http::Ask;
use crate::issuer::{ALGORITHMS, Issuer};
use crate::program::{Program, clean_command, run};
use crate::selling::{announce, purchase, token};
use crate::shop::{KEYS, Shop};

#[test]
fn a_gateway_takes_tokens_of_the_issuer_that_its_flags_name() {
    let (shop, issuer) = (Shop::open("oidc"), Issuer::start(true));
    let mut worker = shop.start("order-worker");
    let mut gateway = shop.command("gateway");
    gateway.args(["--oidc-issuer", &issuer.url(), "--oidc-audience", "flash-sale"]);
    let mut gateway = Program::start(&mut gateway);
    worker.until_ready();
    gateway.until_ready();
    gateway.line("took the issuer's keys");
    let public = gateway.public();
    let deal = announce(public, &shop.token("admin"));

    for algorithm in ALGORITHMS {
        let customer = issuer.token(algorithm, &format!("customer-{algorithm:?}"), "flash-sale");
        let body = json!({ "deal_id": deal, "quantity": 1 });
        let ask = Ask::new("POST /v1/purchases").token(&customer).header("Idempotency-Key", "k");
        let order = ask.json(&body).send(public).json(202);
        let id = order["order_id"].as_str().unwrap();
        let look = Ask::new(format!("GET /v1/orders/{id}?wait=30"));
        let found = look.clone().token(&customer).send(public).json(200);
        assert_eq!(found["status"], "confirmed");
        // Whoever it is, it is nobody else.
        let other = issuer.token(algorithm, "somebody-else", "flash-sale");
        look.token(&other).send(public).json(404);
        let foreign = issuer.token(algorithm, "customer", "another-shop");
        let refused = Ask::new("GET /v1/orders").token(&foreign).send(public).json(401);
        assert_eq!(refused["code"], "unauthenticated");
        let admin = Ask::new(format!("POST /v1/admin/deals/{}/pause", deal.as_str().unwrap()));
        let admin = admin.token(&customer).header("Idempotency-Key", "k");
        assert_eq!(admin.send(public).json(403)["code"], "forbidden");
    }
    // Those of local keys are good beside them.
    purchase(&shop.token("shop"), "k", &deal).send(public).json(200);
    for program in [&mut gateway, &mut worker] {
        program.terminate();
        assert_eq!(program.end(), Some(0));
    }
}

/// `timedeal serve` on one machine, told by variables of an issuer and where its keys are.
fn serve(folder: &TempDir, issuer: &Issuer, keys_url: &str) -> Program {
    let mut command = clean_command("timedeal");
    command
        .arg("serve")
        .env("TIMEDEAL_DATA_DIR", folder.path())
        .env("TIMEDEAL_LISTEN", "127.0.0.1:0")
        .env("TIMEDEAL_OPS_LISTEN", "127.0.0.1:0")
        .env("TIMEDEAL_LOG_FORMAT", "json")
        .env("TIMEDEAL_OIDC_ISSUER", issuer.url())
        .env("TIMEDEAL_OIDC_JWKS_URL", keys_url);
    let mut service = Program::start(&mut command);
    service.until_ready();
    service
}

#[test]
fn a_token_of_which_nothing_can_be_said_because_its_issuer_is_away_may_come_again() {
    let (issuer, folder) = (Issuer::start(false), TempDir::new().unwrap());
    let nowhere = format!("{}/nowhere", issuer.url());
    let mut service = serve(&folder, &issuer, &nowhere);
    service.line("the issuer's keys cannot be had");
    let customer = issuer.token(Algorithm::ES256, "customer", "timedeal");
    let answer = Ask::new("GET /v1/orders").token(&customer).send(service.public());
    let problem = answer.json(503);
    assert_eq!((&problem["code"], &problem["retryable"]), (&json!("not-ready"), &json!(true)));
    assert!(answer.header("Retry-After").is_some_and(|it| it.parse::<u32>().is_ok()));
    // Others are served meanwhile.
    let own = token(folder.path(), "shop");
    Ask::new("GET /v1/orders").token(&own).send(service.public()).json(200);
}

#[test]
fn variables_name_an_issuer_and_its_keys_too() {
    let (issuer, folder) = (Issuer::start(false), TempDir::new().unwrap());
    let mut service = serve(&folder, &issuer, &issuer.keys_url());
    service.line("took the issuer's keys");
    let public = service.public();
    let deal = announce(public, &token(folder.path(), "admin"));
    let customer = issuer.token(Algorithm::RS256, "customer", "timedeal");
    let order = purchase(&customer, "k", &deal).send(public).json(200);
    assert_eq!(order["status"], "confirmed");
}

#[test]
fn an_issuer_that_cannot_be_meant_is_refused_at_the_start() {
    let folder = TempDir::new().unwrap();
    let mut keys = clean_command("timedeal");
    keys.args(["keys", "create", "--data-dir"]).arg(folder.path());
    assert_eq!(run(keys).1, Some(0));
    let check = |flags: &[&str], expect: &str| {
        let mut command = clean_command("gateway");
        command.args(flags).args(["--ops-listen", "127.0.0.1:0"]);
        for (variable, file) in KEYS {
            let path = folder.path().join("keys").join(file);
            command.env(variable, format!("file:{}", path.display()));
        }
        let (said, code) = run(command);
        assert_eq!(code, Some(1), "{said}");
        assert!(said.contains(expect), "{said}");
    };
    check(&["--oidc-issuer", "http://id.example"], "--oidc-issuer: the URL cannot be used");
    check(&["--oidc-issuer", "https://id.example", "--oidc-audience", ""], "--oidc-issuer: ");
    let jwks = "http://127.0.0.1:1/keys";
    check(
        &["--oidc-issuer", "https://id.example", "--oidc-jwks-url", jwks],
        "--oidc-jwks-url: the URL cannot be used",
    );
}
