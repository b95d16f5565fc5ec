//! Builds keys, signatures and blocks from the small numbers of a scenario.

use std::cell::RefCell;
use std::collections::BTreeMap;

use lockstep_core::model::{
    Amount, Asset, BLOCK_VERSION, Block, Cosignature, Genesis, Hash, Header, Height, Multisig,
    Network, Nonce, Payload, PublicKey, Rules, Signature, Timestamp, Transaction, Transfer,
};
use lockstep_core::signature::Keypair;
use lockstep_core::{codec, merkle};

use super::signing::{Signer, sign_all};
use super::{
    Action, BlockFlaw, BlockRecipe, GenesisRecipe, Holding, Sending, TransactionFlaw,
    TransactionRecipe,
};
use crate::world::World;

/// The time of every genesis: 2026-01-01.
const GENESIS_TIME: Timestamp = Timestamp(1_767_225_600_000);

/// A point of order 8, one of the encodings in `corpora/vectors/zip215-small-order.json`.
const SMALL_ORDER: [u8; 32] = [
    0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67, 0x0f,
    0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a,
];

/// The order of the group, little-endian (RFC 8032, 5.1).
const GROUP_ORDER: [u8; 32] = [
    0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
];

/// Key pairs of a run, derived on first use.
#[derive(Debug, Default)]
pub struct Keys(BTreeMap<u32, Account>);

/// The keys of an account.
#[derive(Clone, Debug)]
struct Account {
    keypair: Keypair,
    signer: Signer,
}

impl Account {
    fn of(number: u32) -> Self {
        let secret = blake3::derive_key("lockstep sim account", &number.to_le_bytes());
        let keypair = Keypair::from_secret(secret);
        let signer = Signer::of(secret, keypair.public());
        Account { keypair, signer }
    }
}

thread_local! {
    /// Cache of keys and signatures. Both are functions of their inputs, and a fuzzer asks for the
    /// same ones thousands of times a second.
    static MADE: RefCell<Made> = RefCell::default();
}

#[derive(Default)]
struct Made {
    accounts: BTreeMap<u32, Account>,
    signatures: BTreeMap<(u32, Hash), Signature>,
}

/// Maximum number of entries of each map; one that would have more is cleared before a block.
const MOST_MADE: usize = 1 << 16;

impl Keys {
    /// Returns the key pair of an account.
    pub fn of(&mut self, account: u32) -> &Keypair {
        &self.account(account).keypair
    }

    /// Returns the public key of an account.
    pub fn public(&mut self, account: u32) -> PublicKey {
        self.of(account).public()
    }

    /// Signs a message with the key of an account.
    pub fn sign(&mut self, account: u32, message: Hash) -> Signature {
        self.sign_all(&[(account, message)])[0]
    }

    /// Signs each message with the key of the account beside it.
    fn sign_all(&mut self, messages: &[(u32, Hash)]) -> Vec<Signature> {
        let mut missing: Vec<(u32, Hash)> = MADE.with_borrow_mut(|made| {
            if made.signatures.len() + messages.len() > MOST_MADE {
                made.signatures.clear();
            }
            let missing = messages
                .iter()
                .filter(|one| !made.signatures.contains_key(one));
            missing.copied().collect()
        });
        missing.sort_unstable();
        missing.dedup();
        for (account, _) in &missing {
            self.account(*account);
        }
        let signed = sign_all(
            &missing
                .iter()
                .map(|(account, message)| (&self.0[account].signer, *message))
                .collect::<Vec<_>>(),
        );
        MADE.with_borrow_mut(|made| {
            made.signatures.extend(missing.into_iter().zip(signed));
            messages.iter().map(|one| made.signatures[one]).collect()
        })
    }

    fn account(&mut self, number: u32) -> &Account {
        self.0.entry(number).or_insert_with(|| {
            MADE.with_borrow_mut(|made| {
                if made.accounts.len() >= MOST_MADE {
                    made.accounts.clear();
                }
                let made = made.accounts.entry(number);
                made.or_insert_with(|| Account::of(number)).clone()
            })
        })
    }
}

