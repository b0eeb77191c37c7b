//! `asyncapi.yaml` describes the logs to other people: it must name every record and every file.

use schemas::log::{
    Command, Event, HEADER_CLAIM, HEADER_EPOCH, HEADER_TRACEPARENT, RefusalCode, schema,
};

use crate::bless;

const NAME: &str = "asyncapi.yaml";

/// The targets of all references, without quotes.
fn references(text: &str) -> Vec<&str> {
    let references = text.lines().filter_map(|line| line.split_once("$ref:"));
    references.map(|(_, target)| target.trim().trim_matches(['\'', '"', '}', ' '])).collect()
}

#[test]
fn every_file_that_the_document_names_exists() {
    let text = bless::read(NAME);
    let files: Vec<&str> =
        references(&text).into_iter().filter(|target| target.starts_with("./")).collect();
    assert!(!files.is_empty());
    for file in files {
        assert!(bless::path(file).is_file(), "{file}");
    }
}

#[test]
fn every_local_reference_has_its_target() {
    let text = bless::read(NAME);
    for target in references(&text).into_iter().filter_map(|target| target.strip_prefix("#/")) {
        let mut rest = text.as_str();
        for (depth, name) in target.split('/').enumerate() {
            let line = format!("\n{}{name}:", "  ".repeat(depth));
            let at = rest.find(&line).unwrap_or_else(|| panic!("{target}: no {name}"));
            rest = &rest[at + 1..];
        }
    }
}

#[test]
fn every_record_has_its_message_and_every_event_its_mention() {
    let text = bless::read(NAME);
    for kind in ["genesis", "owner", "decision"].iter().chain(Command::TYPES) {
        let reference = format!("./json/{kind}.json");
        assert!(references(&text).contains(&reference.as_str()), "{kind}");
    }
    for kind in Event::TYPES {
        assert!(text.contains(&format!("`{kind}`")), "{kind}");
    }
    for (name, _) in schema::all() {
        let name = name.strip_prefix("event.").unwrap_or(&name).to_owned();
        assert!(text.contains(&name), "{name}");
    }
}

#[test]
fn headers_and_refusals_are_named() {
    let text = bless::read(NAME);
    for header in [HEADER_EPOCH, HEADER_CLAIM, HEADER_TRACEPARENT] {
        assert!(text.contains(&format!("{header}:\n")), "{header}");
    }
    for code in RefusalCode::ALL {
        assert!(text.contains(&format!("`{code}`")), "{code}");
    }
}
