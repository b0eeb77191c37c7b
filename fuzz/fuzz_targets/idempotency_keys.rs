//! The row `idempotency_keys` of the table in `decoders`.

#![no_main]

libfuzzer_sys::fuzz_target!(
    init: decoders::lay_out("idempotency_keys"),
    |input: &[u8]| decoders::run("idempotency_keys", input)
);
