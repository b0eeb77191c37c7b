//! Dependencies point one way, shells → cores → schemas, and pure modules name no machinery.

use super::Finding;
use crate::rust_code::{code_only, line_of, word_positions};
use crate::tree::{Package, SourceFile};

/// What a package may use of this workspace, dev-dependencies apart. [`ALL`] for the two that put
/// everything together.
const ALLOWED: [(&str, &[&str]); 20] = [
    ("schemas", &[]),
    ("sabotage", &[]),
    ("platform", &[]),
    ("event-log", &["schemas"]),
    ("decider", &["schemas", "sabotage"]),
    ("read-model", &["schemas", "platform"]),
    ("decision-log", &["schemas", "event-log", "platform", "sabotage"]),
    ("projector", &["schemas", "event-log", "decision-log", "read-model", "platform", "sabotage"]),
    ("order-worker", &["schemas", "event-log", "decision-log", "decider", "platform", "sabotage"]),
    ("gateway", &["schemas", "event-log", "decision-log", "read-model", "platform", "sabotage"]),
    // Written again from the promises: what it shares with the code it judges, it cannot judge.
    ("audit", &["schemas", "event-log", "read-model"]),
    ("loadtest", &["schemas"]),
    // Loops that are no program of their own in production are called as their process does.
    (
        "benchmarks",
        &[
            "schemas",
            "event-log",
            "decision-log",
            "order-worker",
            "read-model",
            "projector",
            "platform",
        ],
    ),
    ("timedeal", ALL),
    ("simulation", ALL),
    ("decoders", &["schemas", "event-log", "decider", "order-worker", "gateway", "platform"]),
    ("fuzz", &["decoders"]),
    (
        "instructions",
        &["schemas", "event-log", "decision-log", "decider", "read-model", "gateway", "platform"],
    ),
    ("test-servers", &[]),
    ("xtask", &[]),
];
const ALL: &[&str] = &["*"];

/// Modules that are functions of their arguments; each stands for `path.rs` and all in `path/`.
const PURE: [&str; 5] = [
    "order-worker/decider/src",
    "projector/src/view",
    "gateway/src/admission",
    "gateway/src/view",
    "decision-log/src/filter",
];
/// Machinery, clocks and chance.
const IMPURE_NAMES: [&str; 10] = [
    "tokio",
    "rdkafka",
    "sqlx",
    "rusqlite",
    "warp",
    "hyper",
    "metrics::",
    "SystemTime",
    "Instant::now",
    "rand",
];
/// Where the same bytes have to come out on every machine, for ever.
const EXACT: &str = "order-worker/decider/src";

/// Whether every edge between packages of the workspace is one that is allowed.
pub(super) fn check_packages(packages: &[Package]) -> Vec<Finding> {
    packages.iter().flat_map(|package| check_package(package, packages)).collect()
}

fn check_package(package: &Package, all: &[Package]) -> Vec<Finding> {
    let manifest = match package.directory.as_str() {
        "" => "Cargo.toml".to_owned(),
        directory => format!("{directory}/Cargo.toml"),
    };
    let Some((_, allowed)) = ALLOWED.iter().find(|(name, _)| *name == package.name) else {
        let message = format!("say in xtask/src/tidy/layering.rs what `{}` may use", package.name);
        return vec![Finding::whole(&manifest, message)];
    };
    let ours = |name: &String| all.iter().any(|other| other.name == *name);
    let refused = |name: &&String| *allowed != ALL && !allowed.contains(&name.as_str());
    let names = package.dependencies.iter().filter(|name| ours(name)).filter(refused);
    names
        .map(|name| {
            let message = format!("`{}` must not depend on `{name}`", package.name);
            Finding::whole(&manifest, message)
        })
        .collect()
}

/// Whether a pure module names only what it is given.
pub(super) fn check_pure_file(file: &SourceFile) -> Vec<Finding> {
    let stem = file.path.strip_suffix(".rs");
    let is_below = |module: &str| {
        stem.and_then(|stem| stem.strip_prefix(module))
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    if !PURE.into_iter().any(is_below) {
        return Vec::new();
    }
    let code = code_only(&file.text);
    let mut findings = Vec::new();
    for name in IMPURE_NAMES {
        let message = format!("a pure module names `{name}`: take the value as an argument");
        findings.extend(positions(file, &code, name, &message));
    }
    if is_below(EXACT) {
        for name in ["f32", "f64"] {
            let message = format!("`{name}` in the decider: integers come out the same everywhere");
            findings.extend(positions(file, &code, name, &message));
        }
    }
    findings
}

fn positions(file: &SourceFile, code: &str, name: &str, message: &str) -> Vec<Finding> {
    let at = word_positions(code, name).into_iter();
    at.map(|at| Finding::at(&file.path, line_of(code, at) + 1, message)).collect()
}

#[cfg(test)]
mod tests {
    use super::super::{assert_findings, file};
    use super::*;

    fn package(name: &str, dependencies: &[&str]) -> Package {
        let dependencies = dependencies.iter().map(|&name| name.to_owned()).collect();
        Package { name: name.to_owned(), directory: name.to_owned(), dependencies }
    }

    #[track_caller]
    fn check_edge(from: &str, to: &str, expected: &[(usize, &str)]) {
        let packages = [package(from, &[to, "serde"]), package(to, &[])];
        assert_findings(&check_packages(&packages), expected);
    }

    #[test]
    fn dependencies_point_one_way() {
        check_edge("gateway", "read-model", &[]);
        check_edge("read-model", "gateway", &[(0, "`read-model` must not depend on `gateway`")]);
        check_edge("gateway", "decider", &[(0, "must not")]);
        check_edge("audit", "decision-log", &[(0, "must not")]);
        check_edge("timedeal", "gateway", &[]);
    }

    #[test]
    fn a_package_without_a_row_has_to_get_one() {
        assert_findings(&check_packages(&[package("novelty", &[])]), &[(0, "novelty")]);
    }

    #[test]
    fn every_name_in_the_table_is_a_package_with_a_row() {
        for (from, allowed) in ALLOWED {
            for to in allowed.iter().filter(|_| allowed != ALL) {
                assert!(ALLOWED.iter().any(|(name, _)| name == to), "{from} → {to}");
            }
        }
    }

    #[test]
    fn pure_modules_name_no_machinery() {
        let check_one = |path: &str, text: &str, expected: &[(usize, &str)]| {
            assert_findings(&check_pure_file(&file(path, text)), expected);
        };
        let code = "//! Knows no tokio.\nuse tokio::time;";
        check_one("gateway/src/view.rs", code, &[(2, "tokio")]);
        check_one("gateway/src/view/rows.rs", code, &[(2, "tokio")]);
        check_one("gateway/src/viewport.rs", code, &[]);
        check_one("gateway/src/server.rs", code, &[]);
        check_one("decision-log/src/filter.rs", "let t = Instant::now();", &[(1, "Instant")]);
        check_one("projector/src/view.rs", "metrics::counter!(A);", &[(1, "metrics::")]);
        check_one("projector/src/view.rs", "let operand = brand;", &[]);
    }

    #[test]
    fn the_decider_has_no_floats() {
        let found = check_pure_file(&file("order-worker/decider/src/lib.rs", "fn a(b: f64) {}"));
        assert_findings(&found, &[(1, "f64")]);
        assert_findings(&check_pure_file(&file("gateway/src/view.rs", "fn a(b: f64) {}")), &[]);
    }
}
