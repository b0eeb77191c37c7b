//! The canonical form is one of those that serde reads, and what it gives up on is little.

use super::*;
use crate::log::{Command, Decision};

/// What is read of `text`, and that serde reads it as the same.
fn read<T: Value + serde::de::DeserializeOwned + PartialEq + std::fmt::Debug>(
    text: &str,
) -> Option<T> {
    let mut rest = Rest::new(text);
    let read = T::read(&mut rest).filter(|_| rest.is_empty());
    if let Some(read) = &read {
        assert_eq!(serde_json::from_str::<T>(text).ok().as_ref(), Some(read), "{text}");
        let mut written = Vec::new();
        Value::write(read, &mut written);
        assert_eq!(String::from_utf8(written).unwrap(), text);
    }
    read
}

#[test]
fn integers_are_read_up_to_their_ends_and_in_one_form() {
    for text in ["0", "9", "10", "65535"] {
        assert_eq!(read::<u16>(text), text.parse().ok());
        assert_eq!(read::<u64>(text), text.parse().ok());
    }
    for text in ["-1", "-9223372036854775807", "9223372036854775807", "0"] {
        assert_eq!(read::<i64>(text), text.parse().ok());
    }
    for text in ["", "-0", "00", "01", "-01", "+1", "1.0", "1e0", " 1", "1 ", "-", "0x1"] {
        assert_eq!(read::<i64>(text), None, "{text}");
    }
    assert_eq!(read::<u16>("65536"), None);
    assert_eq!(read::<u32>("4294967296"), None);
    assert_eq!(read::<i64>("9223372036854775808"), None);
    assert_eq!(read::<u64>("18446744073709551616"), None);
}

#[test]
fn texts_are_read_up_to_their_quote_if_nothing_is_escaped() {
    let read = |text: &str| read::<Box<str>>(text).map(String::from);
    assert_eq!(read(r#""""#).as_deref(), Some(""));
    assert_eq!(read("\"w-1 \u{7f}é\u{1f3ab}\"").as_deref(), Some("w-1 \u{7f}é\u{1f3ab}"));
    for text in [r#""a\"b""#, r#""a\n""#, "\"a\nb\"", r#""a"#, "a\"", ""] {
        assert_eq!(read(text), None, "{text}");
    }
    let mut written = Vec::new();
    Value::write(&Box::<str>::from("a\"\n\u{1}é"), &mut written);
    assert_eq!(written, serde_json::to_vec("a\"\n\u{1}é").unwrap());
}

#[test]
fn uuids_and_digests_are_read_in_the_form_in_which_they_are_written() {
    let uuid = "0123abcd-0000-4000-8000-00000000ffff";
    assert_eq!(read::<Uuid>(&format!("\"{uuid}\"")), uuid.parse().ok());
    let simple = uuid.replace('-', "");
    assert_eq!(read::<Digest>(&format!("\"{simple}\"")), simple.parse().ok());
    for text in [&simple, &simple.to_uppercase(), &uuid.replace('a', "é")[..]] {
        assert_eq!(read::<Uuid>(&format!("\"{text}\"")), None, "{text}");
    }
    assert_eq!(read::<Digest>(&format!("\"{}\"", simple.to_uppercase())), None);
}

#[test]
fn what_this_build_writes_is_read_without_serde() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/golden");
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let text = std::fs::read_to_string(&path).unwrap();
        // Claims and a log's beginning are rare, and so are the terms of a deal.
        let is_rare = ["genesis", "owner", "announce"].iter().any(|it| name.contains(it));
        for line in text.lines() {
            let is_read = Command::read(line).is_some() || Decision::read(line).is_some();
            assert_eq!(is_read, !is_rare, "{line}");
        }
    }
}
