//! `cargo xtask fuzz`: libFuzzer, led by coverage, at every decoder of bytes from outside.
//!
//! Knows the targets by the names of their files only; what each decodes, and what must be true of
//! what it takes, stands in `tests/decoders`.

mod report;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;

use anyhow::{Context, Result, bail, ensure};
use clap::Args;

use self::report::Report;
use crate::programs::{finish, finish_quietly, is_installed, last_lines};
use crate::tree::Tree;

/// The newest that was tried.
const VERSION: &str = "0.13.2";
/// Programs under whose names a C++ compiler is looked for, unless `CXX` names another.
const COMPILERS: [&str; 3] = ["c++", "g++", "clang++"];
/// How many targets run at a time, a process each.
const AT_ONCE: usize = 2;
/// Longest input, as in `tests/decoders`.
const BYTES_MAX: &str = "70000";
/// A decoder that takes as long for one input keeps a thread from everybody else.
const SECONDS_MAX: &str = "5";
/// No decoder needs as much for 70 kB; what was learnt about its code is a part of it.
const MEGABYTES_MAX: &str = "1024";
/// Seconds for each target before a change goes in.
const SECONDS_USUAL: u32 = 4;
/// The same when there is time.
const SECONDS_FULL: u32 = 60;
/// Bytes of an input that are printed; all of it stands in a file.
const SHOWN_MAX: usize = 1000;

/// What is tried, and for how long.
#[derive(Args, Debug)]
pub(crate) struct Options {
    /// The one decoder that is tried, in place of all.
    target: Option<String>,
    /// How long each is tried.
    #[arg(long, default_value_t = SECONDS_USUAL)]
    seconds_each: u32,
}

impl Options {
    /// A few seconds for each, or a minute.
    pub(crate) fn of(full: bool) -> Self {
        Self { target: None, seconds_each: if full { SECONDS_FULL } else { SECONDS_USUAL } }
    }
}

/// Builds all targets, and tries each; an error if one of them has a finding.
pub(crate) fn run(tree: &Tree, options: &Options) -> Result<()> {
    let targets = chosen(tree, options.target.as_deref())?;
    ensure!(
        std::env::var_os("CXX").is_some() || COMPILERS.into_iter().any(is_installed),
        "libFuzzer is C++ and there is no compiler for it (Debian: apt-get install g++)"
    );
    let place = Place::of(tree)?;
    place.build(tree)?;
    println!("{}", Report::HEADING);
    let waiting = Mutex::new(targets.into_iter());
    let next = || waiting.lock().expect("nobody panics while it is held").next();
    let work = || -> Result<Vec<String>> {
        let mut failed = Vec::new();
        while let Some(target) = next() {
            if !place.try_one(&target, options.seconds_each)? {
                failed.push(target);
            }
        }
        Ok(failed)
    };
    let outcomes: Vec<Result<Vec<String>>> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..AT_ONCE).map(|_| scope.spawn(work)).collect();
        workers.into_iter().map(|it| it.join().expect("a worker does not panic")).collect()
    });
    let failed = outcomes.into_iter().collect::<Result<Vec<_>>>()?.concat();
    ensure!(failed.is_empty(), "findings in {}", failed.join(", "));
    Ok(())
}

/// The targets, by the names of their files; only `one`, if it is given.
fn chosen(tree: &Tree, one: Option<&str>) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(tree.root.join("fuzz/fuzz_targets"))? {
        let path = entry?.path();
        names.extend(path.file_stem().map(|stem| stem.to_string_lossy().into_owned()));
    }
    names.sort();
    let Some(one) = one else { return Ok(names) };
    if !names.iter().any(|name| name == one) {
        bail!("there is no target `{one}`; there are {}", names.join(", "));
    }
    Ok(vec![one.to_owned()])
}

/// Where everything is.
#[derive(Debug)]
struct Place {
    /// `cargo-fuzz` itself.
    program: PathBuf,
    /// For which machine the targets are built: only then flags of theirs are not those of macros.
    triple: String,
    /// What is built, and for each target what was found; never in the tree.
    folder: PathBuf,
}

impl Place {
    fn of(tree: &Tree) -> Result<Self> {
        let version = finish_quietly(Command::new("rustc").arg("-vV"))?;
        let triple = version.lines().find_map(|line| line.strip_prefix("host: "));
        let triple = triple.context("rustc does not say for what it builds")?.to_owned();
        Ok(Self { program: install(tree)?, triple, folder: tree.target.join("fuzz") })
    }

