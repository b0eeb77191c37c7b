//! The row `key_files` of the table in `decoders`.

#![no_main]

libfuzzer_sys::fuzz_target!(
    init: decoders::lay_out("key_files"),
    |input: &[u8]| decoders::run("key_files", input)
);
