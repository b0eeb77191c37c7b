//! The row `traceparents` of the table in `decoders`.

#![no_main]

libfuzzer_sys::fuzz_target!(
    init: decoders::lay_out("traceparents"),
    |input: &[u8]| decoders::run("traceparents", input)
);
