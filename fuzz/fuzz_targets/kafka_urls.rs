//! The row `kafka_urls` of the table in `decoders`.

#![no_main]

libfuzzer_sys::fuzz_target!(
    init: decoders::lay_out("kafka_urls"),
    |input: &[u8]| decoders::run("kafka_urls", input)
);
