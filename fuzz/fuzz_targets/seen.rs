//! The row `seen` of the table in `decoders`.

#![no_main]

libfuzzer_sys::fuzz_target!(
    init: decoders::lay_out("seen"),
    |input: &[u8]| decoders::run("seen", input)
);
