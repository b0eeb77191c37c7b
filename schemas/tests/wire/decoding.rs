//! What a decoder does with bytes that this build did not write. Two faults, and they must not be
//! mixed up: `Newer` parks a partition until an upgrade, `Unreadable` is decided for ever.

use schemas::log::{
    CommandsRecord, DecisionsRecord, DecodeFault, decode_command, decode_decisions_record,
};

use crate::samples;

const PAUSE: &str = concat!(
    r#"{"v":1,"type":"pause_deal","deal_id":"22222222-2222-2222-2222-222222222222","#,
    r#""ticket_key":2,"received_at":17,"actor":"33333333-3333-3333-3333-333333333333"}"#
);
const DECISION: &str = concat!(
    r#"{"v":1,"type":"decision","offset":8,"after":8,"log_time":17,"#,
    r#""events":[{"type":"refund_due","order":7,"payment":"000000000000000000000000000000aa","#,
    r#""money":{"amount":5,"currency":"EUR"}}]}"#
);

/// The same record in both forms of its head: as this build writes it, and as others may.
fn forms(text: &str) -> [String; 3] {
    [text.to_owned(), format!(" {text}\n"), text.replacen("{\"v\"", "{ \"v\"", 1)]
}

#[track_caller]
fn check_newer(text: &str, v: u32, kind: &str) {
    let newer = DecodeFault::Newer { v, kind: kind.into() };
    for text in forms(text) {
        assert_eq!(decode_command(text.as_bytes()), Err(newer.clone()), "{text}");
        assert_eq!(decode_decisions_record(text.as_bytes()), Err(newer.clone()), "{text}");
    }
}

#[track_caller]
fn check_newer_decision(text: &str, kind: &str) {
    let newer = DecodeFault::Newer { v: 1, kind: kind.into() };
    for text in forms(text) {
        assert_eq!(decode_decisions_record(text.as_bytes()), Err(newer.clone()), "{text}");
    }
}

#[track_caller]
fn check_unreadable(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let command = decode_command(bytes);
    assert!(matches!(command, Err(DecodeFault::Unreadable(_))), "{text}: {command:?}");
    let record = decode_decisions_record(bytes);
    assert!(matches!(record, Err(DecodeFault::Unreadable(_))), "{text}: {record:?}");
}

#[track_caller]
fn check_unreadable_command(text: &str) {
    for text in forms(text) {
        let command = decode_command(text.as_bytes());
        assert!(matches!(command, Err(DecodeFault::Unreadable(_))), "{text}: {command:?}");
    }
}

#[track_caller]
fn check_unreadable_decision(text: &str) {
    for text in forms(text) {
        let record = decode_decisions_record(text.as_bytes());
        assert!(matches!(record, Err(DecodeFault::Unreadable(_))), "{text}: {record:?}");
    }
}

/// `text` with the one place that reads `from` changed to `to`.
#[track_caller]
fn with(text: &str, from: &str, to: &str) -> String {
    assert_eq!(text.matches(from).count(), 1, "{from} in {text}");
    text.replace(from, to)
}

