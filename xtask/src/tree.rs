//! The working tree as git and cargo see it: root, files, packages, target directory.
//!
//! Knows no rule; it only says what is there.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

/// Root of the workspace, and where cargo puts what it builds.
pub(crate) struct Tree {
    /// Absolute path of the directory with the workspace's `Cargo.toml`.
    pub(crate) root: PathBuf,
    /// Absolute; honours `CARGO_TARGET_DIR`.
    pub(crate) target: PathBuf,
    /// Members of the workspace.
    pub(crate) packages: Vec<Package>,
}

/// One member of the workspace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Package {
    /// As in its manifest.
    pub(crate) name: String,
    /// Its directory relative to the root; empty for the root package.
    pub(crate) directory: String,
    /// Names of what it needs to build, normal and build dependencies, whatever the feature.
    pub(crate) dependencies: Vec<String>,
}

/// One text file of the tree.
#[derive(Clone, Debug)]
pub(crate) struct SourceFile {
    /// Relative to the root, with `/`.
    pub(crate) path: String,
    /// All of it.
    pub(crate) text: String,
}

impl Tree {
    /// Asks cargo where the workspace is and what it has.
    pub(crate) fn open() -> Result<Self> {
        // The manifest directory of xtask at compile time would be wrong in a moved clone.
        let output = cargo()
            .args(["metadata", "--no-deps", "--format-version", "1"])
            .output()
            .context("starting cargo metadata")?;
        ensure!(
            output.status.success(),
            "cargo metadata failed:\n{}",
            String::from_utf8_lossy(&output.stderr)
        );
        let metadata: Value =
            serde_json::from_slice(&output.stdout).context("reading cargo metadata")?;
        let root = PathBuf::from(text_at(&metadata, "workspace_root")?);
        let target = PathBuf::from(text_at(&metadata, "target_directory")?);
        let packages = packages(&metadata, &root)?;
        Ok(Self { root, target, packages })
    }

    /// Paths of all files that are tracked, or new and not ignored; deleted ones left out.
    pub(crate) fn paths(&self) -> Result<Vec<String>> {
        let output = Command::new("git")
            .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
            .current_dir(&self.root)
            .output()
            .context("starting git ls-files")?;
        if !output.status.success() {
            bail!("git ls-files failed:\n{}", String::from_utf8_lossy(&output.stderr));
        }
        let listing = String::from_utf8(output.stdout).context("a path that is not UTF-8")?;
        let mut paths: Vec<String> = listing
            .split('\0')
            .filter(|path| !path.is_empty() && self.root.join(path).is_file())
            .map(str::to_owned)
            .collect();
        paths.sort();
        paths.dedup();
        Ok(paths)
    }

    /// All files of [`Tree::paths`] that are text in UTF-8.
    pub(crate) fn sources(&self) -> Result<Vec<SourceFile>> {
        let mut sources = Vec::new();
        for path in self.paths()? {
            let bytes =
                std::fs::read(self.root.join(&path)).with_context(|| format!("reading {path}"))?;
            if let Ok(text) = String::from_utf8(bytes) {
                sources.push(SourceFile { path, text });
            }
        }
        Ok(sources)
    }
}

/// The cargo that runs us, so that a nested call uses the same toolchain; without what it says of
/// our own package: build scripts look at that, and would run again after each call by hand.
pub(crate) fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") {
            command.env_remove(name);
        }
    }
    command
}

fn packages(metadata: &Value, root: &Path) -> Result<Vec<Package>> {
    let list = metadata["packages"].as_array().context("cargo metadata without packages")?;
    list.iter().map(|package| read_package(package, root)).collect()
}

fn read_package(package: &Value, root: &Path) -> Result<Package> {
    let manifest = PathBuf::from(text_at(package, "manifest_path")?);
    let directory = manifest.parent().and_then(|directory| directory.strip_prefix(root).ok());
    let directory = directory.with_context(|| format!("{} is outside", manifest.display()))?;
    let mut dependencies = Vec::new();
    for dependency in package["dependencies"].as_array().into_iter().flatten() {
        if dependency["kind"].as_str() != Some("dev") {
            dependencies.push(text_at(dependency, "name")?);
        }
    }
    Ok(Package {
        name: text_at(package, "name")?,
        directory: directory.to_string_lossy().into_owned(),
        dependencies,
    })
}

fn text_at(value: &Value, key: &str) -> Result<String> {
    let found = value[key].as_str().with_context(|| format!("cargo metadata without {key}"))?;
    Ok(found.to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn dev_dependencies_are_left_out_and_the_root_package_has_an_empty_directory() {
        let metadata = json!({"packages": [
            {"name": "timedeal", "manifest_path": "/r/Cargo.toml", "dependencies": [
                {"name": "gateway", "kind": null},
                {"name": "tempfile", "kind": "dev"},
                {"name": "cc", "kind": "build"},
            ]},
            {"name": "decider", "manifest_path": "/r/order-worker/decider/Cargo.toml",
             "dependencies": []},
        ]});

        let found = packages(&metadata, Path::new("/r")).unwrap();

        assert_eq!(found[0].directory, "");
        assert_eq!(found[0].dependencies, ["gateway", "cc"]);
        assert_eq!(found[1].directory, "order-worker/decider");
    }
}
