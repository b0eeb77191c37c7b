//! Lines of code per crate: lines that are neither blank nor comment, tests apart from the rest.
//!
//! Only counts; no rule hangs on it.

use std::collections::BTreeMap;
use std::ops::AddAssign;

use anyhow::Result;

use crate::rust_code::{code_only, test_parts};
use crate::tidy::TestFiles;
use crate::tree::{Package, SourceFile, Tree};

/// Lines of one crate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Lines {
    production: usize,
    tests: usize,
    /// Scripts, styles and markup of pages, tests included.
    page: usize,
}

impl AddAssign for Lines {
    fn add_assign(&mut self, other: Self) {
        self.production += other.production;
        self.tests += other.tests;
        self.page += other.page;
    }
}

/// Prints a table, one row per crate.
pub(crate) fn run(tree: &Tree) -> Result<()> {
    let counted = count(&tree.sources()?, &tree.packages);
    let mut total = Lines::default();
    println!("{:<16}{:>12}{:>10}{:>10}", "crate", "production", "tests", "page");
    for (name, lines) in &counted {
        print_row(name, *lines);
        total += *lines;
    }
    print_row("total", total);
    Ok(())
}

fn print_row(name: &str, lines: Lines) {
    println!("{name:<16}{:>12}{:>10}{:>10}", lines.production, lines.tests, lines.page);
}

fn count<'a>(sources: &[SourceFile], packages: &'a [Package]) -> BTreeMap<&'a str, Lines> {
    let tests = TestFiles::among(sources);
    let mut counted = BTreeMap::new();
    for file in sources {
        if let Some(package) = owner(&file.path, packages) {
            *counted.entry(package.name.as_str()).or_default() += count_file(file, &tests);
        }
    }
    counted
}

/// The crate with the deepest directory above the file.
fn owner<'a>(path: &str, packages: &'a [Package]) -> Option<&'a Package> {
    let holds = |package: &&Package| {
        package.directory.is_empty()
            || path.strip_prefix(&package.directory).is_some_and(|rest| rest.starts_with('/'))
    };
    packages.iter().filter(holds).max_by_key(|package| package.directory.len())
}

fn count_file(file: &SourceFile, tests: &TestFiles) -> Lines {
    let extension = file.path.rsplit_once('.').map_or("", |(_, extension)| extension);
    if ["js", "mjs", "css", "html"].contains(&extension) {
        let page = file.text.lines().filter(|line| !line.trim().is_empty()).count();
        return Lines { page, ..Lines::default() };
    }
    if extension != "rs" {
        return Lines::default();
    }
    let code = code_only(&file.text);
    let parts = test_parts(&code);
    let whole = tests.contains(&file.path);
    let mut lines = Lines::default();
    // A line of text inside a literal is blank in `code` and still a line of code.
    for (number, (code, text)) in code.lines().zip(file.text.lines()).enumerate() {
        let is_comment = text.trim_start().starts_with("//");
        if code.trim().is_empty() && (text.trim().is_empty() || is_comment) {
            continue;
        }
        if whole || parts.lines.iter().any(|part| part.contains(&number)) {
            lines.tests += 1;
        } else {
            lines.production += 1;
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(name: &str, directory: &str) -> Package {
        Package { name: name.to_owned(), directory: directory.to_owned(), dependencies: Vec::new() }
    }

    fn file(path: &str, text: &str) -> SourceFile {
        SourceFile { path: path.to_owned(), text: text.to_owned() }
    }

    #[test]
    fn each_file_counts_for_the_nearest_crate_and_comments_do_not_count() {
        let packages = [
            package("timedeal", ""),
            package("order-worker", "order-worker"),
            package("decider", "order-worker/decider"),
        ];
        let sources = [
            file("src/main.rs", "//! Main.\n\nfn main() {}\n"),
            file("order-worker/decider/src/lib.rs", "fn a() {}\n// why\n#[cfg(test)]\nmod t {}\n"),
            file("order-worker/tests/loop.rs", "//! T.\nfn a() {\n}\n"),
            file("order-worker/web/a.css", "a {}\n\nb {}\n"),
        ];

        let counted = count(&sources, &packages);

        assert_eq!(counted["timedeal"], Lines { production: 1, tests: 0, page: 0 });
        assert_eq!(counted["decider"], Lines { production: 1, tests: 2, page: 0 });
        assert_eq!(counted["order-worker"], Lines { production: 0, tests: 2, page: 2 });
    }
}
