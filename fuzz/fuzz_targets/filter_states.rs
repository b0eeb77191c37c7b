//! The row `filter_states` of the table in `decoders`.

#![no_main]

libfuzzer_sys::fuzz_target!(
    init: decoders::lay_out("filter_states"),
    |input: &[u8]| decoders::run("filter_states", input)
);
