//! Rotation, against files that change.

use super::{SecretOutcome, SecretWatch};
use crate::clock::{Clock, ManualClock};
use crate::secrets::{KeyRing, SecretError, SecretReader, SecretSource};
use crate::shutdown::ShutdownToken;
use std::fs;
use std::path::Path;
use std::sync::Arc;

fn parse(bytes: &[u8], before: Option<&u32>) -> Result<u32, String> {
    let number: u32 = std::str::from_utf8(bytes)
        .ok()
        .and_then(|text| text.parse().ok())
        .ok_or_else(|| "it is no number".to_owned())?;
    match before {
        Some(before) if number < *before => Err("it goes back".to_owned()),
        Some(_) | None => Ok(number),
    }
}

async fn open(path: &Path) -> Result<SecretWatch<u32>, SecretError> {
    SecretWatch::open("number", SecretSource::file(path), SecretReader::of_process(), parse).await
}

async fn check(watch: &mut SecretWatch<u32>, expect: SecretOutcome, value: u32) {
    assert_eq!(watch.step().await, expect);
    assert_eq!(*watch.current().load().value(), value);
}

#[tokio::test]
async fn what_is_new_and_good_is_taken_and_all_else_leaves_the_one_before() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("number");
    fs::write(&path, "1").unwrap();
    let mut watch = open(&path).await.unwrap();
    check(&mut watch, SecretOutcome::Unchanged, 1).await;
    fs::write(&path, "2").unwrap();
    check(&mut watch, SecretOutcome::Changed, 2).await;
    check(&mut watch, SecretOutcome::Unchanged, 2).await;
    fs::write(&path, "1").unwrap();
    check(&mut watch, SecretOutcome::Refused, 2).await;
    assert_eq!(watch.warned.as_deref(), Some("it goes back"));
    fs::write(&path, "hunter2").unwrap();
    check(&mut watch, SecretOutcome::Refused, 2).await;
    assert_eq!(watch.warned.as_deref(), Some("it is no number"));
    fs::remove_file(&path).unwrap();
    check(&mut watch, SecretOutcome::Unreadable, 2).await;
    assert!(watch.warned.as_ref().unwrap().contains("there is no secret at file:"));
    fs::write(&path, "2").unwrap();
    check(&mut watch, SecretOutcome::Unchanged, 2).await;
    assert_eq!(watch.warned, None);
    assert_eq!(watch.current().load().number(), 1);
}

#[tokio::test]
async fn a_first_secret_that_is_no_good_is_a_fault() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("number");
    assert!(matches!(open(&path).await.unwrap_err(), SecretError::Missing(_)));
    fs::write(&path, "hunter2").unwrap();
    let error = open(&path).await.unwrap_err().to_string();
    assert!(error.ends_with("number cannot be used: it is no number"), "{error}");
    assert!(!error.contains("hunter2"));
}

#[tokio::test]
async fn the_loop_reads_at_every_interval_until_shutdown() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("number");
    fs::write(&path, "1").unwrap();
    let watch = open(&path).await.unwrap();
    let current = watch.current();
    let clock = ManualClock::new(0);
    let (shared, stop): (Arc<dyn Clock>, _) = (Arc::new(clock.clone()), ShutdownToken::new());
    let running = tokio::spawn(watch.run(shared, stop.clone()));
    fs::write(&path, "2").unwrap();
    let waited = tokio::time::timeout(std::time::Duration::from_secs(20), async {
        while current.load().number() == 0 {
            clock.advance_to_next();
            tokio::task::yield_now().await;
        }
    });
    waited.await.unwrap();
    let step = loop {
        // The next sleep begins once the file was read.
        if let Some(step) = clock.until_next() {
            break step;
        }
        tokio::task::yield_now().await;
    };
    assert!((24..=36).contains(&step.as_secs()), "{step:?}");
    stop.trigger();
    running.await.unwrap();
}

#[tokio::test]
async fn a_key_ring_that_lost_a_key_is_not_taken() {
    const ONE: &str = r#"{"number":1,"secret":"BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc="}"#;
    const TWO: &str = r#"{"number":2,"secret":"CAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAg="}"#;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ticket.json");
    let write = |keys: &str, more: &str| {
        fs::write(&path, format!(r#"{{"version":1,"keys":[{keys}]{more}}}"#)).unwrap();
    };
    write(ONE, "");
    let reader = SecretReader::of_process();
    let source = SecretSource::file(&path);
    let mut watch = SecretWatch::open("ticket", source, reader, KeyRing::read).await.unwrap();
    let ring = watch.current();
    // First the new key is accepted everywhere, then it issues.
    write(&format!("{ONE},{TWO}"), r#","issues":1"#);
    assert_eq!(watch.step().await, SecretOutcome::Changed);
    assert_eq!((ring.load().issuing().0, ring.load().get(2).is_some()), (1, true));
    write(&format!("{ONE},{TWO}"), "");
    assert_eq!(watch.step().await, SecretOutcome::Changed);
    assert_eq!(ring.load().issuing().0, 2);
    write(TWO, "");
    assert_eq!(watch.step().await, SecretOutcome::Refused);
    assert!(watch.warned.as_ref().unwrap().contains("key number 1 is gone"));
    write(&format!("{ONE},{}", TWO.replacen("CAg", "BwB", 1)), "");
    assert_eq!(watch.step().await, SecretOutcome::Refused);
    assert!(watch.warned.as_ref().unwrap().contains("key number 2 is another key"));
    assert_eq!(ring.load().newest_first().count(), 2);
}
