//! The program `timedeal`.

use std::process::ExitCode;

fn main() -> ExitCode {
    timedeal::timedeal()
}
