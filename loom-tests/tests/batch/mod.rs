//! Transactions, a graph of their conflicts and the storage they run on: plain data, for every checker
//! the same.

use std::collections::BTreeMap;
use std::sync::Arc;

use lockstep_core::chain::Chain;
use lockstep_core::clock::Clock;
use lockstep_core::config::{Config, HashSeed};
use lockstep_core::model::{
    Amount, Asset, Genesis, Hash, Network, Nonce, Payload, PublicKey, Rules, Signature, Timestamp,
    Transaction, Transfer,
};
use lockstep_core::parallel::Checked;
use lockstep_core::schedule::Graph;
use lockstep_core::storage::MemoryStorage;

use crate::placed::Placed;

/// As the shared state has it: an account's number modulo this is its shard.
pub(crate) const SHARDS: u8 = 4;

/// Native balance of each account of the genesis.
pub(crate) const HAD: u64 = 100;

pub(crate) fn account(number: u8) -> PublicKey {
    PublicKey([number; 32])
}

pub(crate) fn genesis(accounts: &[u8]) -> Genesis {
    let balance = |number: &u8| ((account(*number), Asset::NATIVE), Amount(HAD));
    Genesis {
        rules: Rules {
            network: Network::Devnet,
            reward: Amount(1),
            native_limit: Amount::MAX,
            max_block_bytes: 1 << 20,
        },
        time: Timestamp(0),
        balances: accounts.iter().map(balance).collect::<BTreeMap<_, _>>(),
    }
}

/// The same in every run of a scenario, which a checker needs.
pub(crate) fn config() -> Config {
    Config {
        hash_seed: HashSeed::Fixed(0),
        ..Config::for_network(Network::Devnet)
    }
}

pub(crate) fn clock() -> Arc<dyn Clock> {
    Arc::new(|| Timestamp(0))
}

/// A storage in which these accounts have something, made outside of any exploration.
pub(crate) fn stored(accounts: &[u8]) -> MemoryStorage {
    Chain::open(MemoryStorage::new(), &genesis(accounts), config(), clock())
        .expect("the genesis is possible")
        .into_storage()
}

/// Moves amounts from one account to others, without a fee.
pub(crate) fn transfer(source: u8, nonce: u64, transfers: &[(u8, u64)]) -> Transaction {
    let transfers = transfers.iter().map(|(destination, amount)| Transfer {
        destination: account(*destination),
        asset: Asset::NATIVE,
        amount: Amount(*amount),
    });
    transaction(source, nonce, Payload::Transfers(transfers.collect()))
}

pub(crate) fn transaction(source: u8, nonce: u64, payload: Payload) -> Transaction {
    Transaction {
        network: Network::Devnet,
        source: account(source),
        nonce: Nonce(nonce),
        fee: Amount(0),
        payload,
        signature: Signature([0; 64]),
        cosignatures: Vec::new(),
    }
}

/// Transactions that have passed the stateless checks, and the graph of their conflicts.
#[derive(Clone, Copy)]
pub(crate) struct Batch {
    pub(crate) transactions: &'static [Checked<'static>],
    pub(crate) graph: &'static Graph,
}

impl Batch {
    pub(crate) fn of(transactions: Vec<Transaction>) -> Self {
        let seen = transactions.clone();
        Batch::with_graph_of(transactions, &seen)
    }

    /// With the graph of other transactions. The executor relies on it that they conflict wherever
    /// its own do; a racy snippet is run where they do not.
    pub(crate) fn with_graph_of(transactions: Vec<Transaction>, seen: &[Transaction]) -> Self {
        let graph = Graph::of(seen, Placed::among(SHARDS));
        let transactions: &'static [Transaction] = transactions.leak();
        let checked = |transaction| Checked {
            transaction,
            id: Hash::ZERO,
            verdict: Ok(()),
        };
        Batch {
            // A checker's threads cannot borrow.
            transactions: transactions.iter().map(checked).collect::<Vec<_>>().leak(),
            graph: Box::leak(Box::new(graph)),
        }
    }
}
