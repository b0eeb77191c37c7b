//! Habits in code: nothing unfinished goes in, tests run always, at once, and are named as
//! sentences.

use std::collections::BTreeSet;

use super::Finding;
use crate::rust_code::{TestParts, code_only, line_of, test_parts, word_positions};
use crate::tree::SourceFile;

/// What is left behind in code when somebody means to come back.
const UNFINISHED_CODE: [&str; 3] = ["todo!", "unimplemented!", "#[ignore"];
/// The same in comments, in any text.
const UNFINISHED_TEXT: [&str; 3] = ["TODO", "FIXME", "XXX"];
/// On the line above a sleep in a test, with the reason after it.
const SLEEP_ALLOWED: &str = "// tidy: allow sleep, because ";

/// Which files hold tests only.
#[derive(Debug, Default)]
pub(crate) struct TestFiles {
    declared: BTreeSet<String>,
}

impl TestFiles {
    /// By folder, by name, and by `#[cfg(test)] mod name;` in the file above.
    pub(crate) fn among(sources: &[SourceFile]) -> Self {
        let mut declared = BTreeSet::new();
        for file in sources.iter().filter(|file| file.path.ends_with(".rs")) {
            let modules = test_parts(&code_only(&file.text)).modules;
            declared.extend(modules.iter().map(|name| module_path(&file.path, name)));
        }
        Self { declared }
    }

    /// Whether all of the file at `path` is test code.
    pub(crate) fn contains(&self, path: &str) -> bool {
        let in_folder = path.split('/').any(|part| part == "tests" || part == "benches");
        let stem = path.strip_suffix(".rs").unwrap_or(path);
        in_folder
            || stem.ends_with("/tests")
            || self.declared.iter().any(|module| {
                stem.strip_prefix(module.as_str())
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            })
    }
}

/// Where the text of module `name`, declared in the file at `path`, stands; without `.rs`.
fn module_path(path: &str, name: &str) -> String {
    let stem = path.strip_suffix(".rs").unwrap_or(path);
    let (folder, file) = stem.rsplit_once('/').unwrap_or(("", stem));
    match file {
        "lib" | "main" => format!("{folder}/{name}"),
        _ => format!("{stem}/{name}"),
    }
}

/// All rules of this file.
pub(super) fn check(file: &SourceFile, tests: &TestFiles) -> Vec<Finding> {
    // The rules themselves and their samples have to name what they forbid.
    if file.path.starts_with("xtask/src/tidy/") {
        return Vec::new();
    }
    let mut findings = unfinished_text(file);
    if file.path.ends_with(".rs") {
        let code = code_only(&file.text);
        let parts = test_parts(&code);
        findings.extend(unfinished_code(file, &code));
        findings.extend(test_names(file, &code));
        findings
            .extend(sleeps(file, &code, |line| tests.contains(&file.path) || holds(&parts, line)));
    }
    findings
}

fn holds(parts: &TestParts, line: usize) -> bool {
    parts.lines.iter().any(|lines| lines.contains(&line))
}

fn unfinished_text(file: &SourceFile) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (number, line) in file.text.lines().enumerate() {
        for word in UNFINISHED_TEXT {
            if !word_positions(line, word).is_empty() {
                let message = format!("`{word}`: finish it, or leave it out");
                findings.push(Finding::at(&file.path, number + 1, message));
            }
        }
    }
    findings
}

fn unfinished_code(file: &SourceFile, code: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    for sign in UNFINISHED_CODE {
        for at in word_positions(code, sign) {
            let message = format!("`{sign}`: finish it, or leave it out");
            findings.push(Finding::at(&file.path, line_of(code, at) + 1, message));
        }
    }
    findings
}

fn test_names(file: &SourceFile, code: &str) -> Vec<Finding> {
    let lines: Vec<&str> = code.lines().map(str::trim_start).collect();
    let message = "name a test as a sentence, without `test_`";
    (0..lines.len())
        .filter(|&number| lines[number].contains("fn test_") && is_test(&lines[..number]))
        .map(|number| Finding::at(&file.path, number + 1, message))
        .collect()
}

/// Whether the attributes at the end of `above` make a test: `#[test]`, `#[tokio::test(…)]`.
fn is_test(above: &[&str]) -> bool {
    let attributes = above.iter().rev().take_while(|line| line.starts_with("#["));
    attributes.into_iter().any(|line| line.contains("test]") || line.contains("test("))
}

fn sleeps(file: &SourceFile, code: &str, is_test: impl Fn(usize) -> bool) -> Vec<Finding> {
    let lines: Vec<&str> = file.text.lines().collect();
    let mut findings = Vec::new();
    for (number, line) in code.lines().enumerate() {
        if is_test(number) && names_sleep(line) && !is_allowed(&lines, number) {
            let message = "a test that sleeps is slow or flaky: wait for what it is about, \
                           or say why above it (`// tidy: allow sleep, because …`)";
            findings.push(Finding::at(&file.path, number + 1, message));
        }
    }
    findings
}

