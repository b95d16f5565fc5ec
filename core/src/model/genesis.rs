//! Where a ledger begins, and what all its nodes must agree on.

use std::collections::BTreeMap;

use borsh::{BorshDeserialize, BorshSerialize};

use super::{Amount, Asset, Network, PublicKey, Timestamp};

/// The state at height 0 and the rules from there. Its hash ([`crate::codec::genesis_hash`]) is the
/// parent of block 1.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Genesis {
    /// What all nodes agree on.
    pub rules: Rules,
    /// The time of height 0.
    pub time: Timestamp,
    /// Who has how much of what. An entry of zero has no effect. The sum of one asset must not
    /// exceed [`Amount::MAX`], that of the native asset not [`Rules::native_limit`].
    pub balances: BTreeMap<(PublicKey, Asset), Amount>,
}

/// What the results of blocks depend on, and therefore part of the genesis.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Rules {
    /// The ledger's network.
    pub network: Network,
    /// What a block's miner is credited beside the fees, as long as there is something to issue.
    pub reward: Amount,
    /// The most of the native asset that genesis and rewards may add up to.
    pub native_limit: Amount,
    /// The most bytes that the encoding of a block may have, header included.
    pub max_block_bytes: u64,
}