/// Returns the asset with a number; 0 is the native one.
#[must_use]
pub fn asset(number: u32) -> Asset {
    match number {
        0 => Asset::NATIVE,
        _ => Asset(blake3::derive_key(
            "lockstep sim asset",
            &number.to_le_bytes(),
        )),
    }
}

/// Builds the genesis of a scenario. Of two holdings of one account and asset the last counts.
pub fn genesis(recipe: &GenesisRecipe, keys: &mut Keys) -> Genesis {
    Genesis {
        rules: Rules {
            network: recipe.network.into(),
            reward: Amount(recipe.reward),
            native_limit: Amount(recipe.native_limit),
            max_block_bytes: recipe.max_block_bytes,
        },
        time: GENESIS_TIME,
        balances: recipe
            .balances
            .iter()
            .map(|&Holding(account, number, amount)| {
                ((keys.public(account), asset(number)), Amount(amount))
            })
            .collect(),
    }
}

/// Builds the bytes of a block on this tip, as a peer would send them.
pub fn block(recipe: &BlockRecipe, rules: &Rules, tip: &World, keys: &mut Keys) -> Vec<u8> {
    let mut transactions = transactions(&recipe.transactions, rules, keys);
    // A body longer than its count can say is cut: it could not be encoded.
    transactions.truncate(usize::from(u16::MAX));
    let ids: Vec<Hash> = transactions.iter().map(codec::transaction_id).collect();
    let mut header = Header {
        version: BLOCK_VERSION,
        network: rules.network,
        height: Height(tip.height.0.saturating_add(1)),
        parent: tip.hash,
        time: Timestamp(tip.time.0.saturating_add(recipe.later_ms)),
        miner: keys.public(recipe.miner),
        merkle_root: merkle::root(&ids),
        count: u16::try_from(transactions.len()).expect("a body that was cut can be counted"),
    };
    match recipe.flaw {
        Some(BlockFlaw::Version(version)) => header.version = version,
        Some(BlockFlaw::Network(network)) => header.network = network.into(),
        Some(BlockFlaw::Height(height)) => header.height = Height(height),
        Some(BlockFlaw::Parent) => header.parent.0[0] ^= 1,
        Some(BlockFlaw::Earlier) => header.time = Timestamp(tip.time.0.saturating_sub(1)),
        Some(BlockFlaw::Count) => header.count = header.count.wrapping_add(1),
        Some(BlockFlaw::MerkleRoot) => header.merkle_root.0[31] ^= 1,
        Some(BlockFlaw::RepeatedLast) => {
            if let Some(last) = transactions.last().cloned() {
                transactions.push(last);
                header.count = header.count.wrapping_add(1);
            }
        }
        Some(BlockFlaw::Truncated(_) | BlockFlaw::Extended | BlockFlaw::FlippedBit(_)) | None => {}
    }
    let mut bytes = codec::encode(&Block {
        header,
        transactions,
    });
    match recipe.flaw {
        Some(BlockFlaw::Truncated(length)) => {
            let end = length % bytes.len() as u64;
            bytes.truncate(usize::try_from(end).expect("what is below a length is a usize"));
        }
        Some(BlockFlaw::Extended) => bytes.push(0),
        Some(BlockFlaw::FlippedBit(bit)) => flip(&mut bytes, bit),
        _ => {}
    }
    bytes
}

/// Builds a transaction without signatures.
pub fn unsigned(recipe: &TransactionRecipe, network: Network, keys: &mut Keys) -> Transaction {
    Transaction {
        network: match recipe.flaw {
            Some(TransactionFlaw::Network(network)) => network.into(),
            _ => network,
        },
        source: match recipe.flaw {
            Some(TransactionFlaw::SmallOrder) => PublicKey(SMALL_ORDER),
            _ => keys.public(recipe.from),
        },
        nonce: Nonce(recipe.nonce),
        fee: Amount(recipe.fee),
        payload: payload(&recipe.action, keys),
        signature: Signature([0; 64]),
        cosignatures: Vec::new(),
    }
}

