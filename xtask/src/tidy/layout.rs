//! Sizes and names: how long a file and a line may be, how every Rust file starts, and which names
//! say nothing.

use super::Finding;
use crate::rust_code::{code_only, line_of, word_positions};
use crate::tree::SourceFile;

/// A file that is longer owns more than one thing.
const FILE_LINES_MAX: usize = 400;
/// Also in `rustfmt.toml`; rustfmt leaves comments and text alone, this does not.
const LINE_COLUMNS_MAX: usize = 100;
/// Files whose length is held.
const SIZED: [&str; 5] = ["rs", "js", "mjs", "css", "html"];
/// Names under which anything can be put, and is.
const EMPTY_NAMES: [&str; 10] = [
    "common", "handler", "handlers", "helper", "helpers", "manager", "managers", "misc", "util",
    "utils",
];

/// All rules of this file.
pub(super) fn check(file: &SourceFile) -> Vec<Finding> {
    let mut findings = file_name(&file.path);
    let Some((_, extension)) = file.path.rsplit_once('.') else {
        return findings;
    };
    if SIZED.contains(&extension) {
        findings.extend(file_length(file));
    }
    if extension == "rs" {
        findings.extend(line_lengths(file));
        findings.extend(first_line(file));
        findings.extend(inline_module_names(file));
    }
    findings
}

fn file_length(file: &SourceFile) -> Option<Finding> {
    let lines = file.text.lines().count();
    (lines > FILE_LINES_MAX).then(|| {
        let message = format!("{lines} lines, at most {FILE_LINES_MAX}: split it by what it owns");
        Finding::whole(&file.path, message)
    })
}

fn line_lengths(file: &SourceFile) -> Vec<Finding> {
    let columns = file.text.lines().map(|line| line.chars().count()).enumerate();
    columns
        .filter(|&(_, columns)| columns > LINE_COLUMNS_MAX)
        .map(|(line, columns)| {
            let message = format!("{columns} columns, at most {LINE_COLUMNS_MAX}");
            Finding::at(&file.path, line + 1, message)
        })
        .collect()
}

fn first_line(file: &SourceFile) -> Option<Finding> {
    (!file.text.starts_with("//!")).then(|| {
        let message = "starts without `//!`: say what the file owns and what it must not know";
        Finding::at(&file.path, 1, message)
    })
}

fn file_name(path: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    for part in path.split('/') {
        let stem = part.split('.').next().unwrap_or(part);
        if says_nothing(stem) {
            let message = format!("the name `{part}` says nothing: name it for what it owns");
            findings.push(Finding::whole(path, message));
        }
    }
    if path.rsplit('/').next() == Some("mod.rs") {
        findings.push(Finding::whole(path, "put `name.rs` beside `name/`, not `name/mod.rs`"));
    }
    findings
}

fn inline_module_names(file: &SourceFile) -> Vec<Finding> {
    let code = code_only(&file.text);
    let mut findings = Vec::new();
    for at in word_positions(&code, "mod") {
        let name: String = code[at + 3..]
            .trim_start()
            .chars()
            .take_while(|c| c.is_alphanumeric() || *c == '_')
            .collect();
        if says_nothing(&name) {
            let message = format!("the name `{name}` says nothing: name it for what it owns");
            findings.push(Finding::at(&file.path, line_of(&code, at) + 1, message));
        }
    }
    findings
}

/// `cart_utils` says no more than `utils`: the last word is what a thing is.
fn says_nothing(name: &str) -> bool {
    let lower = name.to_lowercase();
    lower.rsplit(['_', '-']).next().is_some_and(|last| EMPTY_NAMES.contains(&last))
}

#[cfg(test)]
mod tests {
    use super::super::{assert_findings, file};
    use super::*;

    #[track_caller]
    fn check_one(path: &str, text: &str, expected: &[(usize, &str)]) {
        assert_findings(&check(&file(path, text)), expected);
    }

    #[test]
    fn a_file_of_400_lines_passes_and_one_of_401_does_not() {
        check_one("a.css", &"a\n".repeat(400), &[]);
        check_one("a.css", &"a\n".repeat(401), &[(0, "401 lines")]);
        check_one("a.json", &"a\n".repeat(401), &[]);
    }

    #[test]
    fn columns_are_characters_not_bytes() {
        check_one("a.rs", &format!("//! {}", "é".repeat(96)), &[]);
        check_one("a.rs", &format!("//! {}", "é".repeat(97)), &[(1, "101 columns")]);
    }

    #[test]
    fn every_rust_file_starts_by_saying_what_it_owns() {
        check_one("build.rs", "//! Builds.\nfn main() {}", &[]);
        check_one("build.rs", "fn main() {}", &[(1, "//!")]);
        check_one("tests/a.rs", "", &[(1, "//!")]);
    }

    #[test]
    fn names_that_say_nothing_are_refused() {
        check_one("a/src/utils.rs", "//! A.", &[(0, "utils")]);
        check_one("a/tests/common/orders.rs", "//! A.", &[(0, "common")]);
        check_one("web/cart-helpers.test.mjs", "", &[(0, "cart-helpers")]);
        check_one("a/src/a.rs", "//! A.\nmod request_handler {}", &[(2, "request_handler")]);
        check_one("a/src/commonplace.rs", "//! A mod of utils.\nmod handlers_of;", &[]);
    }

    #[test]
    fn mod_rs_is_refused() {
        check_one("a/src/b/mod.rs", "//! A.", &[(0, "name.rs")]);
        check_one("a/src/mod_rs.rs", "//! A.", &[]);
    }
}
