//! Two lists of few distinct hashes, and their merkle roots.

use lockstep_core::merkle;
use lockstep_core::model::Hash;

use lockstep_sim::oracle::merkle_root;

/// Lists get no longer than this: enough for seven rows, most of them uneven.
const LONGEST: usize = 130;

/// A root is the one that the oracle computes from the definition of RFC 6962, it is zero exactly
/// for the empty list, and two lists share one exactly when they are equal.
///
/// The bytes before the first 0xff edit the empty list into the first list, those after it edit
/// the first list into the second.
///
/// # Panics
///
/// On a finding.
pub fn merkle(data: &[u8]) {
    roots_are_those_of(data, merkle::root);
}

fn roots_are_those_of(data: &[u8], root: impl Fn(&[Hash]) -> Hash) {
    let (first_edits, second_edits) = match data.iter().position(|byte| *byte == 0xff) {
        Some(end) => (&data[..end], &data[end + 1..]),
        None => (data, &[][..]),
    };
    let first = edited(Vec::new(), first_edits);
    let second = edited(first.clone(), second_edits);
    let roots = [root(&first), root(&second)];
    assert_eq!(
        roots[0] == roots[1],
        first == second,
        "two lists share a root exactly when they are equal: {first:?} and {second:?}"
    );
    for (list, got) in [first, second].into_iter().zip(roots) {
        assert_eq!(
            got == Hash::ZERO,
            list.is_empty(),
            "the root is zero exactly when there is nothing: {list:?}"
        );
        assert_eq!(
            got,
            merkle_root(&list),
            "the root is that of RFC 6962: {list:?}"
        );
    }
}

/// Each byte is an edit, most of them one that a bad tree does not notice.
fn edited(mut list: Vec<Hash>, edits: &[u8]) -> Vec<Hash> {
    for edit in edits {
        // How many hashes at the end it is about.
        let count = usize::from(edit >> 4).min(list.len());
        let start = list.len() - count;
        match edit & 0x0f {
            // A node in place of what is below it, or of one leaf only.
            8 => {
                let node = merkle_root(&list[start..]);
                list.splice(start.., [node]);
            }
            // The same as bytes that a tree without domains hashes alike.
            9 => {
                let hash = Hash(blake3::hash(&bytes(&list[start..])).into());
                list.splice(start.., [hash]);
            }
            10 => list.extend_from_within(start..),
            11 => list.extend_from_within(..),
            12 => list.truncate(start),
            13 => list[start..].reverse(),
            14 => list.push(Hash::ZERO),
            15 => {
                if let Some(last) = list.last_mut() {
                    last.0[31] ^= 1;
                }
            }
            few => list.push(Hash([few; 32])),
        }
        list.truncate(LONGEST);
    }
    list
}

fn bytes(list: &[Hash]) -> Vec<u8> {
    list.iter().flat_map(|hash| hash.0).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash(parts: &[&[u8]]) -> Hash {
        Hash(blake3::hash(&parts.concat()).into())
    }

    /// A tree that may differ from the one of RFC 6962 in a leaf, in the domain of a node, or in what
    /// becomes of an odd one.
    fn tree(
        list: &[Hash],
        leaf: impl Fn(&Hash) -> Hash,
        domain: &[u8],
        odd: impl Fn(Hash) -> Hash,
    ) -> Hash {
        let mut row: Vec<Hash> = list.iter().map(leaf).collect();
        while row.len() > 1 {
            row = row
                .chunks(2)
                .map(|pair| match pair {
                    [left, right] => hash(&[domain, &left.0, &right.0]),
                    single => odd(single[0]),
                })
                .collect();
        }
        row.first().copied().unwrap_or(Hash::ZERO)
    }

    fn leaf(identity: &Hash) -> Hash {
        hash(&[&[0], &identity.0])
    }

    /// Three hashes, then the last one again.
    const REPEATED_END: [u8; 5] = [1, 2, 3, 0xff, 3];

    #[test]
    fn the_tree_of_rfc_6962_is_no_finding() {
        roots_are_those_of(&REPEATED_END, |list| tree(list, leaf, &[1], |odd| odd));
    }

    #[test]
    #[should_panic(expected = "two lists share a root")]
    fn an_odd_node_that_is_paired_with_itself_is_found() {
        roots_are_those_of(&REPEATED_END, |list| {
            tree(list, leaf, &[1], |odd| hash(&[&[1], &odd.0, &odd.0]))
        });
    }

    #[test]
    #[should_panic(expected = "two lists share a root")]
    fn a_tree_whose_nodes_pass_for_leaves_is_found() {
        // Two hashes, then the node above them in their place.
        roots_are_those_of(&[1, 2, 0xff, 0x29], |list| {
            tree(list, |identity| *identity, &[], |odd| odd)
        });
    }

    #[test]
    #[should_panic(expected = "the root is zero exactly when there is nothing")]
    fn a_root_of_nothing_that_is_not_zero_is_found() {
        roots_are_those_of(&[], |_| Hash([1; 32]));
    }

    #[test]
    #[should_panic(expected = "the root is that of RFC 6962")]
    fn a_node_in_the_domain_of_leaves_is_found() {
        roots_are_those_of(&[1, 2], |list| tree(list, leaf, &[0], |odd| odd));
    }
}