#[test]
fn a_higher_version_is_newer_whatever_else_stands_in_it() {
    check_newer(r#"{"v":2,"type":"genesis"}"#, 2, "genesis");
    check_newer(r#"{"v":2,"type":"order_bundle","deep":[[{"a":1e999}]]}"#, 2, "order_bundle");
    check_newer(r#"{"type":"genesis","v":4294967295}"#, u32::MAX, "genesis");
}

#[test]
fn an_unknown_type_is_newer() {
    check_newer(r#"{"v":1,"type":"place_bid","price":5}"#, 1, "place_bid");
    check_newer(r#"{"v":1,"type":""}"#, 1, "");
    check_newer(r#"{"v":1,"type":"at line 1 \"주문\""}"#, 1, "at line 1 \"주문\"");
}

#[test]
fn a_record_of_the_other_log_is_newer_here() {
    let owner = br#"{"v":1,"type":"owner","epoch":1,"claim":"","worker":"","rules":1}"#;
    assert!(matches!(decode_command(owner), Err(DecodeFault::Newer { .. })));
    let decisions = decode_decisions_record(PAUSE.as_bytes());
    assert!(matches!(decisions, Err(DecodeFault::Newer { .. })));
}

#[test]
fn an_unknown_event_type_makes_its_decision_newer() {
    check_newer_decision(&with(DECISION, "refund_due", "order_gifted"), "order_gifted");
    let words = r#"order gifted at line 1 column 2"#;
    check_newer_decision(&with(DECISION, "refund_due", words), words);
    let two = with(DECISION, r#"[{"#, r#"[{"type":"x"},{"type":"y"},{"#);
    check_newer_decision(&two, "x");
}

#[test]
fn a_broken_event_beside_a_newer_one_is_unreadable() {
    let events = r#"[{"type":"x"},{"type":"order_expired"},{"#;
    check_unreadable_decision(&with(DECISION, r#"[{"#, events));
    check_unreadable_decision(&with(DECISION, r#"[{"#, r#"[{"type":"x"},7,{"#));
    let no_offset = with(DECISION, r#""offset":8,"#, "");
    check_unreadable_decision(&with(&no_offset, "refund_due", "order_gifted"));
}

#[test]
fn words_in_a_record_do_not_make_it_newer() {
    let code = r#"[{"type":"command_refused","code":"newer event type x"},{"#;
    check_unreadable_decision(&with(DECISION, r#"[{"#, code));
}

#[test]
fn what_is_not_one_json_object_is_unreadable() {
    let broken: [&[u8]; 16] = [
        b"",
        b" ",
        b"null",
        b"1",
        b"\"genesis\"",
        b"[]",
        b"[1,\"genesis\"]",
        b"[2,\"order_bundle\"]",
        b"{}",
        b"{",
        b"{\"v\":1,\"type\":\"genesis\"",
        b"{\"v\":1,\"type\":\"x\"} {}",
        b"{\"v\":1,\"type\":\"x\",}",
        b"{\"v\":1,\"type\":\"x\"}\0",
        b"\xef\xbb\xbf{\"v\":2,\"type\":\"x\"}",
        b"v=1",
    ];
    for bytes in broken {
        check_unreadable(bytes);
    }
}

#[test]
fn what_is_not_utf_8_is_unreadable_wherever_it_stands() {
    let broken: [&[u8]; 4] = [
        b"\xff",
        b"{\"v\":1,\"type\":\"\xff\"}",
        b"{\"v\":2,\"type\":\"x\",\"note\":\"\xff\"}",
        b"{\"v\":1,\"type\":\"genesis\",\"log_id\":3,\"partitions\":64,\"note\":\"\xc3\"}",
    ];
    for bytes in broken {
        check_unreadable(bytes);
    }
}

#[test]
fn a_head_without_a_version_and_a_type_is_unreadable() {
    let broken = [
        r#"{"v":0,"type":"x"}"#,
        r#"{"v":0,"type":"genesis","log_id":3,"partitions":64}"#,
        r#"{"v":-1,"type":"x"}"#,
        r#"{"v":1.0,"type":"x"}"#,
        r#"{"v":1e0,"type":"x"}"#,
        r#"{"v":4294967296,"type":"x"}"#,
        r#"{"v":"1","type":"x"}"#,
        r#"{"v":null,"type":"x"}"#,
        r#"{"type":"x"}"#,
        r#"{"v":1}"#,
        r#"{"v":2}"#,
        r#"{"v":1,"type":7}"#,
        r#"{"v":1,"type":null}"#,
        "{\"v\":1,\"type\":\"a\nb\"}",
        r#"{"v":1,"type":"\x"}"#,
        r#"{"v":1,"type":"\ud800"}"#,
    ];
    for text in broken {
        for text in forms(text) {
            check_unreadable(text.as_bytes());
        }
    }
}

#[test]
fn a_known_type_with_a_field_missing_or_wrong_is_unreadable() {
    assert!(decode_command(PAUSE.as_bytes()).is_ok());
    let id = r#""22222222-2222-2222-2222-222222222222""#;
    check_unreadable_command(&with(PAUSE, r#""ticket_key":2,"#, ""));
    check_unreadable_command(&with(PAUSE, id, "7"));
    check_unreadable_command(&with(PAUSE, id, r#""222""#));
    check_unreadable_command(&with(PAUSE, id, "null"));
    for number in ["-1", "65536", "1.0", "1e2", "1e999", "-0", "true", "[]", &"9".repeat(999)] {
        check_unreadable_command(&with(PAUSE, r#"key":2"#, &format!(r#"key":{number}"#)));
    }
    check_unreadable_command(&with(PAUSE, ":17,", ":9223372036854775808,"));
    check_unreadable_command(&with(PAUSE, "17,", r#"17,"admission":["gateway-1",7],"#));
}

#[test]
fn a_negative_or_huge_quantity_is_unreadable() {
    let purchase = samples::records().into_iter().find_map(|record| {
        let text = String::from_utf8(record.encode()).unwrap();
        text.contains(r#""quantity":2,"client_reference""#).then_some(text)
    });
    let purchase = purchase.unwrap();
    for quantity in ["-1", "4294967296", "18446744073709551616", "2.5", "1e3", "\"2\""] {
        let quantity = format!(r#""quantity":{quantity}"#);
        check_unreadable_command(&with(&purchase, r#""quantity":2"#, &quantity));
    }
}

#[test]
fn names_out_of_bounds_are_unreadable() {
    let kind = |record: &samples::Record| {
        let text = String::from_utf8(record.encode()).unwrap();
        text.starts_with(r#"{"v":1,"type":"announce_deal""#).then_some(text)
    };
    let announced = samples::records().iter().find_map(kind).unwrap();
    let long = "a".repeat(65);
    for name in ["", " ", "a/b", "ä", long.as_str()] {
        check_unreadable_command(&with(&announced, r#""sku-1""#, &format!(r#""{name}""#)));
        check_unreadable_command(&with(&announced, r#""summer-2026""#, &format!(r#""{name}""#)));
    }
    for price in [r#"["EUR",1]"#, r#"{"amount":1}"#, r#"{"amount":1,"currency":"eur"}"#] {
        let whole = r#"{"amount":1990,"currency":"EUR"}"#;
        check_unreadable_command(&with(&announced, whole, price));
    }
}

#[test]
fn a_field_that_stands_twice_is_unreadable() {
    for field in [r#""v":1,"#, r#""type":"pause_deal","#, r#""ticket_key":2,"#] {
        check_unreadable_command(&with(PAUSE, field, &format!("{field}{field}")));
    }
    check_unreadable_command(&with(PAUSE, "}", r#","type":"close_deal"}"#));
    check_unreadable_command(&with(PAUSE, "}", r#","v":2}"#));
    check_unreadable_command(r#"{"v":1,"type":"place_bid","type":"place_bid"}"#);
    check_unreadable_decision(&with(DECISION, r#","order":7"#, r#","order":7,"order":7"#));
    let twice = r#""type":"refund_due","type":"refund_due""#;
    check_unreadable_decision(&with(DECISION, r#""type":"refund_due""#, twice));
    check_unreadable_decision(&with(
        DECISION,
        r#""type":"refund_due""#,
        r#""type":"x","type":"x""#,
    ));
}

#[test]
fn an_event_that_is_not_an_object_is_unreadable() {
    for event in ["7", "null", r#""refund_due""#, r#"["refund_due"]"#, r#"["x"]"#, "{}"] {
        check_unreadable_decision(&with(DECISION, r#"[{"#, &format!("[{event},{{")));
    }
}

#[test]
fn unknown_fields_of_a_known_type_are_passed_over() {
    let extra = r#","added":{"later":[1e999,null,"\u0000"]},"empty":""}"#;
    let command = decode_command(PAUSE.as_bytes());
    assert!(command.is_ok());
    assert_eq!(decode_command(with(PAUSE, "}", extra).as_bytes()), command);
    let decision = decode_decisions_record(DECISION.as_bytes());
    assert!(decision.is_ok());
    for place in [r#""offset":8"#, r#""order":7"#, r#""amount":5"#] {
        let more = with(DECISION, place, &format!(r#""added":{{"later":1}},{place}"#));
        assert_eq!(decode_decisions_record(more.as_bytes()), decision, "{more}");
    }
}

#[test]
fn depth_that_nobody_reads_is_passed_over_and_cannot_exhaust_the_stack() {
    let deep = format!("{}{}", "[".repeat(500_000), "]".repeat(500_000));
    let more = with(PAUSE, "}", &format!(r#","added":{deep}}}"#));
    assert_eq!(decode_command(more.as_bytes()), decode_command(PAUSE.as_bytes()));
    let more = with(DECISION, r#""order":7"#, &format!(r#""added":{deep},"order":7"#));
    let decision = decode_decisions_record(DECISION.as_bytes());
    assert_eq!(decode_decisions_record(more.as_bytes()), decision);
    check_unreadable_command(&with(PAUSE, r#"key":2"#, &format!(r#"key":{deep}"#)));
    check_newer(&format!(r#"{{"v":2,"type":"x","added":{deep}}}"#), 2, "x");
    check_unreadable("{\"v\":".repeat(500_000).as_bytes());
}

#[test]
fn a_type_written_with_escapes_is_the_same_type() {
    let command = decode_command(PAUSE.as_bytes());
    let escaped = with(PAUSE, "pause_deal", r"pause\u005fdeal");
    assert_eq!(decode_command(escaped.as_bytes()), command);
    assert!(matches!(command, Ok(CommandsRecord::Command(_))));
    let decision = decode_decisions_record(DECISION.as_bytes());
    let escaped = with(DECISION, "refund_due", r"refund\u005fdue");
    assert_eq!(decode_decisions_record(escaped.as_bytes()), decision);
    assert!(matches!(decision, Ok(DecisionsRecord::Decision(_))));
}
