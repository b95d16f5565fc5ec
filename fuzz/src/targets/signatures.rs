//! A batch of claims, good and bad ones side by side.

use std::cell::RefCell;
use std::collections::BTreeMap;

use curve25519_dalek::constants::EIGHT_TORSION;
use curve25519_dalek::edwards::EdwardsPoint;
use curve25519_dalek::scalar::Scalar;
use lockstep_core::model::{Hash, PublicKey, Signature};
use lockstep_core::signature::{Claim, Keypair, verify, verify_all};
use sha2::{Digest, Sha512};

/// Claims of one input. A batch costs some 20 microseconds a claim, and one that does not hold makes
/// all of them be verified alone; what becomes of full batches is tested in core.
const MOST: usize = 8;

/// The order of the group, little-endian (RFC 8032, 5.1).
const GROUP_ORDER: [u8; 32] = [
    0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
];

/// A claim holds in a batch exactly when it holds alone, and as the rule of ZIP-215 says where it
/// was made to hold or not.
///
/// Four bytes are a claim; see `made` for what they mean.
///
/// # Panics
///
/// On a finding.
pub fn signatures(data: &[u8]) {
    let few = data.len().min(4 * MOST);
    verdicts_agree(&data[..few], verified_once, verify_all);
}

/// The verdict of [`verify`] on a claim. A fuzzer makes the same claims over and over; each is verified
/// alone the first time.
fn verified_once(claim: &Claim) -> bool {
    type Verdicts = BTreeMap<(PublicKey, Hash, Signature), bool>;
    thread_local! {
        static VERDICTS: RefCell<Verdicts> = RefCell::default();
    }
    let key = (claim.signer, claim.message, claim.signature);
    VERDICTS.with_borrow_mut(|verdicts| {
        forget_if_many(verdicts);
        *verdicts.entry(key).or_insert_with(|| verify(claim))
    })
}

fn forget_if_many<K, V>(remembered: &mut BTreeMap<K, V>) {
    if remembered.len() >= 1 << 16 {
        remembered.clear();
    }
}

fn verdicts_agree(
    data: &[u8],
    alone: impl Fn(&Claim) -> bool,
    together: impl Fn(&[Claim]) -> Vec<bool>,
) {
    let (recipes, _) = data.as_chunks::<4>();
    let made: Vec<Made> = recipes.iter().map(|recipe| made(*recipe)).collect();
    let claims: Vec<Claim> = made.iter().map(|made| made.claim).collect();
    let verdicts = together(&claims);
    assert_eq!(
        verdicts.len(),
        claims.len(),
        "every claim gets its own verdict"
    );
    for (index, (made, in_batch)) in made.iter().zip(verdicts).enumerate() {
        let holds = alone(&made.claim);
        assert_eq!(
            in_batch,
            holds,
            "claim {index} of {} gets the verdict that it gets alone: {made:?}",
            claims.len()
        );
        if let Some(valid) = made.valid {
            assert_eq!(
                holds, valid,
                "claim {index} gets the verdict of ZIP-215: {made:?}"
            );
        }
    }
}

/// A claim, and whether it is known to hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Made {
    claim: Claim,
    valid: Option<bool>,
}

/// The claim that a recipe makes, remembered: making it is as dear as verifying it, and inputs repeat
/// recipes.
fn made(recipe: [u8; 4]) -> Made {
    thread_local! {
        static MADE: RefCell<BTreeMap<[u8; 4], Made>> = RefCell::default();
    }
    let recipe = plain(recipe);
    MADE.with_borrow_mut(|made| {
        forget_if_many(made);
        *made.entry(recipe).or_insert_with(|| make(recipe))
    })
}

/// The recipe that makes the same, without what does not matter to its kind.
fn plain([what, small_order, high, low]: [u8; 4]) -> [u8; 4] {
    match what >> 4 {
        0 | 1 => [what & 15, 0, 0, 0],
        2 | 3 | 10 | 11 => [what, small_order, 0, 0],
        4 => [what, 0, high & 3, low],
        5 => [what, small_order, high & 3, low],
        6..=9 => [what, 0, 0, 0],
        _ => [what, small_order, high, low],
    }
}

