//! Blocks of which signatures are hardly anything: as many transfers under each as there may be.

use std::collections::BTreeMap;

use lockstep_core::model::{
    Amount, Asset, BLOCK_VERSION, Block, Genesis, Hash, Header, Height, MAX_TRANSFERS, Network,
    Nonce, Payload, PublicKey, Rules, Signature, Timestamp, Transaction, Transfer,
};
use lockstep_core::signature::Keypair;
use lockstep_core::{codec, merkle};
use lockstep_sim::conflict_pattern::Workload;

use crate::unsigned::bytes;

/// Two blocks of `transactions` transactions with [`MAX_TRANSFERS`] transfers each, every transaction of
/// another account, to `destinations` accounts in turn.
#[must_use]
pub fn workload(transactions: u32, destinations: u32) -> Workload {
    let sources: Vec<Keypair> = (0..transactions)
        .map(|number| Keypair::from_secret(bytes(number)))
        .collect();
    let native = |account: PublicKey| ((account, Asset::NATIVE), Amount(1 << 32));
    let destination = |number: u32| PublicKey(bytes(u32::MAX / 2 + number % destinations));
    let genesis = Genesis {
        rules: Rules {
            network: Network::Mainnet,
            reward: Amount(50),
            native_limit: Amount(u64::MAX),
            max_block_bytes: 64 << 20,
        },
        time: Timestamp(0),
        balances: sources
            .iter()
            .map(|source| native(source.public()))
            .chain((0..destinations).map(|number| native(destination(number))))
            .collect::<BTreeMap<_, _>>(),
    };
    let mut blocks = Vec::new();
    let mut parent = codec::genesis_hash(&genesis);
    for height in [1, 2] {
        let mut next = 0;
        let mut to = || {
            next += 1;
            Transfer {
                destination: destination(next),
                asset: Asset::NATIVE,
                amount: Amount(1),
            }
        };
        let transactions: Vec<Transaction> = sources
            .iter()
            .map(|source| {
                let mut transaction = Transaction {
                    network: Network::Mainnet,
                    source: source.public(),
                    nonce: Nonce(height - 1),
                    fee: Amount(1),
                    payload: Payload::Transfers((0..MAX_TRANSFERS).map(|_| to()).collect()),
                    signature: Signature([0; 64]),
                    cosignatures: Vec::new(),
                };
                source.sign_transaction(&mut transaction);
                transaction
            })
            .collect();
        let identities: Vec<Hash> = transactions.iter().map(codec::transaction_id).collect();
        let header = Header {
            version: BLOCK_VERSION,
            network: Network::Mainnet,
            height: Height(height),
            parent,
            time: Timestamp(height),
            miner: PublicKey(bytes(u32::MAX)),
            merkle_root: merkle::root(&identities),
            count: u16::try_from(transactions.len()).expect("a block has no more"),
        };
        parent = codec::block_hash(&header);
        blocks.push(Block {
            header,
            transactions,
        });
    }
    Workload { genesis, blocks }
}
