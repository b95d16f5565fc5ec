//! The root that commits a header to its body.
//!
//! The tree of [RFC 6962](https://www.rfc-editor.org/rfc/rfc6962#section-2.1) over BLAKE3: a leaf is
//! hashed behind a zero byte, a node behind a one, so that no node passes for a leaf; an odd node
//! moves up as it is and is never paired with itself, so that no two lists share a root.

use crate::model::Hash;
use crate::side_by_side::{Alone, SideBySide};

/// The root over these identities, in this order; [`Hash::ZERO`] exactly when there are none.
///
/// Costs two short hashes an identity and 32 bytes of memory for each.
#[must_use]
pub fn root(identities: &[Hash]) -> Hash {
    root_over(Alone, identities)
}

/// [`root`], on several threads perhaps.
pub(crate) fn root_over(spread: impl SideBySide, identities: &[Hash]) -> Hash {
    let mut row: Vec<Hash> = spread.map(identities, leaf);
    while row.len() > 1 {
        let pairs: Vec<&[Hash]> = row.chunks(2).collect();
        row = spread.map(&pairs, |pair| match pair {
            [left, right] => node(left, right),
            odd => odd[0],
        });
    }
    row.first().copied().unwrap_or(Hash::ZERO)
}

fn leaf(identity: &Hash) -> Hash {
    let mut bytes = [0; 33];
    bytes[1..].copy_from_slice(&identity.0);
    Hash(blake3::hash(&bytes).into())
}

fn node(left: &Hash, right: &Hash) -> Hash {
    let mut bytes = [1; 65];
    bytes[1..33].copy_from_slice(&left.0);
    bytes[33..].copy_from_slice(&right.0);
    Hash(blake3::hash(&bytes).into())
}
