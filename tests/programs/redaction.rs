//! No secret in what a program prints or shows: logs at any level, help, complaints, metrics.

#[cfg(feature = "cloud")]
mod logs;

use std::process::Command;

use crate::program::{clean_command, run};

/// Long enough to be a key, and conspicuous in every form in which it could be printed.
pub(crate) const WORDS: &str = "hunter2hunter2hunter2hunter2hunter2!";
/// The same as base64.
pub(crate) const BASE64: &str = "aHVudGVyMmh1bnRlcjJodW50ZXIyaHVudGVyMmh1bnRlcjIh";

/// Whether the words, or a good part of them in another form, stand in a text.
#[track_caller]
pub(crate) fn check(printed: &str) {
    let decimal: Vec<String> = WORDS.bytes().take(8).map(|byte| byte.to_string()).collect();
    let hex: String = WORDS.bytes().take(8).map(|byte| format!("{byte:02x}")).collect();
    let mut forms = vec!["hunter2".to_owned(), decimal.join(","), decimal.join(", "), hex];
    forms.extend((0..BASE64.len() - 12).map(|at| BASE64[at..at + 12].to_owned()));
    for line in printed.lines() {
        for form in &forms {
            assert!(!line.contains(form.as_str()), "{form} in {line}");
        }
    }
}

/// Every variable that may hold a secret, or says where one is and may hold it by mistake.
const SECRET_VARIABLES: [&str; 6] = [
    "TIMEDEAL_DATABASE_PASSWORD",
    "TIMEDEAL_DATABASE_URL",
    "TIMEDEAL_KAFKA_PASSWORD",
    "TIMEDEAL_SIGNING_KEYS",
    "TIMEDEAL_TICKET_KEYS",
    "TIMEDEAL_WEBHOOK_KEYS",
];

#[test]
fn help_shows_no_secret_of_the_environment() {
    let lines: [&[&str]; 9] = [
        &["gateway"],
        &["order-worker"],
        &["projector"],
        &["timedeal"],
        &["timedeal", "serve"],
        &["timedeal", "audit"],
        &["timedeal", "migrate"],
        &["timedeal", "topics", "create"],
        &["timedeal", "topics", "check"],
    ];
    for line in lines {
        let mut command = clean_command(line[0]);
        command.args(&line[1..]).arg("--help");
        for variable in SECRET_VARIABLES {
            command.env(variable, format!("file:/{WORDS}"));
        }
        command.env("TIMEDEAL_DATABASE_URL", format!("mysql://me:{WORDS}@db/shop"));
        let (said, code) = run(command);
        assert_eq!(code, Some(0), "{line:?}: {said}");
        check(&said);
    }
}

/// A program that has to refuse its command line, and to say of which part without repeating it.
#[track_caller]
fn check_refused(mut command: Command, expect_code: i32, expect: &str) {
    command.current_dir(std::env::temp_dir());
    let (said, code) = run(command);
    assert_eq!(code, Some(expect_code), "{said}");
    assert!(said.contains(expect), "{said}");
    check(&said);
}

#[test]
fn a_secret_that_stands_where_its_place_belongs_is_not_repeated() {
    for (flag, variable) in [
        ("--kafka-password", "TIMEDEAL_KAFKA_PASSWORD"),
        ("--database-password", "TIMEDEAL_DATABASE_PASSWORD"),
        ("--signing-keys", "TIMEDEAL_SIGNING_KEYS"),
        ("--ticket-keys", "TIMEDEAL_TICKET_KEYS"),
        ("--webhook-keys", "TIMEDEAL_WEBHOOK_KEYS"),
    ] {
        for secret in [WORDS, BASE64, "aws-sm:hunter2 !"] {
            let mut by_flag = clean_command("gateway");
            by_flag.args([flag, secret]);
            check_refused(by_flag, 2, flag);
            let mut by_variable = clean_command("gateway");
            by_variable.env(variable, secret);
            check_refused(by_variable, 2, flag);
        }
    }
}

#[test]
fn a_password_in_an_address_is_not_repeated() {
    let mut log = clean_command("gateway");
    log.env("TIMEDEAL_LOG_URL", format!("kafka://me:{WORDS}@127.0.0.1:9092/shop"));
    check_refused(log, 2, "--log-url");
    for url in ["mysqls://me:{}@db/shop", "mysql://me:{}@db", "mysql://me:{}@127.0.0.1:1/shop"] {
        let mut database = clean_command("timedeal");
        database.arg("migrate").env("TIMEDEAL_DATABASE_URL", url.replace("{}", WORDS));
        check_refused(database, 1, "timedeal: ");
    }
}

#[test]
fn a_password_that_the_server_refuses_is_not_repeated() {
    let mut command = clean_command("timedeal");
    let server = test_servers::Server::Mysql.address();
    let (_, host) = server.rsplit_once('@').unwrap_or(("", &server));
    command.arg("migrate").env("HELD", WORDS);
    command.env("TIMEDEAL_DATABASE_URL", format!("mysql://root@{host}/mysql"));
    command.env("TIMEDEAL_DATABASE_PASSWORD", "env:HELD");
    check_refused(command, 1, "timedeal: ");
}

#[test]
fn a_key_file_that_is_broken_is_named_and_not_shown() {
    let folder = tempfile::tempdir().unwrap();
    let broken = folder.path().join("broken.json");
    let contents = [
        WORDS[..20].to_owned(),
        format!("{{\"version\":1,\"secret\":\"{WORDS}\""),
        format!("{{\"version\":\"{WORDS}\"}}"),
        format!("{{\"version\":1,\"{WORDS}\":\"{BASE64}\"}}"),
        format!("{{\"version\":2,\"keys\":[{{\"kid\":\"{WORDS}\",\"algorithm\":\"HS256\"}}]}}"),
        format!("{{\"version\":1,\"keys\":[{{\"number\":\"{WORDS}\",\"secret\":\"{BASE64}\"}}]}}"),
        format!("-----BEGIN PRIVATE KEY-----\n{BASE64}\n-----END PRIVATE KEY-----\n"),
    ];
    let (_, made) = run({
        let mut command = clean_command("timedeal");
        command.args(["keys", "create", "--data-dir"]).arg(folder.path());
        command
    });
    assert_eq!(made, Some(0));
    for content in contents {
        std::fs::write(&broken, content).unwrap();
        for (variable, _) in crate::shop::KEYS {
            let mut command = clean_command("gateway");
            for (other, file) in crate::shop::KEYS {
                let whole = folder.path().join("keys").join(file);
                let place = if other == variable { &broken } else { &whole };
                command.env(other, format!("file:{}", place.display()));
            }
            command.env("TIMEDEAL_OPS_LISTEN", "127.0.0.1:0");
            command.env("TIMEDEAL_LOG_LEVEL", "trace");
            check_refused(command, 1, &broken.display().to_string());
        }
    }
}