fn names_sleep(line: &str) -> bool {
    let imported = ["thread::sleep", "time::sleep", "time::sleep_until"];
    let called = word_positions(line, "sleep")
        .into_iter()
        .filter(|&at| line[at + 5..].starts_with('('))
        .any(|at| !line[..at].ends_with('.') && !line[..at].ends_with("fn "));
    called || imported.iter().any(|name| !word_positions(line, name).is_empty())
}

/// The reason stands in the comment directly above.
fn is_allowed(lines: &[&str], number: usize) -> bool {
    let above = lines[..number].iter().rev().map(|line| line.trim_start());
    above.take_while(|line| line.starts_with("//")).any(|line| line.starts_with(SLEEP_ALLOWED))
}

#[cfg(test)]
mod tests {
    use super::super::{assert_findings, file};
    use super::*;

    #[track_caller]
    fn check_one(path: &str, text: &str, expected: &[(usize, &str)]) {
        let file = file(path, text);
        let tests = TestFiles::among(std::slice::from_ref(&file));
        assert_findings(&check(&file, &tests), expected);
    }

    #[test]
    fn nothing_unfinished_goes_in() {
        check_one("a/src/a.rs", "fn a() {\n todo!()\n}", &[(2, "todo!")]);
        check_one("a/src/a.rs", "fn a() { unimplemented!() }", &[(1, "unimplemented!")]);
        check_one("a/src/a.rs", "#[test]\n#[ignore = \"slow\"]\nfn a() {}", &[(2, "#[ignore")]);
        check_one("web/a.js", "// FIXME later", &[(1, "FIXME")]);
        check_one("README.md", "XXX", &[(1, "XXX")]);
        check_one("a/src/a.rs", "// says `todo!` and prefixTODO\nlet a = \"unimplemented!\";", &[]);
    }

    #[test]
    fn tests_are_sentences() {
        check_one("a/src/a.rs", "#[test]\nfn test_that() {}", &[(2, "sentence")]);
        let with_clock = "#[tokio::test(start_paused = true)]\nasync fn test_that() {}";
        check_one("a/src/a.rs", with_clock, &[(2, "sentence")]);
        check_one("a/src/a.rs", "#[test]\nfn a_repeat_is_ignored() {}", &[]);
        check_one("a/src/a.rs", "#[must_use]\nfn test_parts() {}", &[]);
    }

    #[test]
    fn tests_do_not_sleep() {
        let body = "use std::thread;\nfn a() { thread::sleep(TICK); }";
        check_one("a/tests/a.rs", body, &[(2, "sleeps")]);
        check_one("a/src/a.rs", body, &[]);
        check_one("a/src/a.rs", &format!("#[cfg(test)]\nmod t {{\n{body}\n}}"), &[(4, "sleeps")]);
        check_one("a/tests/a.rs", "use tokio::time::sleep;", &[(1, "sleeps")]);
        check_one("a/tests/a.rs", "use tokio::time::{self, sleep};\nsleep(t);", &[(2, "sleeps")]);
        check_one("a/tests/a.rs", "// no sleep(s)\nclock.sleep(t);\nfn sleep() {}", &[]);
    }

    #[test]
    fn a_sleep_with_a_reason_above_it_is_allowed() {
        let reasoned = "// tidy: allow sleep, because the kernel's\n// own timer is tested.\n";
        check_one("a/tests/a.rs", &format!("{reasoned}thread::sleep(t);"), &[]);
        check_one("a/tests/a.rs", &format!("{reasoned}\nthread::sleep(t);"), &[(4, "sleeps")]);
    }

    #[test]
    fn test_files_are_known_by_folder_by_name_and_by_declaration() {
        let sources = [
            file("a/src/lib.rs", "#[cfg(test)]\nmod script;\nmod view;"),
            file("a/src/view.rs", "#[cfg(test)]\nmod world;"),
        ];

        let tests = TestFiles::among(&sources);

        for path in ["a/tests/x.rs", "a/benches/x.rs", "a/src/view/tests.rs", "a/src/script.rs"] {
            assert!(tests.contains(path), "{path}");
        }
        assert!(tests.contains("a/src/script/rows.rs"));
        assert!(tests.contains("a/src/view/world.rs"));
        for path in ["a/src/view.rs", "a/src/world.rs", "a/src/scripts.rs", "a/src/lib.rs"] {
            assert!(!tests.contains(path), "{path}");
        }
    }
}
