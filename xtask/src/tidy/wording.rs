//! The project speaks of itself alone: its text names no directory of one machine, no ticket of a
//! tracker and nobody's working day.

use super::Finding;
use crate::rust_code::word_positions;
use crate::tree::SourceFile;

/// Wherever they stand.
const ELSEWHERE: [&str; 4] = ["/work/", "../shared", "this session", "developer page"];
/// Beside a word before it these are names of protocol fields and programs, not of anybody.
const NAMED_AGENTS: [&str; 3] = ["user-", "user_", "user "];

/// All rules of this file.
pub(super) fn check(file: &SourceFile) -> Vec<Finding> {
    // The rules and their samples have to name what they forbid; the lock file is cargo's.
    if file.path.starts_with("xtask/src/tidy/") || file.path == "Cargo.lock" {
        return Vec::new();
    }
    let mut findings = Vec::new();
    for (number, line) in file.text.lines().enumerate() {
        for words in strange_words(&line.to_lowercase()) {
            let message = format!("`{words}`: the project speaks of itself alone");
            findings.push(Finding::at(&file.path, number + 1, message));
        }
    }
    findings
}

fn strange_words(line: &str) -> Vec<&str> {
    let mut found: Vec<&str> = ELSEWHERE.into_iter().filter(|words| line.contains(words)).collect();
    if names_ticket(line) {
        found.push("issue and its number");
    }
    for word in ["agent", "agents", "subagent", "subagents"] {
        let stands_alone =
            |at: &usize| !NAMED_AGENTS.iter().any(|name| line[..*at].ends_with(name));
        if word_positions(line, word).iter().any(stands_alone) {
            found.push(word);
        }
    }
    found
}

/// `issue 7`, `issue #7`; not `librdkafka #4953`, which is a reference that a reader can follow.
fn names_ticket(line: &str) -> bool {
    word_positions(line, "issue").into_iter().any(|at| {
        let rest = line[at + "issue".len()..].trim_start();
        rest.strip_prefix('#').unwrap_or(rest).starts_with(|c: char| c.is_ascii_digit())
    })
}

#[cfg(test)]
mod tests {
    use super::super::{assert_findings, file};
    use super::*;

    #[track_caller]
    fn check_line(line: &str, expected: &[(usize, &str)]) {
        assert_findings(&check(&file("README.md", line)), expected);
    }

    #[test]
    fn places_and_tickets_of_elsewhere_are_refused() {
        check_line("a\nsee /work/main", &[(2, "/work/")]);
        check_line("see ../shared/x", &[(1, "../shared")]);
        check_line("found in This Session", &[(1, "this session")]);
        check_line("as issue #3 says", &[(1, "issue")]);
        check_line("as issue 3 says", &[(1, "issue")]);
        check_line("librdkafka #4953; tokens are issued; order-worker/src", &[]);
    }

    #[test]
    fn a_user_agent_is_a_header() {
        check_line("User-Agent, user_agent, user agent, navigator.userAgent", &[]);
        check_line("asked an agent", &[(1, "agent")]);
    }
}
