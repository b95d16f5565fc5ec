//! The committed state of the buggy executor: the rules, the cells, the chain of blocks.

use lockstep_core::codec;
use lockstep_core::merkle;
use lockstep_core::model::{
    Amount, Asset, BLOCK_VERSION, Block, Genesis, Hash, Height, Outcome, Receipt, Refusal, Rules,
    Timestamp,
};

use super::ExecutorBug;
use super::cache::Cache;
use super::store::{Store, damaged};
use lockstep_sim::subject::{StoredBlock, SubjectError};
use lockstep_sim::world::{BlockResult, World};

/// Number of blocks for which [`ExecutorBug::GrowsForever`] has room.
const ROOM: usize = 100;

/// Number of blocks that [`ExecutorBug::RewindStopsEarly`] undoes at most.
const DEEPEST: u64 = 8;

/// The whole state of a ledger between two blocks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommittedState {
    pub(super) rules: Rules,
    pub(super) store: Store,
    /// The tips at each height, from the genesis on.
    heights: Vec<Tip>,
    /// The blocks from height 1 on, with their receipts.
    blocks: Vec<StoredBlock>,
    /// Filled only by [`ExecutorBug::GrowsForever`].
    never_freed: Vec<Hash>,
    bug: Option<ExecutorBug>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Tip {
    height: Height,
    hash: Hash,
    time: Timestamp,
    digest: Hash,
}

impl CommittedState {
    /// Creates the state at height 0, of a correct ledger if `bug` is `None`.
    pub(super) fn at_genesis(
        genesis: &Genesis,
        bug: Option<ExecutorBug>,
    ) -> Result<Self, SubjectError> {
        let (store, changes) = Store::of_genesis(genesis, bug)?;
        let hash = codec::genesis_hash(genesis);
        Ok(CommittedState {
            rules: genesis.rules.clone(),
            store,
            heights: vec![Tip {
                height: Height::GENESIS,
                hash,
                time: genesis.time,
                digest: codec::block_digest(hash, &changes, &[]),
            }],
            blocks: Vec::new(),
            never_freed: Vec::new(),
            bug,
        })
    }

    fn tip(&self) -> Tip {
        *self.heights.last().expect("the genesis is never undone")
    }

    /// Checks that a block extends the chain, and returns the identities of its transactions.
    pub(super) fn admit(&self, block: &Block) -> Result<Vec<Hash>, SubjectError> {
        let tip = self.tip();
        let header = &block.header;
        let expected = Height(tip.height.0 + 1);
        let size = codec::encoded_len(block);
        let identities: Vec<Hash> = block
            .transactions
            .iter()
            .map(codec::transaction_id)
            .collect();
        let root = match self.bug {
            Some(ExecutorBug::MerkleDuplicate) => root_with_repetitions(&identities),
            _ => merkle::root(&identities),
        };
        let refusal = if header.version != BLOCK_VERSION {
            Refusal::Version {
                expected: BLOCK_VERSION,
                got: header.version,
            }
        } else if header.network != self.rules.network {
            Refusal::Network {
                expected: self.rules.network,
                got: header.network,
            }
        } else if header.height != expected {
            Refusal::Height {
                expected,
                got: header.height,
            }
        } else if header.parent != tip.hash {
            Refusal::Parent {
                expected: tip.hash,
                got: header.parent,
            }
        } else if header.time < tip.time {
            Refusal::Time {
                parent: tip.time,
                got: header.time,
            }
        } else if usize::from(header.count) != block.transactions.len() {
            Refusal::Count {
                header: header.count,
                body: block.transactions.len() as u64,
            }
        } else if size > self.rules.max_block_bytes {
            Refusal::Size {
                limit: self.rules.max_block_bytes,
                got: size,
            }
        } else if header.merkle_root != root {
            Refusal::MerkleRoot {
                header: header.merkle_root,
                body: root,
            }
        } else {
            return Ok(identities);
        };
        Err(SubjectError::Refused(refusal))
    }

