//! The row `command_ids` of the table in `decoders`.

#![no_main]

libfuzzer_sys::fuzz_target!(
    init: decoders::lay_out("command_ids"),
    |input: &[u8]| decoders::run("command_ids", input)
);
