//! Manifests: every crate takes the workspace's lints, a nested `clippy.toml` repeats the root's,
//! because clippy reads the nearest one only, and bugs are compiled into one program alone.

use super::Finding;
use crate::rust_code::word_positions;
use crate::tree::{Package, SourceFile};

/// All rules of this file.
pub(super) fn check(sources: &[SourceFile], packages: &[Package]) -> Vec<Finding> {
    let mut findings = lints(sources, packages);
    findings.extend(nested_clippy(sources));
    findings.extend(armed(sources));
    findings
}

fn text_of<'a>(sources: &'a [SourceFile], path: &str) -> Option<&'a str> {
    sources.iter().find(|file| file.path == path).map(|file| file.text.as_str())
}

fn lints(sources: &[SourceFile], packages: &[Package]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for package in packages {
        let path = format!("{}/Cargo.toml", package.directory);
        let path = path.trim_start_matches('/');
        let manifest = text_of(sources, path).unwrap_or_default();
        if !manifest.contains("[lints]\nworkspace = true") {
            let message = "needs `[lints]` with `workspace = true`";
            findings.push(Finding::whole(path, message));
        }
    }
    findings
}

fn nested_clippy(sources: &[SourceFile]) -> Vec<Finding> {
    let root = text_of(sources, "clippy.toml").unwrap_or_default();
    let settings: Vec<&str> =
        root.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).collect();
    let mut findings = Vec::new();
    for file in sources.iter().filter(|file| file.path.ends_with("/clippy.toml")) {
        for setting in &settings {
            if !file.text.lines().any(|line| line == *setting) {
                let message = format!("replaces the root's clippy.toml and lacks `{setting}`");
                findings.push(Finding::whole(&file.path, message));
            }
        }
    }
    findings
}

/// The one who may compile the bugs of `sabotage` in, and by which feature, which is nobody's but
/// its own.
const ARMS: (&str, &str) = ("simulation/Cargo.toml", r#"sabotage = ["sabotage/armed"]"#);

/// Where a manifest turns on, by default or for others, what compiles bugs in.
fn armed(sources: &[SourceFile]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in sources.iter().filter(|file| file.path.ends_with("Cargo.toml")) {
        for (number, line) in file.text.lines().enumerate() {
            let is_own = match file.path.as_str() {
                "sabotage/Cargo.toml" => line == "armed = []",
                path => (path, line) == ARMS,
            };
            let code = line.split('#').next().unwrap_or_default();
            let names_armed = !word_positions(code, "armed").is_empty();
            let passes_on = ["simulation/sabotage", r#"["sabotage"]"#, r#"["sabotage","#]
                .iter()
                .any(|words| code.contains(words) && !code.starts_with("required-features"));
            if (names_armed || passes_on) && !is_own {
                let message = "bugs are compiled into `sabotaged` alone, by its own feature";
                findings.push(Finding::at(&file.path, number + 1, message));
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::super::{assert_findings, file};
    use super::*;

    #[test]
    fn every_crate_takes_the_lints_of_the_workspace() {
        let package = |name: &str, directory: &str| Package {
            name: name.to_owned(),
            directory: directory.to_owned(),
            dependencies: Vec::new(),
        };
        let packages = [package("timedeal", ""), package("gateway", "gateway")];
        let lints = "[lints]\nworkspace = true\n";
        let good = [file("Cargo.toml", lints), file("gateway/Cargo.toml", lints)];
        let bad = [file("Cargo.toml", lints), file("gateway/Cargo.toml", "[lints]\n")];

        assert_findings(&check(&good, &packages), &[]);
        assert_findings(&check(&bad, &packages), &[(0, "[lints]")]);
    }

    #[test]
    fn bugs_are_compiled_into_one_program_alone() {
        let own = "[features]\nsabotage = [\"sabotage/armed\"]\n";
        let good = [
            file("sabotage/Cargo.toml", "[features]\n# Turns `armed` on.\narmed = []\n"),
            file("simulation/Cargo.toml", own),
            file("gateway/Cargo.toml", "sabotage.workspace = true\n"),
        ];
        assert_findings(&check(&good, &[]), &[]);
        for (path, line) in [
            ("gateway/Cargo.toml", r#"sabotage = ["sabotage/armed"]"#),
            ("Cargo.toml", r#"sabotage = { path = "sabotage", features = ["armed"] }"#),
            ("sabotage/Cargo.toml", r#"default = ["armed"]"#),
            ("simulation/Cargo.toml", r#"default = ["sabotage"]"#),
            ("Cargo.toml", r#"cloud = ["event-log/tls", "simulation/sabotage"]"#),
        ] {
            assert_findings(&check(&[file(path, line)], &[]), &[(1, "alone")]);
        }
    }

    #[test]
    fn a_nested_clippy_toml_repeats_the_root() {
        let root = file("clippy.toml", "# why\nmax = 70\n");
        let good = [root.clone(), file("a/clippy.toml", "max = 70\nmore = 1\n")];
        let bad = [root, file("a/clippy.toml", "max = 90\n")];

        assert_findings(&check(&good, &[]), &[]);
        assert_findings(&check(&bad, &[]), &[(0, "lacks `max = 70`")]);
    }
}
