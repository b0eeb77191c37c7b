//! The row `durations` of the table in `decoders`.

#![no_main]

libfuzzer_sys::fuzz_target!(
    init: decoders::lay_out("durations"),
    |input: &[u8]| decoders::run("durations", input)
);
