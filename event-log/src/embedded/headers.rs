//! How headers stand in the `headers` column. These bytes are on disk: changing them needs a new
//! format version.
//!
//! Each header is its name, then its value, each preceded by its length as an unsigned LEB128
//! number (seven bits a byte, lowest first, the high bit set on all but the last). No headers are
//! zero bytes.

use std::sync::Arc;

use bytes::Bytes;

use crate::contract::Headers;

/// Adds `headers` to `out`.
pub(crate) fn encode(headers: &[(Arc<str>, Bytes)], out: &mut Vec<u8>) {
    for (name, value) in headers {
        for part in [name.as_bytes(), value] {
            encode_length(part.len(), out);
            out.extend_from_slice(part);
        }
    }
}

fn encode_length(mut length: usize, out: &mut Vec<u8>) {
    while length >= 0x80 {
        out.push((length & 0x7f) as u8 | 0x80);
        length >>= 7;
    }
    out.push(length as u8);
}

/// Reads what [`encode`] wrote; `None` if the bytes are anything else.
pub(crate) fn decode(mut bytes: &[u8]) -> Option<Headers> {
    let mut headers = Vec::new();
    while !bytes.is_empty() {
        let name = std::str::from_utf8(decode_part(&mut bytes)?).ok()?;
        let value = decode_part(&mut bytes)?;
        headers.push((name.into(), Bytes::copy_from_slice(value)));
    }
    Some(headers.into())
}

fn decode_part<'a>(bytes: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = decode_length(bytes)?;
    let (part, rest) = bytes.split_at_checked(length)?;
    *bytes = rest;
    Some(part)
}

fn decode_length(bytes: &mut &[u8]) -> Option<usize> {
    let mut length = 0_usize;
    // Three bytes hold 21 bits, more than the largest record has.
    for shift in [0, 7, 14] {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        length |= usize::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(length);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::{decode, encode};
    use bytes::Bytes;

    #[test]
    fn headers_have_the_bytes_that_are_on_disk() {
        let mut bytes = Vec::new();
        let headers = [("epoch".into(), Bytes::from_static(b"7")), ("none".into(), Bytes::new())];
        encode(&headers, &mut bytes);
        assert_eq!(bytes, b"\x05epoch\x017\x04none\x00");
    }

    #[test]
    fn headers_of_every_length_come_back() {
        for length in [0, 1, 127, 128, 16_383, 16_384, 1 << 20] {
            let value = Bytes::from(vec![b'x'; length]);
            let mut bytes = Vec::new();
            encode(&[("name".into(), value.clone())], &mut bytes);
            assert_eq!(decode(&bytes), Some([("name".into(), value)].into()));
        }
    }

    #[test]
    fn broken_headers_are_refused() {
        let broken: [&[u8]; 4] = [b"\x05epo", b"\x01a", b"\x01\xff\x00", b"\xff\xff\xff\xff"];
        for bytes in broken {
            assert_eq!(decode(bytes), None, "{bytes:?}");
        }
    }
}
