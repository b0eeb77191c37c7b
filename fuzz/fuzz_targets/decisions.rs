//! The row `decisions` of the table in `decoders`.

#![no_main]

libfuzzer_sys::fuzz_target!(
    init: decoders::lay_out("decisions"),
    |input: &[u8]| decoders::run("decisions", input)
);
