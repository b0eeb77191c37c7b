//! The row `secret_sources` of the table in `decoders`.

#![no_main]

libfuzzer_sys::fuzz_target!(
    init: decoders::lay_out("secret_sources"),
    |input: &[u8]| decoders::run("secret_sources", input)
);
