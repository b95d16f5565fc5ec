//! Batch verification of a block's signatures that disagrees with single verification.
//!
//! A batch is verified by testing that the sum of all equations, each with a random weight, is zero. The
//! rule of the ledger multiplies by the cofactor first (ZIP 215) and this one does not, so the remainder of
//! a signature with a component of small order vanishes or not depending on its weight.

use curve25519_dalek::edwards::{CompressedEdwardsY, EdwardsPoint};
use curve25519_dalek::scalar::Scalar;
use curve25519_dalek::traits::{Identity, VartimeMultiscalarMul};
use lockstep_core::codec;
use lockstep_core::model::{Block, PublicKey, Signature, Transaction};
use lockstep_core::signature;
use sha2::{Digest, Sha512};

/// Returns, for each transaction of a block, the first signer whose signature is not accepted.
pub(super) fn forgers(block: &Block) -> Vec<Option<PublicKey>> {
    let claims: Vec<Claim> = block
        .transactions
        .iter()
        .enumerate()
        .flat_map(|(index, transaction)| Claim::all_of(index, transaction))
        .collect();
    let seed = codec::block_hash(&block.header).0;
    let mut forgers = vec![None; block.transactions.len()];
    let mut refused = Vec::new();
    refuse(&claims, &seed, &mut refused);
    for claim in refused {
        forgers[claim.transaction].get_or_insert(claim.signer);
    }
    forgers
}

/// Returns for each claim whether it is accepted in one batch with the others.
pub(crate) fn accepted(claims: &[signature::Claim]) -> Vec<bool> {
    let of_index = |(index, claim): (usize, &signature::Claim)| Claim {
        transaction: index,
        signer: claim.signer,
        equation: Equation::of(claim.signer, &claim.message.0, claim.signature),
    };
    let seed = claims.iter().fold([0; 32], |seed, claim| {
        *blake3::Hasher::new_keyed(&seed)
            .update(&claim.message.0)
            .finalize()
            .as_bytes()
    });
    let claims: Vec<Claim> = claims.iter().enumerate().map(of_index).collect();
    let mut refused = Vec::new();
    refuse(&claims, &seed, &mut refused);
    let mut accepted = vec![true; claims.len()];
    for claim in refused {
        accepted[claim.transaction] = false;
    }
    accepted
}

struct Claim {
    /// Index of the transaction.
    transaction: usize,
    signer: PublicKey,
    /// The equation to verify; `None` if a part is no point or no scalar.
    equation: Option<Equation>,
}

struct Equation {
    /// The scalar s of the signature.
    scalar: Scalar,
    /// The hash of R, A and the message.
    challenge: Scalar,
    nonce: EdwardsPoint,
    key: EdwardsPoint,
}

impl Claim {
    /// Returns the claims of a transaction: the source's, then the cosigners'.
    fn all_of(index: usize, transaction: &Transaction) -> Vec<Claim> {
        let message = codec::signing_hash(transaction).0;
        let cosigners = transaction.cosignatures.iter();
        std::iter::once((transaction.source, transaction.signature))
            .chain(cosigners.map(|one| (one.signer, one.signature)))
            .map(|(signer, signature)| Claim {
                transaction: index,
                signer,
                equation: Equation::of(signer, &message, signature),
            })
            .collect()
    }
}

impl Equation {
    fn of(signer: PublicKey, message: &[u8], signature: Signature) -> Option<Self> {
        let (nonce, scalar) = signature.0.split_at(32);
        let nonce: [u8; 32] = nonce.try_into().expect("a half of 64 bytes");
        let scalar: [u8; 32] = scalar.try_into().expect("a half of 64 bytes");
        let challenge = Sha512::new()
            .chain_update(nonce)
            .chain_update(signer.0)
            .chain_update(message)
            .finalize();
        Some(Equation {
            scalar: Option::from(Scalar::from_canonical_bytes(scalar))?,
            challenge: Scalar::from_bytes_mod_order_wide(&challenge.into()),
            nonce: CompressedEdwardsY(nonce).decompress()?,
            key: CompressedEdwardsY(signer.0).decompress()?,
        })
    }
}

