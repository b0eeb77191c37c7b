//! The row `signatures` of the table in `decoders`.

#![no_main]

libfuzzer_sys::fuzz_target!(
    init: decoders::lay_out("signatures"),
    |input: &[u8]| decoders::run("signatures", input)
);
