//! The row `states` of the table in `decoders`.

#![no_main]

libfuzzer_sys::fuzz_target!(
    init: decoders::lay_out("states"),
    |input: &[u8]| decoders::run("states", input)
);