/// Finds the invalid claims of a batch by bisection.
fn refuse<'c>(claims: &'c [Claim], seed: &[u8; 32], refused: &mut Vec<&'c Claim>) {
    match claims {
        [] => {}
        _ if hold_together(claims, seed) => {}
        [claim] => refused.push(claim),
        _ => {
            let (first, second) = claims.split_at(claims.len() / 2);
            refuse(first, seed, refused);
            refuse(second, seed, refused);
        }
    }
}

fn hold_together(claims: &[Claim], seed: &[u8; 32]) -> bool {
    let mut of_base = Scalar::ZERO;
    let (mut scalars, mut points) = (Vec::new(), Vec::new());
    for (index, claim) in claims.iter().enumerate() {
        let Some(equation) = &claim.equation else {
            return false;
        };
        let weight = weight(seed, claims.len(), index);
        of_base += weight * equation.scalar;
        scalars.extend([-weight, -weight * equation.challenge]);
        points.extend([equation.nonce, equation.key]);
    }
    let left =
        EdwardsPoint::mul_base(&of_base) + EdwardsPoint::vartime_multiscalar_mul(&scalars, &points);
    left == EdwardsPoint::identity()
}

/// Returns a weight of 128 bits, pseudorandom and the same for the same block.
fn weight(seed: &[u8; 32], claims: usize, index: usize) -> Scalar {
    let mut hasher = blake3::Hasher::new_keyed(seed);
    hasher.update(&(claims as u64).to_le_bytes());
    hasher.update(&(index as u64).to_le_bytes());
    let mut bytes = [0; 16];
    hasher.finalize_xof().fill(&mut bytes);
    Scalar::from(u128::from_le_bytes(bytes))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use lockstep_sim::oracle::Oracle;
    use lockstep_sim::scenario::build::{self, Keys};
    use lockstep_sim::scenario::{
        Action, BlockRecipe, GenesisRecipe, Holding, NetworkName, TransactionFlaw,
        TransactionRecipe,
    };

    /// Returns which transactions of a block are refused for their signatures. The time of the block
    /// decides its weights.
    fn refused(flaws: &[Option<TransactionFlaw>], later_ms: u64) -> Vec<bool> {
        let genesis = GenesisRecipe {
            network: NetworkName::Devnet,
            reward: 0,
            native_limit: u64::MAX,
            max_block_bytes: 1 << 20,
            balances: vec![Holding(0, 0, 1_000)],
        };
        let transactions = flaws
            .iter()
            .zip(0..)
            .map(|(flaw, nonce)| TransactionRecipe {
                from: 0,
                nonce,
                fee: 0,
                action: Action::Burn(0, 1),
                cosigners: vec![1, 2],
                flaw: *flaw,
            });
        let recipe = BlockRecipe {
            miner: 3,
            later_ms,
            flaw: None,
            transactions: transactions.collect(),
        };
        let mut keys = Keys::default();
        let genesis = build::genesis(&genesis, &mut keys);
        let oracle = Oracle::new(&genesis).expect("a genesis of one balance is possible");
        let bytes = build::block(&recipe, &genesis.rules, oracle.world(), &mut keys);
        let block = codec::decode_block(&bytes, u64::MAX).expect("it has no flaw");
        let forgers = forgers(&block);
        forgers.iter().map(Option::is_some).collect()
    }

    #[test]
    fn without_components_of_small_order_a_batch_agrees_with_single_verification() {
        let flipped = Some(TransactionFlaw::FlippedBit(300));
        let cosigner = Some(TransactionFlaw::ForgedCosignature);
        let not_reduced = Some(TransactionFlaw::ScalarNotReduced);
        assert_eq!(refused(&[], 0), [false; 0]);
        assert_eq!(refused(&[None; 5], 0), [false; 5]);
        assert_eq!(
            refused(&[None, flipped, cosigner, None, not_reduced], 0),
            [false, true, true, false, true]
        );
    }

    #[test]
    fn with_a_component_of_small_order_the_weight_decides() {
        let small_order = Some(TransactionFlaw::SmallOrder);
        let verdicts: BTreeSet<bool> = (0..64)
            .map(|later_ms| refused(&[None, small_order], later_ms)[1])
            .collect();
        assert_eq!(verdicts, BTreeSet::from([false, true]));
    }
}
