//! The rules on text that no compiler holds. Every rule is a pure function of files or packages;
//! only this file walks the tree.
//!
//! What clippy can hold (length of functions, arguments, unwrap) stays in `clippy.toml` and the
//! workspace's lints and is not repeated here.

mod habits;
mod layering;
mod layout;
mod links;
mod manifests;
mod wording;

use std::fmt;

use anyhow::{Result, bail};

pub(crate) use self::habits::TestFiles;
use crate::tree::{SourceFile, Tree};

/// One place where a rule does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    /// Relative to the root.
    path: String,
    /// From 1; 0 when the whole file is meant.
    line: usize,
    /// What is wrong and what to do about it.
    message: String,
}

impl Finding {
    fn at(path: &str, line: usize, message: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line, message: message.into() }
    }

    fn whole(path: &str, message: impl Into<String>) -> Self {
        Self::at(path, 0, message)
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(f, "{}: {}", self.path, self.message),
            line => write!(f, "{}:{line}: {}", self.path, self.message),
        }
    }
}

/// Checks the whole tree and prints what it finds.
pub(crate) fn run(tree: &Tree) -> Result<()> {
    let sources = tree.sources()?;
    let mut findings = check_files(&sources);
    findings.extend(layering::check_packages(&tree.packages));
    findings.extend(manifests::check(&sources, &tree.packages));
    findings.extend(links::check(&sources, |path| tree.root.join(path).exists()));
    findings.sort_by(|a, b| (&a.path, a.line).cmp(&(&b.path, b.line)));
    for finding in &findings {
        println!("{finding}");
    }
    if !findings.is_empty() {
        bail!("{} places are not tidy (the rules are in STYLE.md)", findings.len());
    }
    println!("{} files are tidy", sources.len());
    Ok(())
}

/// The rules that need one file at a time.
fn check_files(sources: &[SourceFile]) -> Vec<Finding> {
    let tests = TestFiles::among(sources);
    let mut findings = Vec::new();
    for file in sources {
        findings.extend(layout::check(file));
        findings.extend(habits::check(file, &tests));
        findings.extend(layering::check_pure_file(file));
        findings.extend(wording::check(file));
    }
    findings
}

/// For the tests of the rules: a file made of text.
#[cfg(test)]
fn file(path: &str, text: &str) -> SourceFile {
    SourceFile { path: path.to_owned(), text: text.to_owned() }
}

/// For the tests of the rules: what is asserted is where, and a word of what.
#[cfg(test)]
#[track_caller]
fn assert_findings(found: &[Finding], expected: &[(usize, &str)]) {
    let lines: Vec<String> = found.iter().map(ToString::to_string).collect();
    assert_eq!(found.len(), expected.len(), "{lines:#?}");
    for (finding, (line, word)) in found.iter().zip(expected) {
        assert_eq!(finding.line, *line, "{finding}");
        assert!(finding.message.contains(word), "{finding} does not say {word}");
    }
}
