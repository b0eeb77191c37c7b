//! Properties of the decoders: they answer to anything, and the same however it is laid out.

use proptest::prelude::*;
use proptest::sample::Index;
use schemas::log::{DecodeFault, decode_command, decode_decisions_record};
use serde_json::{Map, Value};

use crate::samples::{Record, records};

/// One change to a record's bytes.
#[derive(Clone, Debug)]
enum Change {
    Replace(Index, u8),
    Insert(Index, u8),
    Remove(Index),
    Truncate(Index),
    Repeat(Index, Index),
}

fn change() -> impl Strategy<Value = Change> {
    // Bytes that mean something in JSON come as often as all others together.
    let meaning = prop::sample::select(b"{}[]\",:\\0123456789-+.eEtfn u_\xff\x00".to_vec());
    let byte = prop_oneof![any::<u8>(), meaning].boxed();
    prop_oneof![
        (any::<Index>(), byte.clone()).prop_map(|(at, byte)| Change::Replace(at, byte)),
        (any::<Index>(), byte).prop_map(|(at, byte)| Change::Insert(at, byte)),
        any::<Index>().prop_map(Change::Remove),
        any::<Index>().prop_map(Change::Truncate),
        (any::<Index>(), any::<Index>()).prop_map(|(from, to)| Change::Repeat(from, to)),
    ]
}

fn apply(bytes: &mut Vec<u8>, change: &Change) {
    if bytes.is_empty() {
        return;
    }
    let length = bytes.len();
    match change {
        Change::Replace(at, byte) => bytes[at.index(length)] = *byte,
        Change::Insert(at, byte) => bytes.insert(at.index(length), *byte),
        Change::Remove(at) => drop(bytes.remove(at.index(length))),
        Change::Truncate(at) => bytes.truncate(at.index(length)),
        Change::Repeat(from, to) => {
            let (from, to) = (from.index(length), to.index(length));
            let part = bytes[from.min(to)..from.max(to)].to_vec();
            bytes.splice(to..to, part);
        }
    }
}

/// What a decoder found, without the wording of a fault.
fn finding<T>(result: Result<T, DecodeFault>) -> Result<T, Option<DecodeFault>> {
    result.map_err(|fault| match fault {
        DecodeFault::Newer { .. } => Some(fault),
        DecodeFault::Unreadable(_) => None,
    })
}

/// A space before the record is white space to JSON, but the head is no longer known by its bytes.
fn check_both_paths(bytes: &[u8]) -> Result<(), TestCaseError> {
    let spaced: Vec<u8> = [b" ", bytes].concat();
    prop_assert_eq!(finding(decode_command(bytes)), finding(decode_command(&spaced)));
    let (known, looked_up) = (decode_decisions_record(bytes), decode_decisions_record(&spaced));
    prop_assert_eq!(finding(known), finding(looked_up));
    Ok(())
}

/// Keys of all objects in another order, and every event's head written another way.
fn reversed(value: Value) -> String {
    match value {
        Value::Object(fields) => {
            let fields: Vec<String> = Map::into_iter(fields)
                .map(|(key, value)| format!("{} :\t{}", Value::from(key), reversed(value)))
                .collect();
            format!("{{ {}\n}}", fields.into_iter().rev().collect::<Vec<_>>().join(" ,\r\n"))
        }
        Value::Array(items) => {
            let items: Vec<String> = items.into_iter().map(reversed).collect();
            format!("[ {} ]", items.join(" , "))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.to_string(),
    }
}

#[test]
fn order_of_fields_and_white_space_do_not_matter() {
    for record in records() {
        let text = reversed(serde_json::from_slice(&record.encode()).unwrap());
        assert_eq!(record.decode(text.as_bytes()), Ok(record.clone()), "{text}");
    }
}

#[test]
fn a_record_cut_short_is_unreadable_at_every_length() {
    for record in records() {
        let bytes = record.encode();
        for length in 0..bytes.len() {
            let found = record.decode(&bytes[..length]);
            assert!(matches!(found, Err(DecodeFault::Unreadable(_))), "{length}: {found:?}");
        }
    }
}

#[test]
fn a_record_without_one_of_its_bytes_never_makes_a_decoder_panic() {
    for record in records() {
        let bytes = record.encode();
        for index in 0..bytes.len() {
            let mut bytes = bytes.clone();
            bytes.remove(index);
            check_both_paths(&bytes).unwrap();
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None, cases: 512, ..Default::default()
    })]

    #[test]
    fn any_bytes_get_an_answer(bytes in prop::collection::vec(any::<u8>(), 0..256)) {
        check_both_paths(&bytes)?;
    }

    #[test]
    fn a_known_head_before_any_bytes_gets_an_answer(
        kind in "[a-z_\\\\\"]{0,12}",
        rest in prop::collection::vec(any::<u8>(), 0..64),
    ) {
        let bytes = [br#"{"v":1,"type":""#, kind.as_bytes(), b"\"", &rest].concat();
        check_both_paths(&bytes)?;
    }

    #[test]
    fn changed_records_get_the_same_answer_on_both_paths(
        record in prop::sample::select(records()),
        changes in prop::collection::vec(change(), 1..5),
    ) {
        let mut bytes = record.encode();
        for change in &changes {
            apply(&mut bytes, change);
        }
        check_both_paths(&bytes)?;
    }

    #[test]
    fn what_was_read_is_written_and_read_again(
        record in prop::sample::select(records()),
        changes in prop::collection::vec(change(), 1..3),
    ) {
        let mut bytes = record.encode();
        for change in &changes {
            apply(&mut bytes, change);
        }
        if let Ok(read) = record.decode(&bytes) {
            let written = Record::encode(&read);
            prop_assert_eq!(record.decode(&written), Ok(read));
        }
    }
}