/// The first byte has a signer and a message in its lower half and what is made in its upper half;
/// the second says which points of small order are involved; the last two count bits.
fn make([what, small_order, high, low]: [u8; 4]) -> Made {
    let message = Hash([what >> 2 & 3; 32]);
    let (of_key, of_nonce) = (small_order & 15, small_order >> 4);
    let honest = {
        let key = Keypair::from_secret([what & 3; 32]);
        Claim {
            signer: key.public(),
            message,
            signature: key.sign(&message),
        }
    };
    let with_torsion = || with_torsion(what & 3, message, of_key, of_nonce);
    let (claim, valid) = match what >> 4 {
        0 | 1 => (honest, Some(true)),
        2 => (with_torsion(), Some(true)),
        3 => {
            let claim = Claim {
                signer: PublicKey(small_order_encoding(of_key)),
                message,
                signature: signature(small_order_encoding(of_nonce), [0; 32]),
            };
            (claim, Some(true))
        }
        4 => (flipped(honest, high, low), None),
        5 => (flipped(with_torsion(), high, low), None),
        6 => {
            let message = Hash([4; 32]);
            (Claim { message, ..honest }, Some(false))
        }
        7 => (with_scalar(honest, plus_group_order), Some(false)),
        // These two make up for each other where all weights are the same.
        8 => (shifted(honest, Scalar::ONE), Some(false)),
        9 => (shifted(honest, -Scalar::ONE), Some(false)),
        // A key of small order under a signature by another key.
        10 => {
            let signer = PublicKey(small_order_encoding(of_key));
            (Claim { signer, ..honest }, None)
        }
        // A nonce of small order in an honest signature.
        11 => {
            let (_, scalar) = halves(honest.signature);
            let signature = signature(small_order_encoding(of_nonce), scalar);
            (
                Claim {
                    signature,
                    ..honest
                },
                Some(false),
            )
        }
        _ => (arbitrary([what, small_order, high, low], message), None),
    };
    Made { claim, valid }
}

/// A signature that holds because of the cofactor: key and nonce may have a part of small order.
fn with_torsion(signer: u8, message: Hash, of_key: u8, of_nonce: u8) -> Claim {
    let secret = secret_scalar(&[signer]);
    let nonce = secret_scalar(&[signer, message.0[0], 0]);
    let torsion = |number: u8| EIGHT_TORSION[usize::from(number & 7)];
    let key = (EdwardsPoint::mul_base(&secret) + torsion(of_key))
        .compress()
        .to_bytes();
    let point = (EdwardsPoint::mul_base(&nonce) + torsion(of_nonce))
        .compress()
        .to_bytes();
    let challenge = Sha512::new()
        .chain_update(point)
        .chain_update(key)
        .chain_update(message.0)
        .finalize();
    let challenge = Scalar::from_bytes_mod_order_wide(&challenge.into());
    Claim {
        signer: PublicKey(key),
        message,
        signature: signature(point, (nonce + challenge * secret).to_bytes()),
    }
}

fn secret_scalar(name: &[u8]) -> Scalar {
    Scalar::from_bytes_mod_order(blake3::derive_key("lockstep sim fuzz scalar", name))
}

/// One of the 14 encodings of the 8 points of small order, 6 of them not canonical.
fn small_order_encoding(number: u8) -> [u8; 32] {
    let [first, middle, last] = match number {
        8 => [0xed, 0xff, 0x7f],
        9 => [0xed, 0xff, 0xff],
        10 => [0xee, 0xff, 0x7f],
        11 => [0xee, 0xff, 0xff],
        12 => [0x01, 0x00, 0x80],
        13 => [0xec, 0xff, 0xff],
        _ => return EIGHT_TORSION[usize::from(number & 7)].compress().to_bytes(),
    };
    let mut bytes = [middle; 32];
    bytes[0] = first;
    bytes[31] = last;
    bytes
}

/// One bit of key, message or signature is another.
fn flipped(mut claim: Claim, high: u8, low: u8) -> Claim {
    let bit = usize::from(high) << 8 | usize::from(low);
    let index = bit / 8 % 128;
    let byte = match index {
        0..32 => &mut claim.signer.0[index],
        32..64 => &mut claim.message.0[index - 32],
        _ => &mut claim.signature.0[index - 64],
    };
    *byte ^= 1 << (bit % 8);
    claim
}

fn shifted(claim: Claim, by: Scalar) -> Claim {
    with_scalar(claim, |scalar| {
        (Scalar::from_bytes_mod_order(scalar) + by).to_bytes()
    })
}