/// Builds a signed transaction.
pub fn transaction(recipe: &TransactionRecipe, rules: &Rules, keys: &mut Keys) -> Transaction {
    let built = transactions(std::slice::from_ref(recipe), rules, keys).pop();
    built.expect("one recipe makes one transaction")
}

/// Builds signed transactions.
fn transactions(recipes: &[TransactionRecipe], rules: &Rules, keys: &mut Keys) -> Vec<Transaction> {
    let mut transactions = Vec::with_capacity(recipes.len());
    let mut messages = Vec::with_capacity(recipes.len());
    for recipe in recipes {
        let transaction = unsigned(recipe, rules.network, keys);
        let message = codec::signing_hash(&transaction);
        let signer = match recipe.flaw {
            Some(TransactionFlaw::SignedBy(other)) => other,
            _ => recipe.from,
        };
        messages.push((signer, message));
        let cosigners = recipe.cosigners.iter();
        messages.extend(cosigners.map(|cosigner| (*cosigner, message)));
        transactions.push(transaction);
    }
    let mut signatures = keys.sign_all(&messages).into_iter();
    let mut next = || signatures.next().expect("each message is signed");
    for (transaction, recipe) in transactions.iter_mut().zip(recipes) {
        transaction.signature = next();
        let cosignatures = recipe.cosigners.iter().map(|cosigner| Cosignature {
            signer: keys.public(*cosigner),
            signature: next(),
        });
        transaction.cosignatures = cosignatures.collect();
        spoil(transaction, recipe);
    }
    transactions
}

/// Makes the flaw of a recipe that comes after signing.
fn spoil(transaction: &mut Transaction, recipe: &TransactionRecipe) {
    match recipe.flaw {
        Some(TransactionFlaw::FlippedBit(bit)) => {
            flip(&mut transaction.signature.0, u64::from(bit));
        }
        Some(TransactionFlaw::FeeChanged) => {
            transaction.fee = Amount(transaction.fee.0.wrapping_add(1));
        }
        Some(TransactionFlaw::ForgedCosignature) => {
            let signature = transaction.signature;
            if let Some(last) = transaction.cosignatures.last_mut() {
                last.signature = signature;
            }
        }
        Some(TransactionFlaw::ScalarNotReduced) => add_group_order(&mut transaction.signature),
        Some(TransactionFlaw::SmallOrder) => {
            // R of small order and s = 0: the equation holds after the cofactor, whatever is
            // signed.
            transaction.signature.0[..32].copy_from_slice(&SMALL_ORDER);
            transaction.signature.0[32..].fill(0);
        }
        Some(TransactionFlaw::Network(_) | TransactionFlaw::SignedBy(_)) | None => {}
    }
}

fn payload(action: &Action, keys: &mut Keys) -> Payload {
    match action {
        Action::Send(sendings) => Payload::Transfers(
            sendings
                .iter()
                .map(|&Sending(destination, number, amount)| Transfer {
                    destination: keys.public(destination),
                    asset: asset(number),
                    amount: Amount(amount),
                })
                .collect(),
        ),
        Action::Burn(number, amount) => Payload::Burn {
            asset: asset(*number),
            amount: Amount(*amount),
        },
        Action::Multisig(threshold, participants) => Payload::Multisig(Multisig {
            threshold: *threshold,
            participants: participants
                .iter()
                .map(|participant| keys.public(*participant))
                .collect(),
        }),
    }
}

fn flip(bytes: &mut [u8], bit: u64) {
    let bit = bit % (bytes.len() as u64 * 8);
    let index = usize::try_from(bit / 8).expect("what is below a length is a usize");
    bytes[index] ^= 1 << (bit % 8);
}

/// Adds the group order to the scalar: equal in the equation, another encoding.
fn add_group_order(signature: &mut Signature) {
    let mut carry = 0;
    for (byte, order) in signature.0[32..].iter_mut().zip(GROUP_ORDER) {
        let sum = u16::from(*byte) + u16::from(order) + carry;
        *byte = sum.to_le_bytes()[0];
        carry = sum >> 8;
    }
}
