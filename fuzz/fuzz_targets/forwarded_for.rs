//! The row `forwarded_for` of the table in `decoders`.

#![no_main]

libfuzzer_sys::fuzz_target!(
    init: decoders::lay_out("forwarded_for"),
    |input: &[u8]| decoders::run("forwarded_for", input)
);
