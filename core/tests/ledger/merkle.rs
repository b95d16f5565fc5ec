//! Tests of the merkle root: it is that of RFC 6962, and no two lists share one.

use std::collections::BTreeSet;

use lockstep_core::merkle::root;
use lockstep_core::model::Hash;

/// The definition of RFC 6962, section 2.1, word for word: a list is split at the largest power of
/// two below its length. The root of nothing is the ledger's own.
fn root_by_definition(identities: &[Hash]) -> Hash {
    let hash = |parts: &[&[u8]]| Hash(blake3::hash(&parts.concat()).into());
    match identities {
        [] => Hash([0; 32]),
        [identity] => hash(&[&[0x00], &identity.0]),
        _ => {
            let mut split = 1;
            while split * 2 < identities.len() {
                split *= 2;
            }
            let (left, right) = identities.split_at(split);
            hash(&[
                &[0x01],
                &root_by_definition(left).0,
                &root_by_definition(right).0,
            ])
        }
    }
}

fn identities(count: usize) -> Vec<Hash> {
    (0..count)
        .map(|index| Hash(blake3::hash(&index.to_le_bytes()).into()))
        .collect()
}

#[test]
fn the_root_is_the_one_that_rfc_6962_defines() {
    for count in 0..=130 {
        let identities = identities(count);
        assert_eq!(
            root(&identities),
            root_by_definition(&identities),
            "of {count}"
        );
    }
}

/// To change this is to start a new network.
#[test]
fn the_root_of_five_identities_is_golden() {
    let identities = [1, 2, 3, 4, 5].map(|byte| Hash([byte; 32]));
    assert_eq!(
        root(&identities).to_string(),
        "3eb572819de9fac6c5216ce8989fa2bd3cfb8965188aa3281ac7ad175a0e3e19"
    );
}

#[test]
fn the_root_is_zero_exactly_when_there_is_nothing() {
    assert_eq!(root(&[]), Hash::ZERO);
    for count in 1..=130 {
        assert_ne!(root(&vec![Hash::ZERO; count]), Hash::ZERO);
        assert_ne!(root(&identities(count)), Hash::ZERO);
    }
}

/// A tree that pairs an odd node with itself cannot tell them apart (CVE-2012-2459).
#[test]
fn a_repeated_end_changes_the_root() {
    let all = identities(130);
    for count in 1..130 {
        for repeated in 1..=count {
            let mut longer = all[..count].to_vec();
            longer.extend_from_within(count - repeated..);
            assert_ne!(
                root(&longer),
                root(&all[..count]),
                "the last {repeated} of {count} twice"
            );
        }
    }
}

/// A tree that takes a node for an identity has a shorter list with the same root.
#[test]
fn a_node_does_not_pass_for_a_leaf() {
    let all = identities(128);
    for half in [1, 2, 4, 8, 16, 32, 64] {
        let (left, right) = all[..2 * half].split_at(half);
        assert_ne!(root(&[root(left), root(right)]), root(&all[..2 * half]));
    }
}

#[test]
fn one_identity_is_not_its_own_root() {
    let identity = identities(1)[0];
    assert_ne!(root(&[identity]), identity);
    assert_ne!(root(&[root(&[identity])]), root(&[identity]));
}

#[test]
fn exchanged_neighbours_change_the_root() {
    for count in 2..=66 {
        let identities = identities(count);
        let before = root(&identities);
        for left in 0..count - 1 {
            let mut exchanged = identities.clone();
            exchanged.swap(left, left + 1);
            assert_ne!(root(&exchanged), before, "{left} of {count}");
        }
    }
}

#[test]
fn every_identity_has_a_say_in_the_root() {
    for count in 1..=66 {
        let identities = identities(count);
        let mut roots = BTreeSet::from([root(&identities)]);
        for index in 0..count {
            let mut other = identities.clone();
            other[index].0[31] ^= 1;
            roots.insert(root(&other));
            let mut without = identities.clone();
            without.remove(index);
            roots.insert(root(&without));
        }
        assert_eq!(roots.len(), 1 + 2 * count, "of {count}");
    }
}
