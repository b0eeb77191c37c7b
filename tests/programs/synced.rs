//! What a service on a data directory has asked of its disk by the time that it answers.

#![allow(clippy::print_stdout, reason = "says how often the disk was asked")]

use std::collections::HashMap;
use std::path::Path;
use std::process::Command;

use tempfile::tempdir;

use crate::embedded::{check_audit, order, outcome, watched};
use crate::program::{Program, clean_command, run};
use crate::selling::{announce, token};

/// Purchases one after the other, fewer than one customer may send at once.
const PURCHASES: usize = 15;
const WAL: &str = "/log.sqlite-wal";

/// One line of `strace` that matters.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Call {
    /// A write to the write-ahead log of the log; what can be read of it.
    Write(String),
    /// A sync of this file or directory has ended well.
    Sync(String),
    /// An answer begins: its status.
    Answer(String),
}

impl Call {
    fn is_sync_of_wal(&self) -> bool {
        matches!(self, Self::Sync(path) if path.ends_with(WAL))
    }
}

/// Words of a command line by which the program after them is watched. It is the child, the watcher
/// is not: signals go to the program.
fn watcher(output: &Path) -> Vec<&str> {
    let output = output.to_str().unwrap();
    let calls = "trace=pwrite64,fsync,fdatasync,write,writev,sendto,sendmsg";
    let words = ["strace", "-D", "-f", "-qq", "-y", "-s", "4096", "-o", output, "-e", calls];
    [&words[..], &["-e", "signal=none"]].concat()
}

/// Reads the calls. A write and an answer count from their beginning, a sync from its end.
fn read(path: &Path) -> Vec<Call> {
    let text = String::from_utf8_lossy(&std::fs::read(path).unwrap()).into_owned();
    let mut calls = Vec::new();
    let mut syncing: HashMap<&str, &str> = HashMap::new();
    for line in text.lines() {
        let (process, call) = line.split_once(' ').unwrap();
        let call = call.trim_start();
        let file = call.split_once('<').and_then(|(_, rest)| rest.split_once('>'));
        let file = file.map_or("", |(path, _)| path);
        let ended = if call.starts_with("fsync(") || call.starts_with("fdatasync(") {
            syncing.insert(process, file);
            !call.ends_with("<unfinished ...>")
        } else {
            call.starts_with("<... fsync") || call.starts_with("<... fdatasync")
        };
        if ended {
            let file = syncing.remove(process).expect("it was begun");
            if call.ends_with("= 0") {
                calls.push(Call::Sync(file.to_owned()));
            }
        } else if call.starts_with("pwrite64(") && file.ends_with(WAL) {
            calls.push(Call::Write(call.to_owned()));
        } else if !call.starts_with("<...")
            && let Some((_, status)) = call.split_once("\"HTTP/1.0 ")
        {
            calls.push(Call::Answer(status[..3].to_owned()));
        }
    }
    calls
}

/// Whether all of these below `place` were synced; the place itself is the empty name.
#[track_caller]
fn check_synced(calls: &[Call], place: &Path, names: &[&str]) {
    let place = place.canonicalize().unwrap();
    for name in names {
        let path = if name.is_empty() { place.clone() } else { place.join(name) };
        let sync = Call::Sync(path.to_str().unwrap().to_owned());
        assert!(calls.contains(&sync), "{sync:?} is missing");
    }
}

#[test]
fn a_purchase_is_on_disk_before_it_is_answered() {
    let place = tempdir().unwrap();
    let (data, calls) = (place.path().join("fresh/data"), place.path().join("calls"));
    let mut service = Program::start(&mut watched(&watcher(&calls), &data));
    service.until_ready();
    let gateway = service.public();
    let deal = announce(gateway, &token(&data, "admin"));
    let token = token(&data, "shop");
    let key = |number: usize| format!("bought-as-{number:03}");
    for number in 0..PURCHASES {
        let taken = order(&token, &key(number), &deal).send(gateway).json(202);
        assert_eq!(outcome(&token, &taken).send(gateway).json(200)["status"], "confirmed");
    }
    service.terminate();
    assert_eq!(service.end(), Some(0));
    check_audit(&data);

    let calls = read(&calls);
    let is_taken = |call: &Call| *call == Call::Answer("202".to_owned());
    let (mut from, mut first) = (0, None);
    for number in 0..PURCHASES {
        let key = key(number);
        let holds = |call: &Call| matches!(call, Call::Write(bytes) if bytes.contains(&key));
        let written = from + calls[from..].iter().position(holds).expect("it was written");
        let answered = from + calls[from..].iter().position(is_taken).expect("it was answered");
        let between = &calls[written.min(answered)..answered];
        assert!(between.iter().any(Call::is_sync_of_wal), "{key} was answered before");
        if number == 0 {
            let names = ["", "fresh", "fresh/data", "fresh/data/log.sqlite"];
            check_synced(&calls[..answered], place.path(), &names);
        }
        first.get_or_insert(written);
        from = answered + 1;
    }
    let syncs = calls[first.unwrap()..].iter().filter(|call| call.is_sync_of_wal()).count();
    println!("{syncs} syncs of the write-ahead log for {PURCHASES} purchases one by one");
    // One for the command, one for the decision; one or two more at the end.
    assert!((2 * PURCHASES..2 * PURCHASES + 5).contains(&syncs), "{syncs}");
}

#[test]
fn keys_that_were_made_are_on_disk_with_the_directories_above_them() {
    let place = tempdir().unwrap();
    let (data, calls) = (place.path().join("fresh/deep/data"), place.path().join("calls"));
    let words = watcher(&calls);
    let own = clean_command("timedeal");
    let mut command = Command::new(words[0]);
    command.args(&words[1..]).arg(own.get_program());
    command.args(["keys", "create", "--data-dir"]).arg(&data);
    let (said, code) = run(command);
    assert_eq!(code, Some(0), "{said}");
    let calls = read(&calls);
    check_synced(&calls, place.path(), &["", "fresh", "fresh/deep", "fresh/deep/data"]);
    let is_key = |call: &&Call| matches!(call, Call::Sync(path) if path.ends_with(".json"));
    assert_eq!(calls.iter().filter(is_key).count(), 3);
}