fn plus_group_order(scalar: [u8; 32]) -> [u8; 32] {
    let mut sum = [0; 32];
    let mut carry = 0;
    for (index, byte) in sum.iter_mut().enumerate() {
        let digit = u16::from(scalar[index]) + u16::from(GROUP_ORDER[index]) + carry;
        *byte = digit.to_le_bytes()[0];
        carry = digit >> 8;
    }
    sum
}

fn with_scalar(claim: Claim, change: impl FnOnce([u8; 32]) -> [u8; 32]) -> Claim {
    let (point, scalar) = halves(claim.signature);
    Claim {
        signature: signature(point, change(scalar)),
        ..claim
    }
}

/// Bytes that are no signature of any key, and mostly no points.
fn arbitrary(seed: [u8; 4], message: Hash) -> Claim {
    let half = |number: u8| {
        blake3::derive_key("lockstep sim fuzz bytes", &[&seed[..], &[number]].concat())
    };
    Claim {
        signer: PublicKey(half(0)),
        message,
        signature: signature(half(1), half(2)),
    }
}

fn halves(signature: Signature) -> ([u8; 32], [u8; 32]) {
    let (halves, _) = signature.0.as_chunks::<32>();
    (halves[0], halves[1])
}

fn signature(point: [u8; 32], scalar: [u8; 32]) -> Signature {
    let mut bytes = [0; 64];
    bytes[..32].copy_from_slice(&point);
    bytes[32..].copy_from_slice(&scalar);
    Signature(bytes)
}

#[cfg(test)]
mod tests {
    use lockstep_core::signature::BATCH;

    use super::*;

    /// One claim of every kind, with points of small order.
    const EVERY_KIND: [[u8; 4]; 13] = [
        [0x00, 0x00, 0, 0],
        [0x15, 0x00, 0, 0],
        [0x20, 0x31, 0, 0],
        [0x35, 0xd9, 0, 0],
        [0x40, 0x00, 1, 7],
        [0x50, 0x31, 3, 9],
        [0x60, 0x00, 0, 0],
        [0x70, 0x00, 0, 0],
        [0x80, 0x00, 0, 0],
        [0x90, 0x00, 0, 0],
        [0xa0, 0x08, 0, 0],
        [0xb0, 0x80, 0, 0],
        [0xc0, 0x01, 2, 3],
    ];

    #[test]
    fn every_kind_of_claim_gets_its_verdict() {
        signatures(EVERY_KIND.as_flattened());
    }

    #[test]
    fn more_than_a_batch_of_every_kind_get_their_verdicts() {
        let claims = EVERY_KIND.iter().cycle().take(BATCH + 12);
        let data: Vec<u8> = claims.copied().flatten().collect();
        verdicts_agree(&data, verified_once, verify_all);
    }

    #[test]
    fn what_does_not_matter_to_a_kind_does_not_matter() {
        for recipe in EVERY_KIND {
            let [what, small_order, high, low] = recipe;
            for other in [
                recipe,
                [what, small_order ^ 0x41, high, low],
                [what, small_order, high ^ 0x84, low],
                [what, small_order, high, low ^ 1],
            ] {
                assert_eq!(make(other), make(plain(other)), "{other:?}");
            }
        }
    }

    #[test]
    fn the_encodings_of_small_order_are_fourteen() {
        let all: std::collections::BTreeSet<_> = (0..14).map(small_order_encoding).collect();
        assert_eq!(all.len(), 14);
    }

    #[test]
    #[should_panic(expected = "claim 4 of 13 gets the verdict that it gets alone")]
    fn a_batch_that_looks_at_its_first_claim_only_is_found() {
        verdicts_agree(EVERY_KIND.as_flattened(), verify, |claims| {
            vec![verify(&claims[0]); claims.len()]
        });
    }

    #[test]
    #[should_panic(expected = "claim 2 gets the verdict of ZIP-215")]
    fn a_rule_without_the_cofactor_is_found() {
        let strict = |claim: &Claim| {
            let part_of_small_order = claim.signer == make(EVERY_KIND[2]).claim.signer;
            verify(claim) && !part_of_small_order
        };
        verdicts_agree(EVERY_KIND.as_flattened(), strict, |claims| {
            claims.iter().map(strict).collect()
        });
    }

    #[test]
    #[should_panic(expected = "every claim gets its own verdict")]
    fn a_batch_without_verdicts_is_found() {
        verdicts_agree(EVERY_KIND.as_flattened(), verify, |_| Vec::new());
    }
}
