//! Records as some other program writes them: one batch in one request over a link of its own, byte
//! by byte. What it says need not be what our own clients would say.

use std::io::{Read, Write};
use std::net::TcpStream;

/// A batch of records.
pub(crate) struct Foreign<'a> {
    /// Whether it claims that its times are the log's. A broker that keeps batches as they come
    /// hands it on.
    pub(crate) has_log_time: bool,
    /// Names of one header that each record has, with an empty value. Any bytes.
    pub(crate) header: Option<&'a [u8]>,
    pub(crate) payloads: &'a [String],
}

/// Writes to the leader at `broker`, and tells where the first record stands.
#[track_caller]
pub(crate) fn write(broker: &str, topic: &str, partition: i32, batch: &Foreign<'_>) -> i64 {
    const PRODUCE: i16 = 0;
    const VERSION: i16 = 3;
    let batch = bytes(batch);
    let mut request = Vec::new();
    request.extend(PRODUCE.to_be_bytes());
    request.extend(VERSION.to_be_bytes());
    request.extend(7_i32.to_be_bytes());
    text(&mut request, "foreign");
    // No transaction, acknowledged by all, within ten seconds.
    request.extend((-1_i16).to_be_bytes());
    request.extend((-1_i16).to_be_bytes());
    request.extend(10_000_i32.to_be_bytes());
    request.extend(1_i32.to_be_bytes());
    text(&mut request, topic);
    request.extend(1_i32.to_be_bytes());
    request.extend(partition.to_be_bytes());
    request.extend(length(&batch).to_be_bytes());
    request.extend(&batch);
    let mut link = TcpStream::connect(broker).unwrap();
    link.write_all(&length(&request).to_be_bytes()).unwrap();
    link.write_all(&request).unwrap();
    let mut size = [0; 4];
    link.read_exact(&mut size).unwrap();
    let mut answer = vec![0; u32::from_be_bytes(size) as usize];
    link.read_exact(&mut answer).unwrap();
    // Which request, one topic, its name, one partition, its number.
    let at = 4 + 4 + 2 + topic.len() + 4 + 4;
    let error = i16::from_be_bytes(answer[at..at + 2].try_into().unwrap());
    assert_eq!(error, 0, "the broker refuses the batch");
    i64::from_be_bytes(answer[at + 2..at + 10].try_into().unwrap())
}

fn bytes(batch: &Foreign<'_>) -> Vec<u8> {
    let mut guarded = Vec::new();
    let (attributes, millis) = (if batch.has_log_time { 8_i16 } else { 0 }, 1_700_000_000_000_i64);
    let count = i32::try_from(batch.payloads.len()).unwrap();
    guarded.extend(attributes.to_be_bytes());
    guarded.extend((count - 1).to_be_bytes());
    guarded.extend(millis.to_be_bytes());
    guarded.extend(millis.to_be_bytes());
    // Nobody's producer, no epoch, no sequence.
    guarded.extend((-1_i64).to_be_bytes());
    guarded.extend((-1_i16).to_be_bytes());
    guarded.extend((-1_i32).to_be_bytes());
    guarded.extend(count.to_be_bytes());
    for (index, payload) in (0..).zip(batch.payloads) {
        let mut record = vec![0];
        number(&mut record, 0);
        number(&mut record, index);
        number(&mut record, -1);
        number(&mut record, i64::from(length(payload.as_bytes())));
        record.extend(payload.as_bytes());
        number(&mut record, batch.header.map_or(0, |_| 1));
        if let Some(name) = batch.header {
            number(&mut record, i64::from(length(name)));
            record.extend(name);
            number(&mut record, 0);
        }
        number(&mut guarded, i64::from(length(&record)));
        guarded.extend(record);
    }
    let mut all = Vec::new();
    all.extend(0_i64.to_be_bytes());
    all.extend((length(&guarded) + 9).to_be_bytes());
    all.extend((-1_i32).to_be_bytes());
    all.push(2);
    all.extend(crc32c(&guarded).to_be_bytes());
    all.extend(guarded);
    all
}

fn length(bytes: &[u8]) -> i32 {
    i32::try_from(bytes.len()).unwrap()
}

fn text(to: &mut Vec<u8>, text: &str) {
    to.extend(i16::try_from(text.len()).unwrap().to_be_bytes());
    to.extend(text.as_bytes());
}

/// Of any size: the sign in the lowest bit, then seven bits a byte, the low ones first.
fn number(to: &mut Vec<u8>, number: i64) {
    let mut left = ((number << 1) ^ (number >> 63)).cast_unsigned();
    while left >= 0x80 {
        to.push((left & 0x7f | 0x80) as u8);
        left >>= 7;
    }
    to.push(left as u8);
}

fn crc32c(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ (0x82f6_3b78 * (crc & 1)))
    })
}

#[test]
fn the_checksum_is_the_one_of_the_protocol() {
    assert_eq!(crc32c(b"123456789"), 0xe306_9283);
}
