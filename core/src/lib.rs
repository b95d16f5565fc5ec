//! An account-model ledger and its parallel transaction executor.
//!
//! A ledger holds accounts, each with a nonce, balances of assets and perhaps a multisig. A
//! [block](model::Block) is an ordered list of signed [transactions](model::Transaction); a
//! [`Chain`](chain::Chain) executes it on its tip and keeps its effects, with all earlier states,
//! on a [storage](storage::Storage). A block executed on several workers comes out as the same block
//! executed one transaction after another, byte for byte: [`schedule`] and [`parallel`] say how and why.
//!
//! The [`glossary`] explains the terms of the project; the rules of the ledger stand in
//! `docs/ledger-rules.md` of the repository.
//!
//! ```
//! use std::{collections::BTreeMap, sync::Arc};
//!
//! use lockstep_core::chain::{Chain, Mempool, MempoolLimits};
//! use lockstep_core::clock::SystemClock;
//! use lockstep_core::config::Config;
//! use lockstep_core::model::*;
//! use lockstep_core::signature::Keypair;
//! use lockstep_core::storage::MemoryStorage;
//!
//! let alice = Keypair::from_secret([1; 32]);
//! let (bob, miner) = (PublicKey([2; 32]), PublicKey([3; 32]));
//!
//! // A ledger in which Alice has 100. `RedbStorage::open(path)?` would keep it in a file.
//! let genesis = Genesis {
//!     rules: Rules {
//!         network: Network::Devnet,
//!         reward: Amount(5),
//!         native_limit: Amount(1_000),
//!         max_block_bytes: 1 << 20,
//!     },
//!     time: Timestamp(0),
//!     balances: BTreeMap::from([((alice.public(), Asset::NATIVE), Amount(100))]),
//! };
//! let config = Config::for_network(Network::Devnet);
//! let mut chain = Chain::open(MemoryStorage::new(), &genesis, config, Arc::new(SystemClock))?;
//!
//! // She sends 30 to Bob and pays 2 for it.
//! let mut transfer = Transaction {
//!     network: Network::Devnet,
//!     source: alice.public(),
//!     nonce: Nonce(0),
//!     fee: Amount(2),
//!     payload: Payload::Transfers(vec![Transfer {
//!         destination: bob,
//!         asset: Asset::NATIVE,
//!         amount: Amount(30),
//!     }]),
//!     signature: Signature([0; 64]),
//!     cosignatures: Vec::new(),
//! };
//! alice.sign_transaction(&mut transfer);
//!
//! // A miner makes a block of the waiting transactions, and the ledger executes it.
//! let mut mempool = Mempool::new(Network::Devnet, MempoolLimits::default());
//! mempool.insert(transfer)?;
//! let header = chain.template(&mempool, miner)?;
//! let added = chain.add_header(&header)?;
//!
//! assert!(added.receipts[0].is_applied());
//! assert_eq!(chain.balance(alice.public(), Asset::NATIVE)?, Amount(68));
//! assert_eq!(chain.balance(bob, Asset::NATIVE)?, Amount(30));
//! assert_eq!(chain.balance(miner, Asset::NATIVE)?, Amount(7));
//!
//! // After a rewind everything is as it was.
//! chain.rewind_to(Height::GENESIS)?;
//! assert_eq!(chain.balance(alice.public(), Asset::NATIVE)?, Amount(100));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

// The data types, and the bytes and hashes that name their values.
pub mod model;

pub mod codec;
pub mod merkle;
pub mod signature;

// The rules of one transaction, and the conflicts of many.
pub mod transition;

pub mod schedule;

// The environment of a node.
pub mod clock;
pub mod config;
pub mod metrics;

// The storage of a ledger.
pub mod storage;

mod prefix;
mod side_by_side;

// The parts of a block that are the same on every path and in every thread.
mod execution;
mod ledger;
mod state;

// The types that several threads use at once.
pub mod parallel;

pub mod chain;

pub mod asynchronous;

// The sizes at which any of the above goes another way.
pub mod sizes;

#[cfg(doc)]
#[doc = include_str!("../glossary.md")]
pub mod glossary {}

use lockstep_sync::real as sync;

#[cfg(feature = "loom")]
#[allow(clippy::duplicate_mod, reason = "the same code, on purpose")]
pub mod under_loom;
#[cfg(feature = "shuttle")]
#[allow(clippy::duplicate_mod, reason = "the same code, on purpose")]
pub mod under_shuttle;

#[cfg(test)]
mod tests;
