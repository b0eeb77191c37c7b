//! What `org.apache.kafka.common.utils.Utils.murmur2` of kafka-clients 4.1.0 says of these keys,
//! and `toPositive` of it modulo 64. The partition of every product ever sold hangs on it.

use super::{murmur2, partition_of};

const VECTORS: &[(&[u8], i32, u16)] = &[
    (b"", 275_646_681, 25),
    (b"a", -1_563_381_124, 60),
    (b"ab", 316_155_434, 42),
    (b"abc", 479_470_107, 27),
    (b"abcd", -1_323_649_548, 52),
    (b"abcde", 461_995_741, 29),
    (b"sku-1", -418_539_829, 11),
    (b"sku-42", 794_416_707, 3),
    (b"sneaker-42", -1_419_320_951, 9),
    (b"sneaker-43", 1_573_657_491, 19),
    (b"deal-2026-11-27", 1_692_468_540, 60),
    (b"Ticket_7.vip", -8_509_653, 43),
    (b"0", 971_027_396, 4),
    (b"00", 895_171_352, 24),
    (b"000", -195_066_456, 40),
    (b"0000", -1_739_413_287, 25),
    (b"00000", -1_991_395_465, 55),
    (b"A-Z", -1_469_549_912, 40),
    (b"x.y_z-", -588_552_268, 52),
    (b"product", 1_646_226_692, 4),
    (b"product-1", 368_172_123, 27),
    (b"product-10", 711_153_905, 49),
    (b"product-100", -1_134_371_670, 42),
    (b"product-1000", 1_736_684_068, 36),
    (b"\xc3\xa9t\xc3\xa9", -2_101_193_575, 25),
    (b"\xe3\x82\xb9\xe3\x83\x8b\xe3\x83\xbc\xe3\x82\xab\xe3\x83\xbc", 1_669_136_300, 44),
    (b"\x01\x7f", -1_936_040_009, 55),
    (b"\xc2\x80\xc3\xbf", 909_571_207, 7),
    (b"\xf0\x9f\x91\x9f", -774_939_777, 63),
    (b"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", -1_244_660_769, 31),
    (b"the quick brown fox jumps over the lazy dog", -890_066_680, 8),
    (b"01HXYZ9K3M4N5P6Q7R8S9T0V1W", 988_121_256, 40),
    (b"550e8400-e29b-41d4-a716-446655440000", 2_143_099_391, 63),
    (b"\x81", 373_152_667, 27),
    (b"\x82\xa7", -1_804_536_790, 42),
    (b"\x83\xa8\xcd", 426_145_424, 16),
    (b"\x84\xa9\xce\xf3", -1_421_599_671, 9),
    (b"\x85\xaa\xcf\xf4\x19", 202_743_144, 40),
    (b"\x86\xab\xd0\xf5\x1a\x3f", 756_899_215, 15),
    (b"\x87\xac\xd1\xf6\x1b\x40\x65", 1_043_920_892, 60),
    (b"21", -973_932_308, 44),
    (b"foobar", -790_332_482, 62),
    (b"a-little-bit-long-string", -985_981_536, 32),
    (b"a-little-bit-longer-string", -1_486_304_829, 3),
    (b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58_897_971, 13),
];

#[test]
fn keys_have_the_partitions_that_the_java_client_gives_them() {
    for (key, hash, partition) in VECTORS {
        assert_eq!(murmur2(key).cast_signed(), *hash, "{}", key.escape_ascii());
        assert_eq!(partition_of(key, 64), *partition, "{}", key.escape_ascii());
    }
}
