//! The OpenAPI document. Operations are written by hand in `operations`, schemas come from the
//! types that are read and written. The document is committed, so that a change of it is seen; a
//! test drives every operation and answer that it lists.

mod operation;
mod operations;

use std::sync::LazyLock;

use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use crate::web::Asset;
use operation::Operation;

/// The document as it is committed and served.
static COMMITTED: LazyLock<Asset> =
    LazyLock::new(|| Asset::new("/openapi.json", include_bytes!("../openapi/openapi.json")));

/// The document as it is served.
pub(crate) fn asset() -> &'static Asset {
    &COMMITTED
}

/// The document made anew from operations and types.
///
/// # Panics
/// Never.
#[must_use]
pub fn document() -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.definitions_path = "/components/schemas".into();
        settings.meta_schema = None;
    });
    let mut generator = settings.into_generator();
    let mut paths = Map::new();
    for operation in operations::all(&mut generator) {
        let Operation { method, path, .. } = &operation;
        let (method, path) = (method.to_ascii_lowercase(), (*path).to_owned());
        let item = paths.entry(path).or_insert_with(|| json!({}));
        let item = item.as_object_mut().expect("every path is an object");
        item.insert(method, operation.into_json());
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Timedeal",
            "version": env!("CARGO_PKG_VERSION"),
            "summary": "Ordering for flash sales.",
            "description": DESCRIPTION,
            "license": { "name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0" },
        },
        "servers": [{ "url": "/" }],
        "tags": operations::tags(),
        "paths": paths,
        "components": {
            "headers": operation::headers(),
            "schemas": generator.take_definitions(true),
            "securitySchemes": {
                "bearer": { "type": "http", "scheme": "bearer", "bearerFormat": "JWT" },
            },
        },
    })
}

const DESCRIPTION: &str = "\
Times are RFC 3339 in UTC with milliseconds, amounts integers in minor units of an ISO 4217 \
currency. Unknown fields and query parameters are refused. Every answer has `X-Request-Id`; \
`traceparent` is accepted. A `GET` can be a `HEAD`. Whatever is refused is answered with \
`application/problem+json`; beside the answers listed with an operation these are possible \
everywhere: 400 for bytes that are no HTTP/1.1 request, 405 with `Allow`, 408 if head or body took \
longer than 10 s, 431 for more than 64 header fields or 32 KiB of them, 429 behind trusted \
proxies. \
`Retry-After` is always in seconds. A client that sends back the `Timedeal-Seen` headers it \
received never sees an order go back, whichever gateway answers.";

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::document;
    use crate::routes::OPERATIONS;

    #[test]
    fn the_committed_document_is_what_the_types_say() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("openapi/openapi.json");
        let made = serde_json::to_string_pretty(&document()).unwrap() + "\n";
        if std::env::var_os("TIMEDEAL_BLESS").is_some_and(|value| value == "1") {
            std::fs::write(path, made).unwrap();
            return;
        }
        let committed = std::fs::read_to_string(path).unwrap();
        assert!(committed == made, "TIMEDEAL_BLESS=1 cargo test -p gateway writes it anew");
    }

    #[test]
    fn the_document_has_exactly_the_operations_that_are_routed() {
        let document = document();
        let mut described: Vec<String> = Vec::new();
        for (path, item) in document["paths"].as_object().unwrap() {
            for method in item.as_object().unwrap().keys() {
                described.push(format!("{} {path}", method.to_uppercase()));
            }
        }
        let mut routed: Vec<String> =
            OPERATIONS.iter().map(|it| format!("{} {}", it.method, it.path)).collect();
        // The page is not part of the API.
        described.sort();
        routed.sort();
        assert_eq!(described, routed);
    }
}
