//! `sabotaged`: the simulator with the bugs of `sabotage` compiled in, to be planted by its
//! arguments.

use std::process::ExitCode;

fn main() -> ExitCode {
    simulation::run_command()
}
