//! The row `bodies` of the table in `decoders`.

#![no_main]

libfuzzer_sys::fuzz_target!(
    init: decoders::lay_out("bodies"),
    |input: &[u8]| decoders::run("bodies", input)
);
