//! The program `projector`.

use std::process::ExitCode;

fn main() -> ExitCode {
    timedeal::projector()
}
