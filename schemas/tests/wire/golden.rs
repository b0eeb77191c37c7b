//! Golden bytes: `golden/<type>.jsonl`, one record a line, exactly as on a topic.
//!
//! Bytes on a topic are for ever. A change of a line that stands here is a change of every log
//! that was ever written: it breaks I4 (deciding again gives the same bytes) and every reader that
//! was not upgraded. New files and new lines may come; `TIMEDEAL_BLESS=1 cargo test -p schemas`
//! writes them, and its diff must show additions only.

use std::collections::BTreeSet;

use schemas::log::{Command, Event};

use crate::{bless, samples};

fn name(kind: &str) -> String {
    format!("golden/{kind}.jsonl")
}

#[test]
fn every_sample_is_written_as_its_golden_line() {
    for (kind, records) in samples::files() {
        let lines: Vec<String> =
            records.iter().map(|record| String::from_utf8(record.encode()).unwrap()).collect();
        let content = lines.join("\n") + "\n";
        if bless::asked() {
            bless::write(&name(&kind), &content);
        }
        assert_eq!(bless::read(&name(&kind)), content, "{kind}");
    }
}

#[test]
fn every_golden_line_is_read_as_its_sample() {
    for (kind, records) in samples::files() {
        let content = bless::read(&name(&kind));
        assert_eq!(content.lines().count(), records.len(), "{kind}");
        for (line, record) in content.lines().zip(records) {
            assert_eq!(record.decode(line.as_bytes()), Ok(record.clone()), "{line}");
        }
    }
}

#[test]
fn every_type_has_a_golden_file_with_and_without_what_is_optional() {
    let expected: BTreeSet<String> = ["genesis", "owner", "decision"]
        .into_iter()
        .map(str::to_owned)
        .chain(Command::TYPES.iter().map(|kind| (*kind).to_owned()))
        .chain(Event::TYPES.iter().map(|kind| format!("event.{kind}")))
        .map(|kind| format!("{kind}.jsonl"))
        .collect();
    assert_eq!(bless::list("golden").into_iter().collect::<BTreeSet<_>>(), expected);
    for kind in Command::TYPES {
        let content = bless::read(&name(kind));
        assert!(content.lines().any(|line| line.contains(r#""admission":{"#)), "{kind}");
        assert!(content.lines().any(|line| !line.contains("admission")), "{kind}");
    }
    for (kind, _) in samples::files() {
        assert!(!bless::read(&name(&kind)).trim().is_empty(), "{kind}");
    }
}

#[test]
fn the_records_of_the_protocol_stand_as_they_are_written_there() {
    let genesis = r#"{"v":1,"type":"genesis","log_id":3,"partitions":64}"#;
    assert_eq!(bless::read(&name("genesis")).lines().next(), Some(genesis));
    let owner = concat!(
        r#"{"v":1,"type":"owner","epoch":7,"claim":"00112233445566778899aabbccddeeff","#,
        r#""worker":"worker-a \"1\"","rules":1}"#
    );
    assert_eq!(bless::read(&name("owner")).lines().next(), Some(owner));
    let decision = concat!(
        r#"{"v":1,"type":"decision","offset":812,"after":812,"#,
        r#""log_time":1700000000123,"events":[]}"#
    );
    assert_eq!(bless::read(&name("decision")).lines().next(), Some(decision));
    assert!(bless::read(&name("expire_holds")).contains(r#"{"v":1,"type":"expire_holds","ticket"#));
    assert!(bless::read(&name("event.unreadable")).contains(r#""events":[{"type":"unreadable"}]"#));
}
