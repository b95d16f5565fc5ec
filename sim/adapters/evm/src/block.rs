//! Blocks, transactions and forks as plain data, named without a virtual machine.

use std::collections::BTreeMap;

use alloy_primitives::{Address, B256, Bytes, U256};

/// A fork of Ethereum's main network, oldest first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Fork {
    /// The first rules.
    Frontier,
    /// EIP-606.
    Homestead,
    /// EIP-608.
    TangerineWhistle,
    /// EIP-607: touched accounts that are empty are removed.
    SpuriousDragon,
    /// EIP-609: receipts name a status; the block reward falls to 3 ether.
    Byzantium,
    /// EIP-1716: the block reward falls to 2 ether.
    Petersburg,
    /// EIP-1679.
    Istanbul,
    /// EIP-2070: access lists.
    Berlin,
    /// EIP-1559: the base fee is burnt.
    London,
    /// EIP-3675: no block rewards.
    Paris,
    /// EIP-4895: withdrawals.
    Shanghai,
    /// EIP-4788 and EIP-4844: beacon roots and blobs.
    Cancun,
    /// EIP-2935, EIP-7685 and EIP-7702: block hashes in state, requests, delegations.
    Prague,
    /// EIP-7607.
    Osaka,
}

/// Fees and what else distinguishes the types of transactions.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Kind {
    /// Type 0.
    Legacy {
        /// Wei a gas.
        gas_price: u128,
    },
    /// Type 1, EIP-2930.
    AccessList {
        /// Wei a gas.
        gas_price: u128,
    },
    /// Type 2, EIP-1559.
    DynamicFee {
        /// The most wei a gas, base fee included.
        max_fee: u128,
        /// The most wei a gas for the fee receiver.
        priority_fee: u128,
    },
    /// Type 3, EIP-4844.
    Blob {
        /// The most wei a gas, base fee included.
        max_fee: u128,
        /// The most wei a gas for the fee receiver.
        priority_fee: u128,
        /// The most wei a blob gas.
        max_blob_fee: u128,
        /// Versioned hashes of the blobs.
        hashes: Vec<B256>,
    },
    /// Type 4, EIP-7702.
    Delegation {
        /// The most wei a gas, base fee included.
        max_fee: u128,
        /// The most wei a gas for the fee receiver.
        priority_fee: u128,
        /// The delegations that it carries.
        authorizations: Vec<Authorization>,
    },
}

/// A signed wish of an account to execute the code of another one (EIP-7702).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Authorization {
    /// The chain that it is valid on, 0 for all.
    pub chain_id: U256,
    /// The account whose code is executed; zero ends the delegation.
    pub delegate: Address,
    /// The nonce of the authority.
    pub nonce: u64,
    /// The account that signed it, `None` if the signature is invalid.
    pub authority: Option<Address>,
}

/// A transaction of which the sender is known.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Transaction {
    /// The account that signed and pays.
    pub sender: Address,
    /// The account called, `None` to create a contract.
    pub to: Option<Address>,
    /// The sender's nonce.
    pub nonce: u64,
    /// Wei sent along.
    pub value: U256,
    /// Call data, or the code that makes a contract.
    pub data: Bytes,
    /// The most gas that it may use.
    pub gas_limit: u64,
    /// The chain that it is valid on, `None` before EIP-155.
    pub chain_id: Option<u64>,
    /// Accounts and slots that are warm from its start.
    pub access_list: Vec<(Address, Vec<B256>)>,
    /// Its type, and its fees.
    pub kind: Kind,
}

/// The environment of a block: what its transactions can ask about it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Environment {
    /// Its height.
    pub number: u64,
    /// The fee receiver.
    pub beneficiary: Address,
    /// Seconds since the epoch.
    pub timestamp: u64,
    /// The gas that its transactions may declare, less what those before them used.
    pub gas_limit: u64,
    /// Wei a gas that are burnt, 0 before London.
    pub base_fee: u64,
    /// The difficulty, 0 from Paris on.
    pub difficulty: U256,
    /// The random value of the beacon chain, from Paris on.
    pub prev_randao: B256,
    /// Excess blob gas, from Cancun on.
    pub excess_blob_gas: u64,
    /// The root of the parent beacon block, from Cancun on.
    pub parent_beacon_root: B256,
    /// Hashes of the ancestors, by height.
    pub hashes: BTreeMap<u64, B256>,
}

/// A credit from the consensus layer (EIP-4895).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Withdrawal {
    /// The account credited.
    pub address: Address,
    /// The amount in units of 10^9 wei.
    pub gwei: u64,
}

/// An ommer of a block before Paris: its miner is rewarded too.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Ommer {
    /// Its height.
    pub number: u64,
    /// Its miner.
    pub beneficiary: Address,
}

/// A block with everything that its execution needs but the state.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Block {
    /// The rules.
    pub fork: Fork,
    /// Values that transactions can ask for.
    pub environment: Environment,
    /// Its transactions in order.
    pub transactions: Vec<Transaction>,
    /// Its ommers, empty from Paris on.
    pub ommers: Vec<Ommer>,
    /// Its withdrawals, empty before Shanghai.
    pub withdrawals: Vec<Withdrawal>,
}

impl Block {
    /// Returns a block of `transactions` under the rules of `fork` with the environment of no chain:
    /// height 1, 30,000,000 gas, no base fee.
    pub fn plain(fork: Fork, beneficiary: Address, transactions: Vec<Transaction>) -> Self {
        let environment = Environment {
            number: 1,
            beneficiary,
            timestamp: 1_000,
            gas_limit: 30_000_000,
            base_fee: 0,
            difficulty: U256::ZERO,
            prev_randao: B256::ZERO,
            excess_blob_gas: 0,
            parent_beacon_root: B256::ZERO,
            hashes: BTreeMap::from([(0, B256::repeat_byte(7))]),
        };
        Self {
            fork,
            environment,
            transactions,
            ommers: Vec::new(),
            withdrawals: Vec::new(),
        }
    }
}
