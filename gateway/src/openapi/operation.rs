//! How one operation is described: a small builder, so that what all calls share is said once.

use std::collections::BTreeMap;

use schemars::{JsonSchema, SchemaGenerator};
use schemas::http::{Problem, ProblemCode};
use serde_json::{Map, Value, json};

/// One operation on its way into the document.
pub(super) struct Operation {
    pub(super) method: &'static str,
    pub(super) path: &'static str,
    id: &'static str,
    summary: &'static str,
    tag: &'static str,
    scopes: Option<&'static [&'static str]>,
    parameters: Vec<Value>,
    body: Option<Value>,
    answers: BTreeMap<u16, Value>,
    problems: BTreeMap<u16, Vec<ProblemCode>>,
    problem: Value,
    has_door: bool,
}

/// What an answer has beside its body.
#[derive(Clone, Copy)]
pub(super) struct Header(pub(super) &'static str, pub(super) &'static str);

pub(super) const SEEN: Header =
    Header("Timedeal-Seen", "What the answer shows: `log_id.partition:decided_next`, …");
pub(super) const ETAG: Header = Header("ETag", "Weak; leaves the place in the queue out.");
pub(super) const LOCATION: Header = Header("Location", "Where to ask for it.");
pub(super) const CONTENT_LOCATION: Header =
    Header("Content-Location", "The first order's address, if this is a repeat.");
const REQUEST_ID: Header = Header("X-Request-Id", "The client's own, or one of ours.");
const AUTHENTICATE: Header = Header("WWW-Authenticate", "What is wanted.");
pub(super) const RETRY_AFTER: Header = Header("Retry-After", "Seconds, 1 to 30.");

impl Operation {
    /// An operation of `tag`: method and path as in `GET /v1/deals`, then its id and summary.
    pub(super) fn new(
        generator: &mut SchemaGenerator,
        tag: &'static str,
        (method, path): (&'static str, &'static str),
        (id, summary): (&'static str, &'static str),
    ) -> Self {
        let problem = generator.subschema_for::<Problem>().to_value();
        let mut operation = Self {
            method,
            path,
            id,
            summary,
            tag,
            scopes: None,
            parameters: Vec::new(),
            body: None,
            answers: BTreeMap::new(),
            problems: BTreeMap::new(),
            problem,
            has_door: false,
        };
        for name in path.split('/').filter_map(|segment| segment.strip_prefix('{')) {
            let name = name.trim_end_matches('}');
            operation.parameters.push(json!({
                "name": name, "in": "path", "required": true, "schema": path_schema(name),
            }));
        }
        operation
    }

