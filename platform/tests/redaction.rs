//! No secret in what is printed: everything that holds one, and every fault about one.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::ffi::OsString;
use std::fs;
use std::path::Path;

use platform::secrets::{
    DataDirKeys, KeyRing, Rotating, Secret, SecretBytes, SecretReader, SecretSource, SecretWatch,
    SigningKeyMaterial, SigningKeys, parse_webhook,
};

/// A secret that is long enough to be a key, and stands out in every form in which it could print.
const WORDS: &str = "hunter2hunter2hunter2hunter2hunter2!";
/// The same as base64.
const BASE64: &str = "aHVudGVyMmh1bnRlcjJodW50ZXIyaHVudGVyMmh1bnRlcjIh";

#[track_caller]
fn check(printed: &str) {
    let decimal = WORDS.as_bytes()[..4].iter().map(u8::to_string).collect::<Vec<_>>();
    let forms = ["hunter2".to_owned(), BASE64[..12].to_owned(), decimal.join(", ")];
    for form in forms {
        assert!(!printed.contains(&form), "{printed}");
    }
    assert!(!printed.contains("MC4CAQAwBQYDK2Vw"), "{printed}");
    let lines: String = printed.split_whitespace().collect();
    assert!(!lines.contains(&decimal.join(",")), "{printed}");
}

#[track_caller]
fn check_debug(held: &impl std::fmt::Debug) {
    check(&format!("{held:?}"));
    check(&format!("{held:#?}"));
}

fn secret() -> SecretBytes {
    SecretBytes::new(WORDS.as_bytes().to_vec())
}

const PEM: &str = "-----BEGIN PRIVATE KEY-----\n\
    MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n\
    -----END PRIVATE KEY-----\n";

#[tokio::test]
async fn whatever_holds_a_secret_prints_without_it() {
    let ring = KeyRing::new([(1, secret()), (2, secret())]).unwrap();
    let signing = SigningKeys::from_bytes(WORDS.as_bytes()).unwrap();
    check_debug(&secret());
    check_debug(&Secret::new(WORDS.to_owned()));
    check_debug(&Rotating::new(secret()));
    check_debug(&Rotating::new(secret()).load());
    check_debug(&SigningKeyMaterial::Hs256(secret()));
    check_debug(&SigningKeys::from_bytes(PEM.as_bytes()).unwrap());
    let keys = DataDirKeys { signing, ticket: ring, webhook: vec![secret()] };
    check_debug(&keys);
    check_debug(&keys.signing.signing());
    let reader = SecretReader::new(|_| Some(OsString::from(WORDS)));
    check_debug(&reader);
    let source = SecretSource::Environment("KEY".into());
    let read = |bytes: &[u8], _: Option<&SecretBytes>| Ok(SecretBytes::new(bytes.to_vec()));
    let watch = SecretWatch::open("key", source, reader, read).await.unwrap();
    check_debug(&watch);
    check_debug(&watch.current());
}

/// Files that hold the secret, and are broken in one way or another.
fn broken() -> Vec<String> {
    vec![
        format!("{{\"version\":1,\"secret\":\"{WORDS}\""),
        format!("{{\"{WORDS}\":1}}"),
        format!("{{\"version\":\"{WORDS}\"}}"),
        format!("{{\"version\":1,\"algorithm\":\"{WORDS}\",\"secret\":\"\"}}"),
        format!("{{\"version\":1,\"algorithm\":\"HS256\",\"secret\":\"{WORDS}\"}}"),
        format!("{{\"version\":1,\"algorithm\":\"EdDSA\",\"secret\":\"{BASE64}\"}}"),
        format!("{{\"version\":2,\"keys\":[{{\"kid\":\"{WORDS}\",\"algorithm\":\"HS256\"}}]}}"),
        format!(
            "{{\"version\":2,\"keys\":[{{\"kid\":\"a\",\"algorithm\":\"EdDSA\",\
             \"private_key\":\"{WORDS}\"}}],\"signs\":\"a\"}}"
        ),
        format!("{{\"version\":1,\"keys\":\"{WORDS}\",\"secrets\":[\"{WORDS}\"]}}"),
        format!("{{\"version\":1,\"keys\":[{{\"number\":\"{WORDS}\",\"secret\":\"{BASE64}\"}}]}}"),
        format!("{{\"version\":1,\"secrets\":[\"{WORDS}\"]}}"),
        format!("-----BEGIN PRIVATE KEY-----\n{WORDS}\n-----END PRIVATE KEY-----"),
        format!("-----BEGIN {WORDS}"),
        PEM.replace("K2Vw", "K2Vx"),
        "hunter2".to_owned(),
    ]
}

#[tokio::test]
async fn faults_of_key_files_do_not_show_what_stands_there() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("key");
    for content in broken() {
        let bytes = content.as_bytes();
        let faults = [
            SigningKeys::from_bytes(bytes).map(drop),
            KeyRing::read(bytes, None).map(drop),
            parse_webhook(bytes).map(drop),
        ];
        assert!(faults.iter().all(Result::is_err), "{content}");
        faults.into_iter().for_each(|fault| check(&fault.unwrap_err()));
        fs::write(&path, &content).unwrap();
        check_fault(&path).await;
    }
}

async fn check_fault(path: &Path) {
    let fault = SigningKeys::load(path).unwrap_err();
    check(&format!("{fault} {fault:?}"));
    let source = SecretSource::file(path);
    let parse = |bytes: &[u8], _: Option<&SigningKeys>| SigningKeys::from_bytes(bytes);
    let fault = SecretWatch::open("key", source, SecretReader::of_process(), parse).await;
    let fault = fault.unwrap_err();
    check(&format!("{fault} {fault:?}"));
}

#[test]
fn a_secret_where_a_source_belongs_is_not_shown() {
    for text in [WORDS.to_owned(), BASE64.to_owned(), format!("{{\"k\":\"{WORDS}\"}}")] {
        let fault = text.parse::<SecretSource>().unwrap_err();
        check(&format!("{fault} {fault:?}"));
    }
}
