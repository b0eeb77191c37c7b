//! The value types: their bounds, their text, and hashes that must never change. The pinned values
//! were computed by another program.

use std::time::Duration;

use proptest::prelude::*;
use schemas::id::{ClientReference, ReasonCode};
use schemas::limits::NAME_BYTES_MAX;
use schemas::time::rfc3339;
use schemas::{
    Currency, DealId, DealKey, Digest, Fingerprint, Money, Position, ProductId, Timestamp,
};
use uuid::Uuid;

const NAME_BYTES: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
const KEY_BYTES: &str = "abcdefghijklmnopqrstuvwxyz0123456789-";

#[test]
fn names_take_exactly_the_bytes_and_lengths_that_they_state() {
    for byte in 0..=u8::MAX {
        let text = char::from(byte).to_string();
        assert_eq!(text.parse::<ProductId>().is_ok(), NAME_BYTES.contains(&text), "{text:?}");
        assert_eq!(text.parse::<ClientReference>().is_ok(), NAME_BYTES.contains(&text), "{text:?}");
        assert_eq!(text.parse::<ReasonCode>().is_ok(), NAME_BYTES.contains(&text), "{text:?}");
        assert_eq!(text.parse::<DealKey>().is_ok(), KEY_BYTES.contains(&text), "{text:?}");
    }
    for (length, fits) in [(0, false), (1, true), (NAME_BYTES_MAX, true), (65, false)] {
        let text = "a".repeat(length);
        assert_eq!(text.parse::<ProductId>().is_ok(), fits, "{length}");
        assert_eq!(text.parse::<DealKey>().is_ok(), fits, "{length}");
    }
}

