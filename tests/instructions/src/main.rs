//! The work on which every order depends, each a thousand times over: `instructions NAME` does one,
//! without a name it says which there are. `cargo xtask instructions` runs each under valgrind,
//! which counts what happens within [`counted`].
//!
//! Owns what is counted; must not know who counts, or what the count was before.

#![allow(clippy::unwrap_used, reason = "work that cannot be done must not be counted")]
#![allow(clippy::print_stdout, reason = "whoever counts asks for the names")]

mod deciding;
mod door;
mod following;
mod records;
mod request;
mod sale;
mod strangers;

use std::hint::black_box;
use std::process::ExitCode;

/// How often each work is done, so that a count is that of a thousand.
const TIMES: usize = 1_000;

/// Does something [`TIMES`] times, and tells how often it came out as it is meant to.
type Work = Box<dyn FnMut() -> usize>;

/// Everything that need not be counted: what the work is done on.
type Prepare = fn() -> Work;

/// Each work, by its name in the file of counts, and what prepares it.
const WORKS: [(&str, Prepare); 19] = [
    ("decide: held", deciding::held),
    ("decide: sold out", deciding::sold_out),
    ("fold: held", deciding::fold_held),
    ("command: encode", records::encode_commands),
    ("command: decode", records::decode_commands),
    ("decision: encode", records::encode_decisions),
    ("decision: decode", records::decode_decisions),
    ("filter: effective", following::effective),
    ("filter: fenced", following::fenced),
    ("reader: own decision", following::read_back),
    ("view: held", following::view_held),
    ("door: admit", door::admit),
    ("door: sold out", door::sold_out),
    ("token: HS256", strangers::tokens),
    ("purchase: read", strangers::purchases),
    ("purchase: field at fault", strangers::bad_purchases),
    ("request: taken", request::taken),
    ("request: sold out", request::sold_out),
    ("request: sold out, unseen", request::sold_out_unseen),
];

fn main() -> ExitCode {
    let Some(name) = std::env::args().nth(1) else {
        WORKS.iter().for_each(|(name, _)| println!("{name}"));
        return ExitCode::SUCCESS;
    };
    let Some((_, prepare)) = WORKS.iter().find(|(known, _)| *known == name) else {
        println!("there is no work `{name}`");
        return ExitCode::FAILURE;
    };
    let mut work = prepare();
    // What was not done as it is meant to would be cheap, and no measure of anything.
    assert_eq!(counted(&mut *work), TIMES, "{name}");
    ExitCode::SUCCESS
}

/// What is counted: whoever counts knows it by this name.
#[inline(never)]
fn counted(work: &mut dyn FnMut() -> usize) -> usize {
    // Looked at here, so that the work returns to this function and not past it.
    black_box(work())
}
