//! Whether compose file, Dockerfile and the deployment document agree with the command lines. Only
//! tests; must not know what a flag does.

mod compose_file;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use clap::{Arg, Command, CommandFactory};
use platform::secrets::{KeyRing, SigningKeys, parse_webhook};

use self::compose_file::{Service, services};
use super::{Cli, GatewayFlags, OrderWorkerFlags, ProjectorFlags};

const DOCUMENT: &str = "docs/deployment.md";

fn path_of(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

#[track_caller]
fn read(name: &str) -> String {
    std::fs::read_to_string(path_of(name)).unwrap_or_else(|fault| panic!("{name}: {fault}"))
}

fn roles() -> [Command; 3] {
    [GatewayFlags::command(), OrderWorkerFlags::command(), ProjectorFlags::command()]
}

/// The command that these words start, as far down as subcommands go.
#[track_caller]
fn command_of(words: &[String]) -> Command {
    let (name, rest) = words.split_first().expect("a command has a program");
    let known = roles().into_iter().chain([Cli::command()]).find(|it| it.get_name() == name);
    let mut command = known.unwrap_or_else(|| panic!("{name} is none of our programs"));
    for word in rest {
        match command.find_subcommand(word) {
            Some(inner) => command = inner.clone(),
            None => break,
        }
    }
    command
}

fn variable(flag: &Arg) -> Option<&str> {
    flag.get_env().and_then(|name| name.to_str())
}

/// Every flag of a command and of all below it.
fn flags(command: &Command) -> Vec<&Arg> {
    let below = command.get_subcommands().flat_map(flags);
    command.get_arguments().chain(below).collect()
}

/// The command line that a service's variables amount to. What is secret is left out: its type
/// says no more than that it is a place.
fn words_with_variables(service: &Service, command: &Command) -> Vec<String> {
    let mut words = service.words.clone();
    for (name, value) in &service.variables {
        let flags = flags(command);
        let known = flags.iter().find(|flag| variable(flag) == Some(name));
        let flag = known.unwrap_or_else(|| panic!("{}: no flag reads {name}", service.name));
        if flag.is_hide_env_values_set() {
            let is_place = value.starts_with("file:") || value.starts_with("mysql://");
            assert!(is_place, "{}: {name} is {value}", service.name);
        } else {
            words.push(format!("--{}={value}", flag.get_long().expect("a variable is a flag's")));
        }
    }
    words
}

#[test]
fn every_variable_of_the_compose_file_is_a_flag_of_its_program_and_can_be_read() {
    let services = services(&read("docker-compose.yml"));
    let ours: Vec<&Service> = services.iter().filter(|it| !it.words.is_empty()).collect();
    assert_eq!(ours.len(), 7, "{ours:#?}");
    for service in ours {
        let command = command_of(&service.words);
        let words = words_with_variables(service, &command);
        // The service for everything has variables of every subcommand and runs none by itself.
        if service.words.last().is_some_and(|word| word == "--help") {
            continue;
        }
        let top = command_of(&words[..1]);
        if let Err(fault) = top.try_get_matches_from(&words) {
            panic!("{}: {fault}", service.name);
        }
    }
}

#[test]
fn the_health_check_of_the_compose_file_is_a_command() {
    let text = read("docker-compose.yml");
    let test = r#"test: ["CMD", "timedeal", "healthcheck"]"#;
    assert!(text.contains(test), "{test}");
    assert!(Cli::command().try_get_matches_from(["timedeal", "healthcheck"]).is_ok());
}

#[test]
fn the_document_has_every_variable_of_the_roles() {
    let text = read(DOCUMENT);
    let (begin, end) = ("<!-- variables -->\n", "<!-- end of variables -->");
    let (before, rest) = text.split_once(begin).expect("the table has a begin");
    let (table, after) = rest.split_once(end).expect("the table has an end");
    let made = variables_table();
    if std::env::var_os("TIMEDEAL_BLESS").is_some_and(|value| value == "1") {
        let whole = format!("{before}{begin}{made}{end}{after}");
        std::fs::write(path_of(DOCUMENT), whole).expect("write the document");
        return;
    }
    assert!(table == made, "TIMEDEAL_BLESS=1 cargo test -p timedeal deployment writes it anew");
}

/// A row for each variable: who reads it, what it is if not set, what it says.
fn variables_table() -> String {
    let roles = roles();
    let mut rows: Vec<(String, Vec<&str>, String)> = Vec::new();
    for role in &roles {
        for flag in role.get_arguments() {
            let Some(name) = variable(flag) else { continue };
            match rows.iter_mut().find(|(known, ..)| known == name) {
                Some((_, readers, _)) => readers.push(role.get_name()),
                None => rows.push((name.to_owned(), vec![role.get_name()], meaning(flag))),
            }
        }
    }
    rows.sort();
    let mut table =
        "| variable | read by | default | meaning |\n| --- | --- | --- | --- |\n".to_owned();
    for (name, readers, meaning) in rows {
        let readers = if readers.len() == roles.len() { "all".into() } else { readers.join(", ") };
        table += &format!("| `{name}` | {readers} | {meaning} |\n");
    }
    table
}

/// Default and help of a flag, as two cells.
fn meaning(flag: &Arg) -> String {
    let defaults: Vec<_> =
        flag.get_default_values().iter().map(|it| it.to_string_lossy()).collect();
    let default =
        if defaults.is_empty() { "–".into() } else { format!("`{}`", defaults.join(",")) };
    let help = flag.get_help().map(ToString::to_string).unwrap_or_default();
    format!("{default} | {}", help.replace('\n', " ").replace('|', "\\|"))
}

#[test]
fn the_commands_of_the_document_are_commands() {
    let text = read(DOCUMENT);
    let in_code = text.split("```").skip(1).step_by(2);
    let mut found = 0;
    for line in in_code.flat_map(str::lines) {
        let line = line.strip_prefix("docker compose run --rm ").unwrap_or(line);
        if line.starts_with("timedeal ") {
            let words = line.split_whitespace().map(|word| word.trim_matches('"'));
            if let Err(fault) = Cli::command().try_get_matches_from(words) {
                panic!("{line}: {fault}");
            }
            found += 1;
        }
    }
    assert!(found >= 8, "{found}");
}

#[test]
fn the_metrics_of_the_document_exist() {
    let mut sources = String::new();
    for folder in ["gateway/src", "order-worker/src", "projector/src", "platform/src"] {
        append_sources(&path_of(folder), &mut sources);
    }
    let text = read(DOCUMENT);
    let quoted = text.split('`').skip(1).step_by(2);
    let names: BTreeSet<&str> = quoted.filter(|name| name.starts_with("timedeal_")).collect();
    assert!(names.len() > 5, "{names:?}");
    for name in names {
        assert!(sources.contains(&format!("\"{name}\"")), "{name}");
    }
}

#[test]
fn the_lists_of_keys_of_the_document_can_be_read() {
    let text = read(DOCUMENT);
    let begin = text.split("```json\n").nth(1).expect("there is a block");
    let block = begin.split("```").next().unwrap_or_default();
    let pem = read("gateway/src/auth/oidc/tests/test-keys/ed25519.pem").replace('\n', "\\n");
    let secret = "YWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWE=";
    let block = block.replace("-----BEGIN PRIVATE KEY-----\\n…", &pem).replace('…', secret);
    let lists = serde_json::Deserializer::from_str(&block).into_iter::<serde_json::Value>();
    let lists: Vec<String> = lists.map(|list| list.unwrap().to_string()).collect();
    let [signing, ticket, webhook] = lists.as_slice() else { panic!("{lists:?}") };
    let signing = SigningKeys::from_bytes(signing.as_bytes()).unwrap();
    assert_eq!((signing.keys().len(), signing.signing().kid.as_deref()), (2, Some("spring")));
    assert_eq!(KeyRing::read(ticket.as_bytes(), None).unwrap().issuing().0, 1);
    assert_eq!(parse_webhook(webhook.as_bytes()).unwrap().len(), 2);
}

fn append_sources(folder: &Path, sources: &mut String) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            append_sources(&path, sources);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            *sources += &std::fs::read_to_string(&path).unwrap();
        }
    }
}

#[test]
fn cargo_run_starts_everything_in_one_process_as_the_readme_says() {
    assert!(read("README.md").lines().any(|line| line.starts_with("cargo run --release ")));
    assert!(read("Cargo.toml").lines().any(|line| line == "default-run = \"timedeal\""));
}

#[test]
fn the_image_is_built_from_all_crates_with_the_toolchain_of_the_repository() {
    let ignored = read(".dockerignore");
    let manifest = read("Cargo.toml");
    let (_, members) = manifest.split_once("members = [").expect("there are members");
    let (members, _) = members.split_once(']').expect("the members end");
    for member in members.split('"').skip(1).step_by(2) {
        let is_let_in = ignored.lines().filter_map(|line| line.strip_prefix('!')).any(|folder| {
            member.strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        });
        assert!(is_let_in, ".dockerignore leaves {member} out");
    }
    let toolchain = read("rust-toolchain.toml");
    let version = toolchain.split("channel = \"").nth(1).and_then(|rest| rest.split('"').next());
    let base = format!("FROM rust:{}-slim-", version.expect("a channel"));
    assert!(read("Dockerfile").contains(&base), "{base}");
}
