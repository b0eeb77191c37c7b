//! The row `queries` of the table in `decoders`.

#![no_main]

libfuzzer_sys::fuzz_target!(
    init: decoders::lay_out("queries"),
    |input: &[u8]| decoders::run("queries", input)
);
