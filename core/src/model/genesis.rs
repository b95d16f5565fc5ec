//! The genesis of a ledger: its first state, and the rules that all its nodes must agree on.

use std::collections::BTreeMap;

use borsh::{BorshDeserialize, BorshSerialize};

use super::{Amount, Asset, Network, PublicKey, Timestamp};

/// The state at height 0 and the rules from there. Its hash ([`crate::codec::genesis_hash`]) is the
/// parent of block 1.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Genesis {
    /// The rules that all nodes agree on.
    pub rules: Rules,
    /// The time of height 0.
    pub time: Timestamp,
    /// The balances at height 0. An entry of zero has no effect. The sum of one asset must not
    /// exceed [`Amount::MAX`], that of the native asset not [`Rules::native_limit`].
    pub balances: BTreeMap<(PublicKey, Asset), Amount>,
}

/// The parameters that the results of blocks depend on, and therefore part of the genesis.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Rules {
    /// The ledger's network.
    pub network: Network,
    /// The amount credited to a block's miner beside the fees, until [`Rules::native_limit`] is reached.
    pub reward: Amount,
    /// The most of the native asset that genesis and rewards may add up to.
    pub native_limit: Amount,
    /// The most bytes that the encoding of a block may have, header included.
    pub max_block_bytes: u64,
}
