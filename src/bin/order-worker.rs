//! The program `order-worker`.

use std::process::ExitCode;

fn main() -> ExitCode {
    timedeal::order_worker()
}
