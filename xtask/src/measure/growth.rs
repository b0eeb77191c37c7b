//! How cost grows: the program `benchmarks` sees to it. Must not know how it measures.

use anyhow::Result;
use clap::Args;

use crate::background::clean_command;
use crate::bench;
use crate::programs::finish;
use crate::tree::Tree;

const PAGE: &str = "docs/growth.md";

/// What is let grow.
#[derive(Args, Debug)]
pub(crate) struct Options {
    /// Further arguments of `benchmarks growth`, which then leaves the page alone.
    #[arg(last = true)]
    arguments: Vec<String>,
}

/// Prints tables, and writes them to the page if nothing else was asked for.
pub(super) fn run(tree: &Tree, options: &Options) -> Result<()> {
    bench::build(tree)?;
    let programs = bench::programs(tree);
    let mut command = clean_command(&programs.join("benchmarks"), &tree.root);
    command.arg("growth").arg("--programs").arg(&programs).args(&options.arguments);
    if options.arguments.is_empty() {
        command.args(["--page", PAGE]);
    }
    finish(&mut command)
}
