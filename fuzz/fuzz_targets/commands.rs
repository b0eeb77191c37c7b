//! The row `commands` of the table in `decoders`.

#![no_main]

libfuzzer_sys::fuzz_target!(
    init: decoders::lay_out("commands"),
    |input: &[u8]| decoders::run("commands", input)
);
