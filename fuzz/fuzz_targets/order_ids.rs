//! The row `order_ids` of the table in `decoders`.

#![no_main]

libfuzzer_sys::fuzz_target!(
    init: decoders::lay_out("order_ids"),
    |input: &[u8]| decoders::run("order_ids", input)
);
