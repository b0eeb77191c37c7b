//! `simulation`: the simulator that holds no bugs but those that nobody has planted.

use std::process::ExitCode;

fn main() -> ExitCode {
    simulation::run_command()
}
