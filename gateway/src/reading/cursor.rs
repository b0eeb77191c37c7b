//! Cursors of pages: opaque to clients, with a checksum so that a mangled one is noticed.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use read_model::OrderCursor;
use schemas::http::ProblemCode;
use schemas::{DealId, Digest, Position, Timestamp};
use uuid::Uuid;

use crate::problem::Refusal;

/// Time 8, log 1, partition 2, offset 8 bytes.
const ORDER_BYTES: usize = 19;
/// Time 8, id 16 bytes.
const DEAL_BYTES: usize = 24;
const CHECK_BYTES: usize = 4;

/// The last deal of a page: the next page begins behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct DealCursor {
    /// When it opens.
    pub(crate) opens_at: Timestamp,
    /// Its id.
    pub(crate) deal_id: DealId,
}

/// The cursor as clients see it.
pub(crate) fn write_cursor(cursor: &OrderCursor) -> String {
    let mut bytes = Vec::with_capacity(ORDER_BYTES + CHECK_BYTES);
    bytes.extend_from_slice(&cursor.purchased_at.as_millis().to_be_bytes());
    bytes.push(cursor.log_id);
    bytes.extend_from_slice(&cursor.position.partition.to_be_bytes());
    bytes.extend_from_slice(&cursor.position.offset.to_be_bytes());
    seal("orders", bytes)
}

/// The cursor that a client gave back.
pub(crate) fn read_cursor(text: &str) -> Result<OrderCursor, Refusal> {
    open::<ORDER_BYTES>("orders", text).and_then(|fields| order(&fields)).ok_or_else(unknown)
}

/// The same for a list of deals.
pub(crate) fn write_deal_cursor(cursor: &DealCursor) -> String {
    let mut bytes = Vec::with_capacity(DEAL_BYTES + CHECK_BYTES);
    bytes.extend_from_slice(&cursor.opens_at.as_millis().to_be_bytes());
    bytes.extend_from_slice(cursor.deal_id.0.as_bytes());
    seal("deals", bytes)
}

/// The same for a list of deals.
pub(crate) fn read_deal_cursor(text: &str) -> Result<DealCursor, Refusal> {
    open::<DEAL_BYTES>("deals", text).and_then(|fields| deal(&fields)).ok_or_else(unknown)
}

fn order(fields: &[u8]) -> Option<OrderCursor> {
    let (time, rest) = fields.split_first_chunk()?;
    let (log_id, rest) = rest.split_first()?;
    let (partition, rest) = rest.split_first_chunk()?;
    let offset = rest.try_into().ok()?;
    let position =
        Position { partition: u16::from_be_bytes(*partition), offset: u64::from_be_bytes(offset) };
    let purchased_at = Timestamp::from_millis(i64::from_be_bytes(*time));
    Some(OrderCursor { purchased_at, log_id: *log_id, position })
}

fn deal(fields: &[u8]) -> Option<DealCursor> {
    let (time, rest) = fields.split_first_chunk()?;
    let opens_at = Timestamp::from_millis(i64::from_be_bytes(*time));
    Some(DealCursor { opens_at, deal_id: DealId(Uuid::from_bytes(rest.try_into().ok()?)) })
}

fn unknown() -> Refusal {
    Refusal::field(ProblemCode::Malformed, "cursor", "not a cursor of this list")
}

fn seal(list: &str, mut bytes: Vec<u8>) -> String {
    let check = checksum(list, &bytes);
    bytes.extend_from_slice(&check);
    URL_SAFE_NO_PAD.encode(bytes)
}

fn open<const FIELDS: usize>(list: &str, text: &str) -> Option<[u8; FIELDS]> {
    let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
    let (fields, check) = bytes.split_first_chunk::<FIELDS>()?;
    (check == checksum(list, fields)).then_some(*fields)
}

fn checksum(list: &str, fields: &[u8]) -> [u8; CHECK_BYTES] {
    let digest = Digest::of("timedeal.cursor", &[list.as_bytes(), fields]).0.to_be_bytes();
    *digest.first_chunk().expect("a digest has 16 bytes")
}

#[cfg(test)]
mod tests {
    use read_model::OrderCursor;
    use schemas::{Position, Timestamp};

    use super::{DealCursor, read_cursor, read_deal_cursor, write_cursor, write_deal_cursor};

    #[test]
    fn a_cursor_comes_back_as_it_went_and_mangled_not_at_all() {
        let cursor = OrderCursor {
            purchased_at: Timestamp::from_millis(-5),
            log_id: 255,
            position: Position { partition: 3, offset: 1 << 40 },
        };
        let text = write_cursor(&cursor);
        assert_eq!(read_cursor(&text).unwrap(), cursor);
        assert!(read_deal_cursor(&text).is_err());
        for index in 0..text.len() {
            let mut bytes = text.clone().into_bytes();
            bytes[index] = if bytes[index] == b'x' { b'y' } else { b'x' };
            let mangled = String::from_utf8(bytes).unwrap();
            assert!(read_cursor(&mangled).is_err(), "{mangled}");
        }
        for bad in ["", "AAAA", "é", "%%", &text[1..], &format!("{text}A")] {
            assert!(read_cursor(bad).is_err(), "{bad}");
        }
        let deal_id = schemas::DealId(uuid::Uuid::from_u128(7));
        let cursor = DealCursor { opens_at: Timestamp::EPOCH, deal_id };
        let text = write_deal_cursor(&cursor);
        assert_eq!(read_deal_cursor(&text).unwrap(), cursor);
        assert!(read_cursor(&text).is_err());
    }
}
