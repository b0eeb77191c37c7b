//! Composition of all roles; begun.

fn main() {}