    /// Assertions and overflow checks are on. Without a sanitizer: those need a nightly compiler,
    /// and there is no unsafe code here whose errors they would find.
    fn build(&self, tree: &Tree) -> Result<()> {
        let mut command = Command::new(&self.program);
        command.current_dir(&tree.root).arg("build").arg("--target-dir").arg(&self.folder);
        command.args(["--target", &self.triple, "--sanitizer", "none", "--debug-assertions"]);
        // What is tried is what is shipped: no code that knows it is being tried.
        command.args(["--no-cfg-fuzzing", "--features", "libfuzzer", "--codegen-units", "16"]);
        // A panic says its line without debug information; with it, targets are ten times as large.
        command.env("RUSTFLAGS", "-Cdebuginfo=0 -Cstrip=debuginfo -Copt-level=2");
        finish(&mut command).context("building the targets")
    }

    /// Says how it went; whether nothing was found.
    fn try_one(&self, target: &str, seconds: u32) -> Result<bool> {
        let folder = self.folder.join("targets").join(target);
        // Seeds are laid out anew, so that none stays that is not kept any more.
        if folder.join("seeds").exists() {
            fs::remove_dir_all(folder.join("seeds"))?;
        }
        fs::create_dir_all(folder.join("found"))?;
        let output = folder.join("output");
        let program = self.folder.join(&self.triple).join("release").join(target);
        let mut command = Command::new(&program);
        command.current_dir(&folder).env("TIMEDEAL_FUZZ_FOLDER", &folder);
        // Without it, what a panic says is among the last lines.
        command.env("RUST_BACKTRACE", "0");
        command.args([&format!("-max_total_time={seconds}"), "-print_final_stats=1"]);
        command.args([&format!("-timeout={SECONDS_MAX}"), &format!("-max_len={BYTES_MAX}")]);
        command.args([&format!("-rss_limit_mb={MEGABYTES_MAX}"), "-dict=dictionary"]);
        command.args(["found", "seeds"]).stdin(Stdio::null()).stdout(Stdio::null());
        let status = command.stderr(fs::File::create(&output)?).status();
        let status = status.with_context(|| format!("starting {}", program.display()))?;
        let said = String::from_utf8_lossy(&fs::read(&output)?).into_owned();
        println!("{}", Report::read(&said).row(target));
        if !status.success() {
            println!("{}", finding(target, &folder, &said));
        }
        Ok(status.success())
    }
}

/// What is to be known of a run that failed: what it said, and the input that did it.
fn finding(target: &str, folder: &Path, said: &str) -> String {
    let mut text = format!("--- {target} has a finding\n{}\n", last_lines(said));
    let Some(input) = report::kept_input(said).map(|name| folder.join(name)) else { return text };
    let bytes = fs::read(&input).unwrap_or_default();
    let shown = &bytes[..bytes.len().min(SHOWN_MAX)];
    let hex: String = shown.iter().map(|byte| format!("{byte:02x}")).collect();
    text += &format!("--- its input has {} bytes\n{hex}\n{}\n", bytes.len(), shown.escape_ascii());
    let corpus = format!("tests/decoders/corpus/{target}/");
    text += &format!("--- keep it: mkdir -p {corpus} && cp {} {corpus}", input.display());
    text
}

/// The path of `cargo-fuzz`, which is installed if it is not there.
fn install(tree: &Tree) -> Result<PathBuf> {
    let place = tree.target.join("tools/cargo-fuzz");
    let program = place.join("bin/cargo-fuzz");
    let is_current = |program: &PathBuf| {
        let version = finish_quietly(Command::new(program).arg("--version"));
        version.is_ok_and(|version| version.trim() == format!("cargo-fuzz {VERSION}"))
    };
    if !is_current(&program) {
        println!("installing cargo-fuzz {VERSION}");
        // What it is built from is not needed again.
        let built = tempfile::Builder::new().prefix("timedeal-cargo-fuzz-").tempdir()?;
        let mut command = crate::tree::cargo();
        command.args(["install", "cargo-fuzz", "--version", VERSION, "--locked", "--force"]);
        command.arg("--root").arg(&place).arg("--target-dir").arg(built.path());
        finish_quietly(command.current_dir(&tree.root))
            .with_context(|| format!("installing cargo-fuzz {VERSION} from crates.io"))?;
    }
    Ok(program)
}