    /// Pays the miner, merges the cache of a block, and appends the block to the chain.
    pub(super) fn close(
        &mut self,
        block: &Block,
        identities: Vec<Hash>,
        outcomes: Vec<Outcome>,
        mut cache: Cache,
    ) -> Result<BlockResult, SubjectError> {
        let (height, miner) = (block.header.height, block.header.miner);
        let receipts: Vec<Receipt> = identities
            .into_iter()
            .zip(outcomes)
            .map(|(transaction, outcome)| Receipt {
                transaction,
                outcome,
            })
            .collect();
        let fees = cache.fees;
        let mut native = cache.supply(&self.store, Asset::NATIVE);
        let left = (self.rules.native_limit.0)
            .checked_sub(native.genesis.0)
            .and_then(|left| left.checked_sub(native.issued.0))
            .ok_or_else(|| damaged("more was issued than there may be"))?;
        let reward = self.rules.reward.0.min(left);
        let pay = reward
            .checked_add(fees)
            .ok_or_else(|| damaged("a miner is paid more than there can be"))?;
        native.issued = Amount(native.issued.0 + reward);
        cache.supplies.insert(Asset::NATIVE, native);
        let purse = (miner, Asset::NATIVE);
        let is_drained =
            cache.balances.get(&purse) == Some(&0) && self.store.balance(miner, Asset::NATIVE) > 0;
        let still_due = match self.bug {
            Some(ExecutorBug::RewardPaidEarly) => fees,
            Some(ExecutorBug::DrainedMinerUnpaid) if is_drained => 0,
            _ => pay,
        };
        if still_due > 0 {
            cache.credit(&self.store, miner, Asset::NATIVE, still_due)?;
        }
        if pay == 0 && self.bug == Some(ExecutorBug::AbsentBeneficiary) {
            cache.register(&self.store, miner);
        }
        if self.bug == Some(ExecutorBug::GrowsForever) {
            if self.never_freed.len() == ROOM {
                return Err(damaged("there is no room for what is kept of a block"));
            }
            self.never_freed.push(self.tip().hash);
        }
        match self.bug {
            Some(ExecutorBug::RewardOverwrites) if pay > 0 => {
                cache.balances.insert(purse, pay);
            }
            Some(ExecutorBug::MinerLostUpdate) if pay > 0 => {
                let before = self.store.balance(miner, Asset::NATIVE);
                cache.balances.insert(purse, before + pay);
            }
            Some(ExecutorBug::RewardInvisible) if pay > 0 => {
                if let Some(balance) = cache.balances.get_mut(&purse) {
                    *balance -= pay;
                }
                self.store.hide(height, miner, pay);
            }
            _ => {}
        }

        let changes = self.store.merge(height, &cache);
        let digest = codec::block_digest(self.tip().digest, &changes, &receipts);
        self.heights.push(Tip {
            height,
            hash: codec::block_hash(&block.header),
            time: block.header.time,
            digest,
        });
        self.blocks.push((block.clone(), receipts.clone()));
        Ok(BlockResult {
            receipts,
            state_diff: changes,
            fees: Amount(fees),
            reward: Amount(reward),
            digest,
        })
    }

    /// Returns the reward of the next block.
    pub(super) fn reward(&self) -> u64 {
        let native = self.store.supply(Asset::NATIVE);
        let left = self.rules.native_limit.0 - native.genesis.0 - native.issued.0;
        self.rules.reward.0.min(left)
    }

    /// Undoes the blocks above a height, the newest first.
    pub(super) fn rewind_to(&mut self, height: Height) {
        let lowest = match self.bug {
            Some(ExecutorBug::RewindStopsEarly) => self.tip().height.0.saturating_sub(DEEPEST),
            _ => 0,
        };
        let height = height.max(Height(lowest));
        while self.tip().height > height {
            self.store.undo(self.tip().height);
            self.heights.pop();
            self.blocks.pop();
        }
    }

    pub(super) fn height(&self) -> Height {
        self.tip().height
    }

    pub(super) fn as_world(&self) -> World {
        let Tip {
            height,
            hash,
            time,
            digest,
        } = self.tip();
        World {
            height,
            hash,
            time,
            digest,
            cells: self.store.cells.clone(),
        }
    }

    pub(super) fn block(&self, height: Height) -> Option<StoredBlock> {
        let found = self
            .blocks
            .iter()
            .find(|(block, _)| block.header.height == height);
        found.cloned()
    }
}

/// Returns a merkle root that is the same for `[A, B, C]` and `[A, B, C, C]`, because an odd leaf is paired
/// with itself.
fn root_with_repetitions(identities: &[Hash]) -> Hash {
    match identities {
        [rest @ .., before, last]
            if before == last && identities.len().is_multiple_of(2) && !rest.is_empty() =>
        {
            merkle::root(&identities[..identities.len() - 1])
        }
        _ => merkle::root(identities),
    }
}
