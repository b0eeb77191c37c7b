//! The row `cursors` of the table in `decoders`.

#![no_main]

libfuzzer_sys::fuzz_target!(
    init: decoders::lay_out("cursors"),
    |input: &[u8]| decoders::run("cursors", input)
);
