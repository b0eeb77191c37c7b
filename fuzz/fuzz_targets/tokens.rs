//! The row `tokens` of the table in `decoders`.

#![no_main]

libfuzzer_sys::fuzz_target!(
    init: decoders::lay_out("tokens"),
    |input: &[u8]| decoders::run("tokens", input)
);
