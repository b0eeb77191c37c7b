//! `cargo xtask instructions`: what the work costs on which every order depends, in instructions,
//! beside what it cost before.
//!
//! Time on a shared machine says nothing about a few per cent; the number of instructions hardly
//! depends on the machine. Owns how they are counted and when a change is too dear; which work
//! there is stands in `tests/instructions`.

mod callgrind;
mod kept;

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use clap::Args;

use self::callgrind::Cost;
use self::kept::{Comparison, Counts};
use crate::packages::{self, VALGRIND};
use crate::programs::{finish, finish_quietly};
use crate::simulate;
use crate::tree::{Tree, cargo};

/// What was counted when it was last found to be right.
const KEPT: &str = "tests/instructions/kept.json";
/// The one function whose instructions count; the crate's part of the name may have a suffix.
const COUNTED: &str = "instructions*::counted*";
/// Why nothing is counted on other machines.
pub(crate) const ELSEWHERE: &str = "instructions are counted on x86-64 Linux alone";

/// What is done with the counts.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct Options {
    /// Keeps the counts in place of those before.
    #[arg(long)]
    bless: bool,
}

/// Whether the counts of this kind of machine are those that are kept.
pub(crate) fn can_count() -> bool {
    cfg!(all(target_os = "linux", target_arch = "x86_64"))
}

/// Builds what is counted, and counts.
pub(crate) fn run(tree: &Tree, options: &Options) -> Result<()> {
    finish(cargo().args(simulate::BUILD).current_dir(&tree.root))?;
    run_built(tree, options)
}

/// Counts, and fails if something is dearer than what is kept.
pub(crate) fn run_built(tree: &Tree, options: &Options) -> Result<()> {
    ensure!(can_count(), "{ELSEWHERE}");
    packages::provide("counts of instructions", &[VALGRIND])?;
    let counts = Counts { compiler: compiler(tree)?, works: count_all(tree)? };
    let path = tree.root.join(KEPT);
    let kept = match std::fs::read_to_string(&path) {
        Ok(text) => Counts::read(&text).with_context(|| format!("reading {KEPT}"))?,
        Err(_) => Counts::default(),
    };
    let comparison = Comparison::of(&kept, &counts);
    print!("{comparison}");
    if options.bless {
        std::fs::write(&path, counts.write()).with_context(|| format!("writing {KEPT}"))?;
        println!("these are kept in {KEPT}");
        return Ok(());
    }
    let judged = comparison.judge();
    if judged.is_err() {
        let folder = folder(tree);
        println!("`callgrind_annotate {}/WORK.out` says where", folder.display());
        println!("`cargo xtask instructions --bless` keeps what has to be so");
    }
    judged
}

/// Where valgrind's own files go: they say which function costs what.
fn folder(tree: &Tree) -> PathBuf {
    tree.target.join("instructions")
}

/// The compiler, to the build: others make other instructions.
fn compiler(tree: &Tree) -> Result<String> {
    let said = finish_quietly(Command::new("rustc").arg("--version").current_dir(&tree.root))?;
    Ok(said.trim().to_owned())
}

fn count_all(tree: &Tree) -> Result<Vec<(String, Cost)>> {
    let folder = folder(tree);
    std::fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
    let program = tree.target.join("release").join("instructions");
    let names = finish_quietly(&mut Command::new(&program))?;
    let count = |name: &str| {
        let file = folder.join(format!("{}.out", name.replace([':', ' '], "-")));
        let mut valgrind = Command::new("valgrind");
        valgrind.args(["--tool=callgrind", "--compress-strings=no", "--compress-pos=no"]);
        valgrind.arg(format!("--toggle-collect={COUNTED}"));
        valgrind.arg(format!("--callgrind-out-file={}", file.display()));
        finish_quietly(valgrind.arg(&program).arg(name)).with_context(|| name.to_owned())?;
        let text = std::fs::read_to_string(&file).with_context(|| file.display().to_string())?;
        let cost = callgrind::cost(&text, &program)?;
        ensure!(cost.instructions > 0, "{name}: valgrind has not seen the function that counts");
        Ok((name.to_owned(), cost))
    };
    names.lines().map(count).collect()
}
