//! The row `issuer_keys` of the table in `decoders`.

#![no_main]

libfuzzer_sys::fuzz_target!(
    init: decoders::lay_out("issuer_keys"),
    |input: &[u8]| decoders::run("issuer_keys", input)
);
