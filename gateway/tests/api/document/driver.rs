//! Sends requests for operations of the document, holds both ways against it, and remembers what
//! was driven.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use http_body_util::BodyExt;
use serde_json::{Value, json};

use crate::client::{Ask, Told};
use crate::samples::Stage;
use crate::world::World;

/// Headers that an answer may only have if the document says so.
const TOLD_HEADERS: [&str; 6] =
    ["ETag", "Location", "Content-Location", "Retry-After", "Timedeal-Seen", "WWW-Authenticate"];

pub(crate) struct Driver {
    document: Value,
    driven: BTreeSet<(String, u16)>,
}

impl Driver {
    pub(crate) async fn new(world: &World) -> Self {
        let document = Ask::get("/openapi.json").send(world.address).await.expect(200);
        Self { document, driven: BTreeSet::new() }
    }

    /// All operations, as `METHOD /path/{with}/names`.
    pub(crate) fn operations(&self) -> Vec<String> {
        let mut operations = Vec::new();
        for (path, item) in self.document["paths"].as_object().unwrap() {
            for method in item.as_object().unwrap().keys() {
                operations.push(format!("{} {path}", method.to_uppercase()));
            }
        }
        operations
    }

    fn described(&self, operation: &str) -> &Value {
        let (method, path) = operation.split_once(' ').unwrap();
        &self.document["paths"][path][method.to_lowercase()]
    }

    fn statuses(&self, operation: &str) -> impl Iterator<Item = u16> {
        let responses = self.described(operation)["responses"].as_object().unwrap();
        responses.keys().map(|status| status.parse().unwrap())
    }

    pub(crate) fn lists(&self, operation: &str, status: u16) -> bool {
        self.statuses(operation).any(|listed| listed == status)
    }

    /// The first status that the operation lists: what it usually answers.
    pub(crate) fn first(&self, operation: &str) -> u16 {
        self.statuses(operation).min().unwrap()
    }

    pub(crate) fn has_parameter(&self, operation: &str, name: &str) -> bool {
        let parameters = self.described(operation)["parameters"].as_array().unwrap();
        parameters.iter().any(|parameter| parameter["name"] == name)
    }

    pub(crate) fn needs_token(&self, operation: &str) -> bool {
        !self.described(operation)["security"].as_array().unwrap().is_empty()
    }

    pub(crate) fn takes_body(&self, operation: &str) -> bool {
        self.described(operation).get("requestBody").is_some()
    }

    /// A good request for the operation.
    pub(crate) fn sample(&self, operation: &str, stage: &Stage) -> Ask {
        let (method, path) = operation.split_once(' ').unwrap();
        stage.ask(method, path)
    }

    /// Sends the request, which must be answered with this status, as the document says.
    pub(crate) async fn drive(
        &mut self,
        operation: &str,
        ask: Ask,
        address: SocketAddr,
        status: u16,
    ) -> Told {
        if status < 400 {
            self.check_request(operation, &ask);
        }
        let told = read(ask, address).await;
        assert_eq!(told.status.as_u16(), status, "{operation}: {:?}", told.body);
        self.judge(operation, &told);
        told
    }

    /// Holds an answer against the document.
    pub(crate) fn judge(&mut self, operation: &str, told: &Told) {
        let status = told.status.as_u16();
        let answer = &self.described(operation)["responses"][status.to_string()];
        assert!(answer.is_object(), "{operation} does not list {status}: {:?}", told.body);
        for name in TOLD_HEADERS {
            let is_listed = answer["headers"].get(name).is_some();
            assert!(is_listed || !told.headers.contains_key(name), "{operation} {status}: {name}");
        }
        assert!(told.headers.contains_key("x-request-id"));
        self.check_content(operation, answer, told);
        if status >= 400 {
            let code = told.code();
            let listed = answer["description"].as_str().unwrap();
            assert!(listed.contains(&format!("`{code}`")), "{operation} {status}: {code}");
        }
        self.driven.insert((operation.to_owned(), status));
    }

    fn check_request(&self, operation: &str, ask: &Ask) {
        let content = &self.described(operation)["requestBody"]["content"];
        let Some(schema) = content.get("application/json").map(|content| &content["schema"]) else {
            assert!(ask.body.is_empty(), "{operation}: a body that is not listed");
            return;
        };
        self.check_schema(operation, schema, &serde_json::from_slice(&ask.body).unwrap());
    }

    fn check_content(&self, operation: &str, answer: &Value, told: &Told) {
        let Some(content) = answer.get("content").and_then(Value::as_object) else {
            assert!(told.body.is_empty(), "{operation}: {:?}", told.body);
            return;
        };
        let (media_type, content) = content.iter().next().unwrap();
        assert_eq!(told.header("content-type"), media_type, "{operation}");
        if media_type.ends_with("json") {
            self.check_schema(operation, &content["schema"], &told.json());
        }
    }

    fn check_schema(&self, operation: &str, schema: &Value, instance: &Value) {
        let mut whole = json!({ "components": self.document["components"] });
        for (name, value) in schema.as_object().unwrap() {
            whole[name] = value.clone();
        }
        let validator = jsonschema::validator_for(&whole).unwrap();
        let faults: Vec<String> =
            validator.iter_errors(instance).map(|fault| fault.to_string()).collect();
        assert!(faults.is_empty(), "{operation}: {faults:?} in {instance}");
    }

    /// Everything that the document lists was driven.
    pub(crate) fn expect_all(&self) {
        let mut left = Vec::new();
        for operation in self.operations() {
            for status in self.statuses(&operation) {
                if !self.driven.contains(&(operation.clone(), status)) {
                    left.push(format!("{operation} {status}"));
                }
            }
        }
        assert!(left.is_empty(), "never driven: {left:#?}");
    }
}

/// Reads the whole answer, or of a stream the first piece.
async fn read(ask: Ask, address: SocketAddr) -> Told {
    let (head, mut body) = ask.open(address).await.into_parts();
    let is_stream =
        head.headers.get("content-type").is_some_and(|kind| kind == "text/event-stream");
    let body = if is_stream {
        body.frame().await.unwrap().unwrap().into_data().unwrap()
    } else {
        body.collect().await.unwrap().to_bytes()
    };
    Told { status: head.status, headers: head.headers, body }
}
