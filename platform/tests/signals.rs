//! Signals need a process of their own: this test binary starts itself again and signals that.

#![allow(clippy::unwrap_used, reason = "a test stops where it fails")]

use platform::shutdown::{ShutdownToken, listen_for_signals};
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdout, Command, Stdio};

/// Set in the second process; without it [`the_second_process`] has nothing to do.
const ROLE_VARIABLE: &str = "PLATFORM_SIGNALS_TEST_ROLE";

#[test]
fn the_second_process() {
    if std::env::var_os(ROLE_VARIABLE).is_none() {
        return;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let shutdown = ShutdownToken::new();
        listen_for_signals(shutdown.clone()).unwrap();
        say("listening");
        shutdown.cancelled().await;
        say("stopping");
        // A process that hangs while it stops: only a second signal gets it out.
        std::future::pending::<()>().await;
    });
}

#[test]
fn the_first_signal_asks_and_a_second_one_ends_with_its_code() {
    check("TERM", "TERM", 143);
    check("INT", "INT", 130);
    check("TERM", "INT", 130);
}

#[track_caller]
fn check(first: &str, second: &str, expect_code: i32) {
    let (mut process, mut lines) = start();
    wait_for(&mut lines, "listening");
    send(&process, first);
    wait_for(&mut lines, "stopping");
    send(&process, second);
    let status = process.wait().unwrap();
    assert_eq!(status.code(), Some(expect_code), "{first} then {second}");
}

fn start() -> (Child, BufReader<ChildStdout>) {
    let mut process = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "the_second_process", "--nocapture"])
        .env(ROLE_VARIABLE, "signalled")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(process.stdout.take().unwrap());
    (process, lines)
}

/// Reads on until a line ends in `word`; the test runner writes lines of its own around it.
fn wait_for(lines: &mut BufReader<ChildStdout>, word: &str) {
    let mut line = String::new();
    while !line.trim_end().ends_with(word) {
        line.clear();
        assert!(lines.read_line(&mut line).unwrap() > 0, "ended before it said {word}");
    }
}

fn send(process: &Child, signal: &str) {
    let status =
        Command::new("kill").args([&format!("-{signal}"), &process.id().to_string()]).status();
    assert!(status.unwrap().success());
}

fn say(word: &str) {
    let mut output = std::io::stdout().lock();
    writeln!(output, "{word}").unwrap();
    output.flush().unwrap();
}
