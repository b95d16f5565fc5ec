//! RLP lists from encoded items.

use alloy_rlp::{Encodable, Header};

/// The RLP of one item.
pub(crate) fn item(value: &dyn Encodable) -> Vec<u8> {
    let mut encoded = Vec::new();
    value.encode(&mut encoded);
    encoded
}

/// The RLP of a list of encoded items.
pub(crate) fn list(items: &[Vec<u8>]) -> Vec<u8> {
    let payload = items.concat();
    let mut encoded = Vec::new();
    let header = Header {
        list: true,
        payload_length: payload.len(),
    };
    header.encode(&mut encoded);
    encoded.extend(payload);
    encoded
}
