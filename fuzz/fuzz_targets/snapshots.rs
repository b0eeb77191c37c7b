//! The row `snapshots` of the table in `decoders`.

#![no_main]

libfuzzer_sys::fuzz_target!(
    init: decoders::lay_out("snapshots"),
    |input: &[u8]| decoders::run("snapshots", input)
);
