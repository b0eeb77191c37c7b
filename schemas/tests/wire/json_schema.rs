//! JSON Schemas: generated from the types, kept in `json/`, and true of the golden samples.
//! `TIMEDEAL_BLESS=1 cargo test -p schemas` writes the files anew.

use std::collections::BTreeMap;

use jsonschema::{Registry, Validator};
use schemas::log::{Event, schema};
use serde_json::{Value, json};

use crate::{bless, samples};

fn name(kind: &str) -> String {
    format!("json/{kind}.json")
}

fn uri(kind: &str) -> String {
    format!("https://timedeal.example/{kind}.json")
}

/// A validator for each of the committed files, their references among each other resolved.
fn validators() -> BTreeMap<String, Validator> {
    let files = bless::list("json").into_iter().map(|file| {
        let kind = file.strip_suffix(".json").unwrap().to_owned();
        let content: Value = serde_json::from_str(&bless::read(&name(&kind))).unwrap();
        (kind, content)
    });
    let files: Vec<(String, Value)> = files.collect();
    let mut registry = Registry::new();
    for (kind, content) in &files {
        registry = registry.add(uri(kind), content.clone()).unwrap();
    }
    let registry = registry.prepare().unwrap();
    let validator = |kind: &str| {
        let reference = json!({ "$ref": uri(kind) });
        jsonschema::options()
            .with_registry(&registry)
            .should_validate_formats(true)
            .build(&reference)
            .unwrap()
    };
    files.iter().map(|(kind, _)| (kind.clone(), validator(kind))).collect()
}

/// Each golden record as JSON, under the name of its schema; events also by themselves.
fn instances() -> Vec<(String, Value)> {
    let mut instances = Vec::new();
    for (kind, records) in samples::files() {
        for record in records {
            let value: Value = serde_json::from_slice(&record.encode()).unwrap();
            if kind.starts_with("event.") {
                instances.push((kind.clone(), value["events"][0].clone()));
                instances.push(("decision".to_owned(), value));
            } else {
                instances.push((kind.clone(), value));
            }
        }
    }
    instances
}

#[test]
fn the_committed_schemas_are_those_of_the_types() {
    let generated = schema::all();
    for (kind, schema) in &generated {
        if bless::asked() {
            let text = serde_json::to_string_pretty(schema).unwrap() + "\n";
            bless::write(&name(kind), &text);
        }
        let committed: Value = serde_json::from_str(&bless::read(&name(kind))).unwrap();
        assert_eq!(committed, *schema, "{kind}");
    }
    let mut names: Vec<String> = generated.iter().map(|(kind, _)| format!("{kind}.json")).collect();
    names.sort();
    assert_eq!(bless::list("json"), names);
}

#[test]
fn the_committed_schemas_are_valid_by_themselves() {
    for (kind, schema) in schema::all() {
        assert!(jsonschema::meta::is_valid(&schema), "{kind}");
        assert!(schema["description"].is_string(), "{kind} says what it is");
        let defined = schema["$defs"].as_object().map(|defined| defined.keys().cloned());
        for name in defined.into_iter().flatten() {
            let reference = format!("\"#/$defs/{name}\"");
            assert!(schema.to_string().contains(&reference), "{kind} defines {name} for nothing");
        }
    }
}

#[test]
fn every_sample_is_valid_by_the_schema_of_its_type_and_of_no_other() {
    let validators = validators();
    for (kind, instance) in instances() {
        for (name, validator) in &validators {
            assert_eq!(validator.is_valid(&instance), *name == kind, "{name}: {instance}");
        }
    }
}

#[test]
fn samples_without_a_required_field_or_of_another_shape_are_not_valid() {
    let validators = validators();
    for (kind, instance) in instances() {
        let validator = &validators[&kind];
        let schema = schema::all().into_iter().find(|(name, _)| *name == kind).unwrap().1;
        for field in schema["required"].as_array().unwrap() {
            let field = field.as_str().unwrap();
            let mut broken = instance.clone();
            broken.as_object_mut().unwrap().remove(field).unwrap();
            assert!(!validator.is_valid(&broken), "{kind} without {field}");
            broken[field] = json!([[]]);
            assert!(!validator.is_valid(&broken), "{kind} with a list for {field}");
        }
        assert!(!validator.is_valid(&json!([instance])), "{kind} in a list");
    }
}

#[test]
fn fields_that_were_added_later_are_valid() {
    let validators = validators();
    for (kind, mut instance) in instances() {
        instance["added"] = json!({ "later": 1 });
        assert!(validators[&kind].is_valid(&instance), "{kind}: {instance}");
    }
}

#[test]
fn values_out_of_bounds_are_not_valid() {
    let validators = validators();
    let check = |kind: &str, pointer: &str, value: Value| {
        let of_kind = instances().into_iter().find(|(name, _)| name == kind);
        let mut instance = of_kind.unwrap().1;
        *instance.pointer_mut(pointer).unwrap() = value;
        assert!(!validators[kind].is_valid(&instance), "{kind}{pointer}: {instance}");
    };
    check("genesis", "/v", json!(2));
    check("genesis", "/log_id", json!(256));
    check("genesis", "/partitions", json!(65_536));
    check("owner", "/epoch", json!(-1));
    check("owner", "/claim", json!("00112233445566778899AABBCCDDEEFF"));
    check("place_purchase", "/quantity", json!(-1));
    check("place_purchase", "/quantity", json!(4_294_967_296_u64));
    check("place_purchase", "/quantity", json!(1.5));
    check("place_purchase", "/key", json!("0123"));
    check("place_purchase", "/deal_id", json!("not-a-uuid"));
    check("place_purchase", "/client_reference", json!("a b"));
    check("announce_deal", "/product_id", json!("a".repeat(65)));
    check("announce_deal", "/deal_key", json!("Summer"));
    check("announce_deal", "/terms/price/currency", json!("eur"));
    check("announce_deal", "/terms/price", json!([1990, "EUR"]));
    check("record_payment", "/result", json!("paid"));
    check("event.command_refused", "/code", json!("no-such-code"));
    check("decision", "/events", json!([{ "type": "order_gifted" }]));
    check("decision", "/events", json!([{ "type": "order_expired" }]));
    check("decision", "/events", json!(vec![json!({ "type": "unreadable" }); 513]));
}

#[test]
fn every_event_stands_in_the_schema_of_decisions() {
    let decision = bless::read("json/decision.json");
    for kind in Event::TYPES {
        assert!(decision.contains(&format!("\"event.{kind}.json\"")), "{kind}");
    }
}
