//! JSON Schemas of the log's records, generated from the types and kept in `schemas/json/`.

use schemars::generate::SchemaSettings;
use schemars::transform::RecursiveTransform;
use schemars::{JsonSchema, Schema};
use serde_json::{Value, json};

use super::{Command, Event, Genesis, Owner, VERSION};

/// Name and schema of every record and event, for `schemas/json/<name>.json`.
#[must_use]
pub fn all() -> Vec<(String, Value)> {
    let mut records = vec![("genesis", of::<Genesis>()), ("owner", of::<Owner>())];
    records.extend(Command::schemas());
    let mut all: Vec<(String, Value)> = Vec::new();
    for (kind, schema) in records {
        all.push((kind.to_owned(), tag(schema.to_value(), kind, true)));
    }
    for (kind, schema) in Event::schemas() {
        all.push((format!("event.{kind}"), tag(schema.to_value(), kind, false)));
    }
    all.push(("decision".to_owned(), decision()));
    all
}

/// The schema of one type, with the definitions that it needs and no others.
pub(super) fn of<T: JsonSchema>() -> Schema {
    let settings = SchemaSettings::draft2020_12().with_transform(RecursiveTransform(bound));
    settings.into_generator().into_root_schema_for::<T>()
}

/// Says in numbers what the format `uint32` means: validators do not know it.
fn bound(schema: &mut Schema) {
    if schema.get("format").is_some_and(|format| format == "uint32") {
        schema.insert("maximum".to_owned(), json!(u32::MAX));
    }
}

/// Adds `type`, and `v` if it is a record of its own, to an object's schema.
fn tag(mut schema: Value, kind: &str, versioned: bool) -> Value {
    let object = schema.as_object_mut().expect("a schema is an object");
    let properties = object.entry("properties").or_insert_with(|| json!({}));
    properties["type"] = json!({ "const": kind });
    if versioned {
        properties["v"] = json!({ "const": VERSION });
    }
    let required = object.entry("required").or_insert_with(|| json!([]));
    let required = required.as_array_mut().expect("`required` is an array");
    required.push(json!("type"));
    if versioned {
        required.push(json!("v"));
    }
    schema
}

fn decision() -> Value {
    let events: Vec<Value> =
        Event::TYPES.iter().map(|kind| json!({ "$ref": format!("event.{kind}.json") })).collect();
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Decision",
        "description": "Answers one command. Epoch and claim stand in the record's headers.",
        "type": "object",
        "properties": {
            "v": { "const": VERSION },
            "type": { "const": "decision" },
            "offset": { "type": "integer", "minimum": 0 },
            "after": { "type": "integer", "minimum": 0 },
            "log_time": { "type": "integer", "description": "milliseconds since the Unix epoch" },
            "events": {
                "type": "array",
                "maxItems": crate::limits::EVENTS_MAX,
                "items": { "oneOf": events }
            }
        },
        "required": ["v", "type", "offset", "after", "log_time", "events"]
    })
}
