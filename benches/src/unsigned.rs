//! Transactions of a pattern without signatures: schedulers and encoders look at none, and signing a
//! large block takes seconds.

use ahash::RandomState;
use lockstep_core::model::{
    Amount, Asset, Network, Nonce, Payload, PublicKey, Signature, Transaction, Transfer,
};
use lockstep_sim::conflict_pattern::{self, ConflictPattern};
use lockstep_sim::scenario::{Action, Sending, Step};

use crate::SEED;

/// A keyed hash with the same key in every process. [`RandomState::with_seed`] would mix the seed
/// with what it draws from the system.
#[must_use]
pub const fn hasher() -> RandomState {
    RandomState::with_seeds(SEED, 2, 3, 4)
}

/// The transactions of a block of a pattern. Accounts and assets have other keys than in
/// [`conflict_pattern::workload`], for which there are no secret keys.
#[must_use]
pub fn unsigned(pattern: ConflictPattern, transactions: u16) -> Vec<Transaction> {
    let mut scenario = conflict_pattern::scenario(pattern, SEED, 1, transactions);
    let Some(Step::Block(block)) = scenario.steps.pop() else {
        unreachable!("a pattern consists of blocks");
    };
    let recipes = block.transactions.into_iter();
    recipes
        .map(|recipe| {
            let Action::Send(sendings) = recipe.action else {
                unreachable!("a pattern consists of transfers");
            };
            let transfers = sendings.into_iter();
            Transaction {
                network: Network::Mainnet,
                source: PublicKey(bytes(recipe.from)),
                nonce: Nonce(recipe.nonce),
                fee: Amount(recipe.fee),
                payload: Payload::Transfers(
                    transfers
                        .map(|Sending(to, asset, amount)| Transfer {
                            destination: PublicKey(bytes(to)),
                            asset: self::asset(asset),
                            amount: Amount(amount),
                        })
                        .collect(),
                ),
                signature: Signature([0; 64]),
                cosignatures: Vec::new(),
            }
        })
        .collect()
}

fn asset(number: u32) -> Asset {
    match number {
        0 => Asset::NATIVE,
        number => Asset(bytes(number)),
    }
}

/// Bytes that look like a key. Source: SplitMix64 (Steele, Lea and Flood, 2014), one step a word.
#[must_use]
pub fn bytes(number: u32) -> [u8; 32] {
    let mut bytes = [0; 32];
    for (word, part) in (0..4).zip(bytes.chunks_exact_mut(8)) {
        let mut mixed = (u64::from(number) << 2 | word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        part.copy_from_slice(&(mixed ^ (mixed >> 31)).to_le_bytes());
    }
    bytes
}