    /// Needs a token with one of these scopes, and is counted per customer.
    pub(super) fn for_scopes(mut self, scopes: &'static [&'static str]) -> Self {
        self.scopes = Some(scopes);
        self.problems(&[
            ProblemCode::Unauthenticated,
            ProblemCode::Forbidden,
            ProblemCode::RateLimited,
            // The keys of the token's issuer cannot be had.
            ProblemCode::NotReady,
        ])
    }

    /// Refuses for what the view knows, and says as of when.
    pub(super) fn at_the_door(mut self) -> Self {
        self.has_door = true;
        self
    }

    /// Takes a JSON body.
    pub(super) fn body<T: JsonSchema>(mut self, generator: &mut SchemaGenerator) -> Self {
        let schema = generator.subschema_for::<T>().to_value();
        self.body = Some(json!({
            "required": true, "content": { "application/json": { "schema": schema } },
        }));
        self.no_body()
    }

    /// Takes nothing but an empty body, and says what is wrong with another.
    pub(super) fn no_body(self) -> Self {
        self.problems(&[
            ProblemCode::Malformed,
            ProblemCode::BodyTooLarge,
            ProblemCode::UnsupportedMediaType,
        ])
    }

    /// Takes a header.
    pub(super) fn header(mut self, name: &str, required: bool, schema: &Value) -> Self {
        let parameter =
            json!({ "name": name, "in": "header", "required": required, "schema": schema });
        self.parameters.push(parameter);
        self
    }

    /// Takes a query parameter; all of them are optional, and others are refused.
    pub(super) fn query(mut self, name: &str, schema: &Value) -> Self {
        self.parameters.push(json!({ "name": name, "in": "query", "schema": schema }));
        self.problems(&[ProblemCode::Malformed, ProblemCode::OutOfRange])
    }

    /// Takes `wait`.
    pub(super) fn wait(self) -> Self {
        self.query("wait", &json!({ "type": "integer", "minimum": 0, "maximum": 30 }))
    }

    /// Takes `Timedeal-Seen`, and waits for it.
    pub(super) fn seen(self) -> Self {
        self.header("Timedeal-Seen", false, &json!({ "type": "string" }))
            .problems(&[ProblemCode::ViewBehind])
    }

    /// Answers so with a body.
    pub(super) fn answer<T: JsonSchema>(
        self,
        generator: &mut SchemaGenerator,
        status: u16,
        headers: &[Header],
    ) -> Self {
        let schema = generator.subschema_for::<T>().to_value();
        self.answer_as(status, "application/json", &schema, headers)
    }

    /// Answers so with a body of another media type.
    pub(super) fn answer_as(
        mut self,
        status: u16,
        media_type: &str,
        schema: &Value,
        headers: &[Header],
    ) -> Self {
        self.answers.insert(
            status,
            json!({
                "description": reason(status),
                "headers": describe(headers),
                "content": { media_type: { "schema": schema } },
            }),
        );
        self
    }

    /// Answers so without a body.
    pub(super) fn empty(mut self, status: u16, headers: &[Header]) -> Self {
        let answer = json!({ "description": reason(status), "headers": describe(headers) });
        self.answers.insert(status, answer);
        self
    }

    /// May be refused so.
    pub(super) fn problems(mut self, codes: &[ProblemCode]) -> Self {
        for code in codes {
            let listed = self.problems.entry(code.status()).or_default();
            if !listed.contains(code) {
                listed.push(*code);
            }
        }
        self
    }

    /// The operation as the document has it.
    pub(super) fn into_json(self) -> Value {
        let mut responses = Map::new();
        for (status, answer) in self.answers {
            responses.insert(status.to_string(), answer);
        }
        for (status, mut codes) in self.problems {
            codes.sort();
            let names: Vec<String> =
                codes.iter().map(|code| format!("`{}`", code.as_str())).collect();
            let mut headers = Vec::new();
            if matches!(status, 401 | 403) {
                headers.push(AUTHENTICATE);
            }
            if matches!(status, 429 | 503) || codes.contains(&ProblemCode::DealNotOpen) {
                headers.push(RETRY_AFTER);
            }
            if self.has_door && matches!(status, 404 | 409 | 422) {
                headers.push(SEEN);
            }
            let content = json!({ "application/problem+json": { "schema": self.problem } });
            responses.insert(
                status.to_string(),
                json!({
                    "description": names.join(", "),
                    "headers": describe(&headers),
                    "content": content,
                }),
            );
        }
        let security = self.scopes.map(|scopes| json!([{ "bearer": scopes }]));
        let mut out = json!({
            "operationId": self.id,
            "summary": self.summary,
            "tags": [self.tag],
            "parameters": self.parameters,
            "security": security.unwrap_or_else(|| json!([])),
            "responses": responses,
        });
        if let (Some(body), Some(out)) = (self.body, out.as_object_mut()) {
            out.insert("requestBody".to_owned(), body);
        }
        out
    }
}

/// Every header that an answer may have, as components.
pub(super) fn headers() -> Value {
    let all = [REQUEST_ID, SEEN, ETAG, LOCATION, CONTENT_LOCATION, RETRY_AFTER, AUTHENTICATE];
    let described = all.map(|Header(name, description)| {
        let header = json!({ "description": description, "schema": { "type": "string" } });
        (name.to_owned(), header)
    });
    Value::Object(described.into_iter().collect())
}

/// What every answer has, and these.
fn describe(headers: &[Header]) -> Value {
    let named = headers.iter().chain([&REQUEST_ID]).map(|Header(name, _)| {
        ((*name).to_owned(), json!({ "$ref": format!("#/components/headers/{name}") }))
    });
    Value::Object(named.collect())
}

fn reason(status: u16) -> &'static str {
    let status = http::StatusCode::from_u16(status).ok();
    status.and_then(|status| status.canonical_reason()).unwrap_or("Answer")
}

fn path_schema(name: &str) -> Value {
    match name {
        "product_id" => json!({ "type": "string", "pattern": "^[A-Za-z0-9._-]{1,64}$" }),
        "deal_key" => json!({ "type": "string", "pattern": "^[a-z0-9-]{1,64}$" }),
        _ => json!({ "type": "string", "format": "uuid" }),
    }
}
