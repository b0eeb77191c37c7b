//! Reads what callgrind writes: the instructions of the program itself, and its calls of others.
//!
//! Instructions of the C library are left out, for they are others with every version of it and
//! chosen by the processor; how often it is called is the program's own doing. Must not know what
//! was run.

use std::path::Path;

use anyhow::{Context, Result, ensure};

/// What a thousand of something cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Cost {
    /// Instructions of the program.
    pub(super) instructions: u64,
    /// Calls from the program into the C library: memory taken, given back, copied.
    pub(super) calls: u64,
}

/// Reads a file written with `--compress-strings=no --compress-pos=no`.
pub(super) fn cost(text: &str, program: &Path) -> Result<Cost> {
    let program = program.to_str().context("the program's path is no text")?;
    ensure!(text.contains("\nevents: Ir\n"), "callgrind counted something else");
    let mut cost = Cost::default();
    // In which object the lines that follow are, and in which the next call goes.
    let (mut is_own, mut goes_out) = (false, false);
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if let Some(object) = line.strip_prefix("ob=") {
            is_own = object == program;
            goes_out = !is_own;
        } else if let Some(object) = line.strip_prefix("cob=") {
            goes_out = object != program;
        } else if let Some(call) = line.strip_prefix("calls=") {
            // What the call cost stands in the next line, and again where it was made.
            lines.next();
            if is_own && goes_out {
                cost.calls += first_number(call)?;
            }
            goes_out = !is_own;
        } else if is_own && line.starts_with(|first: char| first.is_ascii_digit()) {
            let (_, count) = line.split_once(' ').context("a line without a count")?;
            cost.instructions += first_number(count)?;
        }
    }
    Ok(cost)
}

fn first_number(text: &str) -> Result<u64> {
    let word = text.split_whitespace().next().unwrap_or_default();
    word.parse().with_context(|| format!("`{word}` is no count"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "\
# callgrind format
version: 1
creator: callgrind-3.19.0
cmd: /t/release/instructions decide: held
part: 1

positions: line
events: Ir
summary: 1234

ob=/t/release/instructions
fl=src/main.rs
fn=instructions::counted
76 40
fi=src/inlined.rs
12 7
fe=src/main.rs
cfi=src/deciding.rs
cfn=instructions::decide
calls=1 30
77 900
cob=/lib/libc.so.6
cfi=malloc.c
cfn=malloc
calls=12 0
78 240
cfn=instructions::fold
calls=3 9
79 10

ob=/lib/libc.so.6
fl=malloc.c
fn=malloc
100 240
cfn=sysmalloc
calls=2 0
101 20

ob=/t/release/instructions
fl=src/deciding.rs
fn=instructions::decide
30 500
";

    #[test]
    fn what_the_program_does_itself_counts_and_how_often_it_calls_others() {
        let found = cost(FILE, Path::new("/t/release/instructions")).unwrap();
        assert_eq!(found, Cost { instructions: 40 + 7 + 500, calls: 12 });
    }

    #[test]
    fn another_program_has_cost_nothing() {
        assert_eq!(cost(FILE, Path::new("/t/other")).unwrap().instructions, 0);
    }

    #[test]
    fn what_is_no_count_of_instructions_is_not_taken_for_one() {
        let program = Path::new("/t/release/instructions");
        assert!(cost(&FILE.replace("events: Ir", "events: Ir Dr"), program).is_err());
        assert!(cost(&FILE.replace("76 40", "76 many"), program).is_err());
    }
}
