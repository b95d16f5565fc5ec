//! The executor that the harness is measured with: in the shape in which ledgers have been
//! parallelised, right by default, and wrong in one known way where it is told to be.
//!
//! Transactions are gathered in batches in which no two conflict, a worker executes each against a
//! cache that is loaded in two steps, and the cache is merged kind by kind when all batches are
//! done. The workers of a batch take turns, the last one first: a right batch cannot tell. It
//! shares the nouns, the encodings and the stateless checks with core, and nothing else; what it
//! cannot show, because it takes real interleavings or a failing disk, `docs/known-bugs.md` lists.

mod batches;
mod cache;
mod defect;
mod signatures;
mod store;
mod worker;

use lockstep_core::codec;
use lockstep_core::merkle;
use lockstep_core::model::{
    Amount, Asset, BLOCK_VERSION, Block, Genesis, Hash, Height, Receipt, Refusal, Rules, Timestamp,
};

pub use self::defect::Defect;
use self::store::{Store, damaged};
use self::worker::Workers;
use crate::subject::{StoredBlock, Subject, SubjectError};
use crate::world::{BlockResult, World};

/// A ledger whose blocks are executed in batches, with a defect or without.
#[derive(Debug)]
pub struct Specimen {
    rules: Rules,
    defect: Option<Defect>,
    store: Store,
    /// From the genesis to the tip.
    heights: Vec<Tip>,
    /// From height 1.
    blocks: Vec<StoredBlock>,
}

#[derive(Clone, Copy, Debug)]
struct Tip {
    height: Height,
    hash: Hash,
    time: Timestamp,
    digest: Hash,
}

impl Specimen {
    /// A ledger at height 0; `None` for one that is right.
    ///
    /// # Errors
    ///
    /// Where the genesis is impossible.
    pub fn new(genesis: &Genesis, defect: Option<Defect>) -> Result<Self, SubjectError> {
        let (store, changes) = Store::of_genesis(genesis, defect)?;
        let hash = codec::genesis_hash(genesis);
        Ok(Specimen {
            rules: genesis.rules.clone(),
            defect,
            store,
            heights: vec![Tip {
                height: Height::GENESIS,
                hash,
                time: genesis.time,
                digest: codec::block_digest(hash, &changes, &[]),
            }],
            blocks: Vec::new(),
        })
    }

    fn tip(&self) -> Tip {
        *self.heights.last().expect("the genesis is never undone")
    }

    /// The identities of the transactions of a block that extends the chain.
    fn admit(&self, block: &Block) -> Result<Vec<Hash>, SubjectError> {
        let tip = self.tip();
        let header = &block.header;
        let expected = Height(tip.height.0 + 1);
        let size = codec::encoded_len(block);
        let identities: Vec<Hash> = block
            .transactions
            .iter()
            .map(codec::transaction_id)
            .collect();
        let root = match self.defect {
            Some(Defect::MerkleDuplicate) => root_with_repetitions(&identities),
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
}

impl Subject for Specimen {
    fn name(&self) -> &str {
        "specimen"
    }

    fn add_block(&mut self, block: &Block) -> Result<BlockResult, SubjectError> {
        let identities = self.admit(block)?;
        let (height, miner) = (block.header.height, block.header.miner);
        let mut workers = Workers::new(&self.store, self.rules.network, self.defect);
        let forgers = match self.defect {
            Some(Defect::BatchSignatureRule) => signatures::forgers(block),
            _ => vec![None; block.transactions.len()],
        };
        let mut outcomes = vec![None; block.transactions.len()];
        for batch in batches::batches(&block.transactions, self.defect) {
            for &index in batch.iter().rev() {
                let (transaction, forger) = (&block.transactions[index], forgers[index]);
                outcomes[index] = Some(workers.execute(transaction, forger)?);
            }
        }
        let receipts: Vec<Receipt> = identities
            .into_iter()
            .zip(outcomes)
            .map(|(transaction, outcome)| Receipt {
                transaction,
                outcome: outcome.expect("every transaction is in a batch"),
            })
            .collect();

        let fees = workers.cache.fees;
        let mut native = workers.cache.supply(&self.store, Asset::NATIVE);
        let left = (self.rules.native_limit.0)
            .checked_sub(native.genesis.0)
            .and_then(|left| left.checked_sub(native.issued.0))
            .ok_or_else(|| damaged("more was issued than there may be"))?;
        let reward = self.rules.reward.0.min(left);
        let pay = reward
            .checked_add(fees)
            .ok_or_else(|| damaged("a miner is paid more than there can be"))?;
        native.issued = Amount(native.issued.0 + reward);
        workers.cache.supplies.insert(Asset::NATIVE, native);
        workers.give(miner, Asset::NATIVE, Amount(pay))?;
        let mut cache = workers.cache;
        let purse = (miner, Asset::NATIVE);
        match self.defect {
            Some(Defect::RewardOverwrites) if pay > 0 => {
                cache.balances.insert(purse, pay);
            }
            Some(Defect::MinerLostUpdate) if pay > 0 => {
                let before = self.store.balance(miner, Asset::NATIVE);
                cache.balances.insert(purse, before + pay);
            }
            Some(Defect::RewardInvisible) if pay > 0 => {
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
            changes,
            fees: Amount(fees),
            reward: Amount(reward),
            digest,
        })
    }

    fn rewind_to(&mut self, height: Height) -> Result<(), SubjectError> {
        while self.tip().height > height {
            self.store.undo(self.tip().height);
            self.heights.pop();
            self.blocks.pop();
        }
        Ok(())
    }

    fn reopen(&mut self) -> Result<(), SubjectError> {
        Ok(())
    }

    fn world(&self) -> Result<World, SubjectError> {
        let Tip {
            height,
            hash,
            time,
            digest,
        } = self.tip();
        Ok(World {
            height,
            hash,
            time,
            digest,
            cells: self.store.cells.clone(),
        })
    }

    fn stored(&self, height: Height) -> Result<Option<StoredBlock>, SubjectError> {
        let found = self
            .blocks
            .iter()
            .find(|(block, _)| block.header.height == height);
        Ok(found.cloned())
    }

    fn bytes_kept(&self) -> Result<blake3::Hash, SubjectError> {
        Ok(blake3::hash(b"it keeps no bytes"))
    }
}

/// The root in a ledger where `[A, B, C]` and `[A, B, C, C]` have one, because the odd leaf is paired
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