#[test]
fn names_are_json_strings_within_their_bounds() {
    let id: ProductId = serde_json::from_str(r#""SKU\u002d1""#).unwrap();
    assert_eq!((id.as_str(), serde_json::to_string(&id).unwrap()), ("SKU-1", r#""SKU-1""#.into()));
    for text in [r#""""#, r#""a b""#, "7", "null", r#"["a"]"#] {
        assert!(serde_json::from_str::<ProductId>(text).is_err(), "{text}");
    }
}

#[test]
fn hexadecimal_is_lower_case_and_of_full_length() {
    let digest = Digest(0xabc);
    assert_eq!(digest.to_string(), "00000000000000000000000000000abc");
    assert_eq!(digest.to_string().parse(), Ok(digest));
    assert_eq!("f".repeat(32).parse(), Ok(Digest(u128::MAX)));
    assert_eq!("f".repeat(16).parse(), Ok(Fingerprint(u64::MAX)));
    assert_eq!(Fingerprint(1).to_string(), "0000000000000001");
    let signed = format!("+{}", "0".repeat(31));
    for text in ["", "abc", &"0".repeat(31), &"0".repeat(33), &"F".repeat(32), &signed] {
        assert!(text.parse::<Digest>().is_err(), "{text}");
    }
    assert!("g".repeat(16).parse::<Fingerprint>().is_err());
    assert!("é".repeat(8).parse::<Fingerprint>().is_err());
}

#[test]
fn a_deal_has_one_id_for_ever() {
    let id = |product: &str, key: &str| {
        DealId::of(&product.parse().unwrap(), &key.parse().unwrap()).to_string()
    };
    assert_eq!(id("sku-1", "summer-2026"), "7a637b87-d09a-56b3-96da-9e087dc69fca");
    assert_ne!(id("sku-1", "summer-2026"), id("sku-2", "summer-2026"));
    assert_ne!(id("sku-1", "summer-2026"), id("sku-1", "summer-2027"));
    // The slash between them is in neither alphabet.
    assert_ne!(id("a-b", "c"), id("a", "b-c"));
}

#[test]
fn digests_are_those_of_every_build_before() {
    let parts: [&[u8]; 2] = [b"ab", b"c"];
    let shifted: [&[u8]; 2] = [b"a", b"bc"];
    assert_eq!(Digest::of("d", &parts).to_string(), "d8afde031a3ebe5c403e77858554e5ac");
    assert_eq!(Digest::of("d", &shifted).to_string(), "3170314b6586f538b68096aaff3fdf54");
    assert_eq!(Digest::of("d", &[]).to_string(), "e7f3ae40b6cc78d7e7b2cc69f4c9c86a");
    let customer = Uuid::from_bytes([0x22; 16]);
    assert_eq!(Digest::of_key(customer, "key-1").to_string(), "a6d264603e4729dda2bc1b5470eac53b");
    assert_eq!(Digest::of_payment("pay-1").to_string(), "3cfa3f92e199b619f9ffbaaa4a8e12e8");
    assert_eq!(Fingerprint::of(&parts).to_string(), "36c92c3938b61541");
    assert_eq!(Fingerprint::of(&[]).to_string(), "f0a7759903e15741");
}

#[test]
fn digests_of_two_domains_or_of_parts_cut_elsewhere_differ() {
    let parts: [&[u8]; 2] = [b"ab", b"c"];
    let others: [&[&[u8]]; 5] = [&[b"a", b"bc"], &[b"abc"], &[b"ab", b"c", b""], &[b"ab"], &[]];
    for other in others {
        assert_ne!(Digest::of("d", &parts), Digest::of("d", other), "{other:?}");
        assert_ne!(Fingerprint::of(&parts), Fingerprint::of(other), "{other:?}");
    }
    assert_ne!(Digest::of("d", &parts), Digest::of("e", &parts));
    assert_ne!(Digest::of("da", &[b"b"]), Digest::of("d", &[b"ab"]));
}

#[test]
fn times_are_printed_as_rfc_3339_with_milliseconds() {
    let print = |millis| Timestamp::from_millis(millis).to_string();
    assert_eq!(print(0), "1970-01-01T00:00:00.000Z");
    assert_eq!(print(-1), "1969-12-31T23:59:59.999Z");
    assert_eq!(print(1_769_860_800_007), "2026-01-31T12:00:00.007Z");
    assert_eq!(Timestamp::MAX.to_string(), "9999-12-31T23:59:59.999Z");
    assert_eq!(Timestamp::MIN.to_string(), "0000-01-01T00:00:00.000Z");
    assert_eq!(print(Timestamp::MAX.as_millis() + 1), "253402300800000 ms");
    assert_eq!(print(i64::MIN), "-9223372036854775808 ms");
}

#[test]
fn times_are_read_from_any_rfc_3339() {
    let table = [
        ("2026-01-31T12:00:00Z", Some(1_769_860_800_000)),
        ("2026-01-31T12:00:00.0079Z", Some(1_769_860_800_007)),
        ("2026-01-31T21:00:00+09:00", Some(1_769_860_800_000)),
        ("2026-01-31t12:00:00z", Some(1_769_860_800_000)),
        ("1969-12-31T23:59:59.9999Z", Some(-1)),
        ("9999-12-31T23:59:59.999Z", Some(Timestamp::MAX.as_millis())),
        ("9999-12-31T23:59:59Z", Some(Timestamp::MAX.as_millis() - 999)),
        ("9999-12-31T23:59:59-00:01", None),
        ("0000-01-01T00:00:00Z", Some(Timestamp::MIN.as_millis())),
        ("0000-01-01T00:00:00+00:01", None),
        ("2026-02-29T00:00:00Z", None),
        ("2026-01-31T24:00:00Z", None),
        ("2026-01-31T12:00:00", None),
        ("2026-01-31", None),
        ("+12026-01-31T12:00:00Z", None),
        ("1769860800000", None),
        ("", None),
    ];
    for (text, millis) in table {
        assert_eq!(rfc3339::parse(text).ok().map(Timestamp::as_millis), millis, "{text}");
    }
}

#[test]
fn a_time_in_the_log_is_an_integer() {
    assert_eq!(serde_json::to_string(&Timestamp::from_millis(-5)).unwrap(), "-5");
    assert_eq!(serde_json::from_str::<Timestamp>("-5").unwrap(), Timestamp::from_millis(-5));
    for text in ["1.0", "\"2026-01-31T12:00:00Z\"", "null", "9223372036854775808"] {
        assert!(serde_json::from_str::<Timestamp>(text).is_err(), "{text}");
    }
}

#[test]
fn time_arithmetic_stays_within_what_can_be_written() {
    let second = Duration::from_secs(1);
    assert_eq!(Timestamp::EPOCH.plus(second), Timestamp::from_millis(1_000));
    assert_eq!(Timestamp::MAX.plus(second), Timestamp::MAX);
    assert_eq!(Timestamp::EPOCH.plus(Duration::MAX), Timestamp::MAX);
    assert_eq!(Timestamp::from_millis(1_000).since(Timestamp::EPOCH), second);
    assert_eq!(Timestamp::EPOCH.since(Timestamp::from_millis(1_000)), Duration::ZERO);
    let longest = Timestamp::from_millis(i64::MAX).since(Timestamp::from_millis(i64::MIN));
    assert_eq!(longest, Duration::from_millis(i64::MAX.unsigned_abs()));
}

#[test]
fn a_currency_is_three_capital_letters() {
    assert_eq!("EUR".parse::<Currency>().unwrap().as_str(), "EUR");
    for text in ["", "EU", "EURO", "eur", "E1R", "ÄU", "EU\u{0}", "€"] {
        assert!(text.parse::<Currency>().is_err(), "{text}");
    }
}

#[test]
fn money_is_an_integer_of_minor_units_and_a_currency() {
    let money: Money = serde_json::from_str(r#"{"currency":"KRW","amount":19900}"#).unwrap();
    assert_eq!(serde_json::to_string(&money).unwrap(), r#"{"amount":19900,"currency":"KRW"}"#);
    assert_eq!(money.times(3).amount, 59_700);
    assert_eq!(money.times(0).amount, 0);
    let broken = [
        r#"[19900,"KRW"]"#,
        r#"{"amount":19900}"#,
        r#"{"amount":199.0,"currency":"KRW"}"#,
        r#"{"amount":"19900","currency":"KRW"}"#,
        r#"{"amount":1,"amount":1,"currency":"KRW"}"#,
        r#"{"amount":1,"currency":"krw"}"#,
        "19900",
    ];
    for text in broken {
        assert!(serde_json::from_str::<Money>(text).is_err(), "{text}");
    }
}

#[test]
fn the_largest_price_times_the_largest_limit_is_exact_in_javascript() {
    let price = Money { amount: schemas::limits::PRICE_MAX, currency: "KRW".parse().unwrap() };
    let total = price.times(schemas::limits::LIMIT_PER_CUSTOMER_MAX);
    assert!(total.amount < 1 << 53);
}

#[test]
fn a_position_is_shown_as_partition_and_offset() {
    assert_eq!(Position { partition: 3, offset: 812 }.to_string(), "3/812");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..Default::default() })]

    #[test]
    fn every_printed_time_is_read_back(
        millis in Timestamp::MIN.as_millis()..=Timestamp::MAX.as_millis(),
    ) {
        let time = Timestamp::from_millis(millis);
        prop_assert_eq!(rfc3339::parse(&time.to_string()), Ok(time));
    }

    #[test]
    fn any_text_as_a_time_or_a_name_gets_an_answer(text in any::<String>()) {
        drop((rfc3339::parse(&text), text.parse::<ProductId>(), text.parse::<Digest>()));
        drop((text.parse::<Currency>(), text.parse::<DealKey>(), text.parse::<Fingerprint>()));
    }

    #[test]
    fn every_digest_is_read_as_it_is_written(number in any::<u128>()) {
        prop_assert_eq!(Digest(number).to_string().parse(), Ok(Digest(number)));
    }
}
