//! The merkle root that commits a header to its body.
//!
//! The tree of [RFC 6962](https://www.rfc-editor.org/rfc/rfc6962#section-2.1) over BLAKE3: a leaf is
//! hashed behind a zero byte, a node behind a one, so that no node passes for a leaf; an odd node
//! moves up as it is and is never paired with itself, so that no two lists share a root.

use crate::model::Hash;

/// The number of leaves of a subtree: a power of two, so that every subtree but the last is full.
pub(crate) const SUBTREE: usize = 64;

/// Returns the root over these identities, in this order; [`Hash::ZERO`] exactly when there are none.
///
/// Costs two short hashes an identity and 32 bytes of memory for each.
#[must_use]
pub fn root(identities: &[Hash]) -> Hash {
    climb(identities.iter().map(leaf).collect())
}

/// Returns the root over the roots of all subtrees of [`SUBTREE`] leaves, in their order.
pub(crate) fn root_of_subtrees(roots: Vec<Hash>) -> Hash {
    climb(roots)
}

fn climb(mut row: Vec<Hash>) -> Hash {
    while row.len() > 1 {
        row = row
            .chunks(2)
            .map(|pair| match pair {
                [left, right] => node(left, right),
                odd => odd[0],
            })
            .collect();
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subtrees_have_the_root_of_the_whole() {
        let identity = |number: usize| Hash(blake3::hash(&number.to_le_bytes()).into());
        for length in (0..4 * SUBTREE).chain([16 * SUBTREE + 1]) {
            let identities: Vec<Hash> = (0..length).map(identity).collect();
            let roots = identities.chunks(SUBTREE).map(root).collect();
            assert_eq!(root_of_subtrees(roots), root(&identities), "{length}");
        }
    }
}
