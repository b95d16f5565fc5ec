//! Sizes at which this crate goes another way, by the names of their constants.
//!
//! The result of a block is the same on both sides of each, and a test that stays on one side of a
//! constant says nothing about the other. So the constants are one list, with what is counted and what
//! changes: a harness draws sizes beside them and knows which sides it has seen. A constant that is not in
//! the list, and a number that has no name, fail a test of this crate (`tests/sizes.rs`).
//!
//! Not in the list: limits that an operator sets (the bytes of a mempool, the bodies of a cache), and
//! capacities, which change no way.

use std::fmt;

use crate::model::Network;

/// A size at which this crate goes another way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// The constant with its module, such as `state::FEW`.
    pub constant: &'static str,
    /// The least size on the further side.
    pub from: u64,
    /// The thing that is counted.
    pub unit: Unit,
    /// Change of core from this size on, in words.
    pub change: &'static str,
}

/// The thing of which a [`Size`] counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Transactions of a block.
    Transactions,
    /// Transactions of a block on one network.
    TransactionsOn(Network),
    /// Transactions of a block for each worker, rounded up.
    TransactionsPerWorker,
    /// Signatures of a block that are verified.
    Signatures,
    /// Cells that a block changes.
    ChangedCells,
    /// Cells of a ledger for each one that a block changes.
    CellsPerChange,
    /// Bytes of the encoded changes and receipts of a block.
    ResultBytes,
    /// Bytes of an encoded transaction.
    TransactionBytes,
    /// Balances of one account in assets other than the native one that a block changes.
    BalancesOfAccount,
    /// Accesses of a transaction.
    Accesses,
    /// Transfers of a transaction.
    Transfers,
    /// Participants of a multisig.
    Participants,
    /// Cosignatures of a transaction.
    Cosignatures,
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Unit::Transactions => "transactions",
            Unit::TransactionsOn(Network::Mainnet) => "transactions on mainnet",
            Unit::TransactionsOn(Network::Testnet) => "transactions on testnet",
            Unit::TransactionsOn(Network::Stagenet) => "transactions on stagenet",
            Unit::TransactionsOn(Network::Devnet) => "transactions on devnet",
            Unit::TransactionsPerWorker => "transactions a worker",
            Unit::Signatures => "signatures",
            Unit::ChangedCells => "changed cells",
            Unit::CellsPerChange => "cells for each that changed",
            Unit::ResultBytes => "bytes of results",
            Unit::TransactionBytes => "bytes of a transaction",
            Unit::BalancesOfAccount => "balances of an account",
            Unit::Accesses => "accesses of a transaction",
            Unit::Transfers => "transfers",
            Unit::Participants => "participants",
            Unit::Cosignatures => "cosignatures",
        })
    }
}

/// Makes the list from the constants themselves, so that no number stands twice. A limit, of which the
/// largest size is still on the near side, has `+ 1`.
macro_rules! sizes {
    ($($module:ident $(:: $part:ident)+ $(+ $more:literal)?, $unit:expr, $change:literal;)+) => {
        /// Every one, in the order in which a block meets them.
        pub const ALL: &[Size] = &[$(
            Size {
                constant: concat!(stringify!($module) $(, "::", stringify!($part))+),
                from: (crate::$module $(:: $part)+ $(+ $more)?) as u64,
                unit: $unit,
                change: $change,
            },
        )+];
    };
}

use Unit::{
    Accesses, BalancesOfAccount, CellsPerChange, ChangedCells, Cosignatures, Participants,
    ResultBytes, Signatures, TransactionBytes, Transactions, TransactionsOn, TransactionsPerWorker,
    Transfers,
};

sizes! {
    config::DEVNET_THRESHOLD, TransactionsOn(Network::Devnet), "the block is executed on workers";
    config::TESTNET_THRESHOLD, TransactionsOn(Network::Testnet), "the block is executed on workers";
    config::MAINNET_THRESHOLD, TransactionsOn(Network::Mainnet), "the block is executed on workers";
    merkle::SUBTREE + 1, Transactions, "the merkle root is made of several subtrees";
    model::transaction::MAX_TRANSFERS + 1, Transfers, "the transaction is rejected";
    model::transaction::MAX_PARTICIPANTS + 1, Participants, "the transaction is rejected";
    model::transaction::MAX_COSIGNATURES + 1, Cosignatures, "the transaction is rejected";
    signature::BATCH + 1, Signatures, "signatures are verified in several batches";
    parallel::parallelism::LEAST_PIECE + 1, TransactionsPerWorker, "a worker's share is its part of the block";
    parallel::parallelism::SMALL_PIECE + 1, TransactionsPerWorker, "a share is larger than the last pieces of a long block";
    parallel::parallelism::ALONE + 1, Transactions, "one thread prepares a block in several pieces";
    parallel::parallelism::LEAST, Transactions, "workers do the work around the execution";
    parallel::run::MOST_AT_ONCE + 1, Transactions, "a worker cannot take all transactions at once";
    schedule::graph::MOST_FIRST + 1, Accesses, "the last accesses are not looked at to recognise a chain";
    schedule::graph::MOST_NEAR + 1, BalancesOfAccount, "balances of an account are found by a hash";
    schedule::ready_set::WORD + 1, Transactions, "ready transactions are found in several words";
    schedule::ready_set::FILLED + 1, Transactions, "ready transactions are found in several words of words";
    parallel::parallel_state::PIECE + 1, ChangedCells, "workers read the versions before in several pieces";
    state::FEW, ChangedCells, "cells are sorted in parts";
    storage::schema::PIECE + 1, ChangedCells, "entries are made in several pieces";
    storage::memory::REBUILT_UP_TO + 1, CellsPerChange, "a table is changed in place instead of built anew";
    codec::BUFFER + 1, TransactionBytes, "an input is hashed in several writes";
    codec::DIGEST_BUFFER + 1, ResultBytes, "a digest is hashed in several writes";
}
