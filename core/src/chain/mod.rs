//! The ledger on a storage, shared by threads: adding blocks to its tip, rewinding it, reading it.
//! Like [`parallel`] these files are compiled once over the real
//! primitives and once more under each interleaving checker: they name a primitive only as
//! `super::sync::...` and hold no test. The parts that threads do not share stand in `ledger`.

mod bodies;
mod cancellation_token;
mod outcome;
mod read;

use std::collections::BTreeMap;

pub use bodies::BodyCache;
pub use cancellation_token::CancellationToken;

pub use crate::config::BodyCacheLimits;
pub use crate::ledger::{
    AddedBlock, ChainError, Mempool, MempoolError, MempoolLimits, NonceChecker, Tip,
};

use super::parallel::block_executor::{BlockExecutor, ExecutedBlock};
use super::parallel::{self, parallelism::Parallelism};
use super::sync::{self, Arc, Mutex, RwLock};
use crate::clock::Clock;
use crate::codec;
use crate::config::Config;
use crate::execution::Execution;
use crate::ledger::error::missing;
use crate::ledger::tip::{record, tip_at};
use crate::ledger::{admission, genesis};
use crate::merkle;
use crate::metrics;
use crate::model::{
    BLOCK_VERSION, Block, Genesis, Hash, Header, Height, PublicKey, Rules, Version,
};
use crate::signature::Verifier;
use crate::storage::{Batch, Storage, StorageError, schema};
use outcome::BlockOutcome;

/// A ledger and its history, on a storage.
///
/// Every read goes to the storage: there is no second copy of the tip or of a
/// balance that could be stale.
///
/// Many threads may use one ledger. A writer takes the one permit for it, and the storage is
/// locked for writing only while its commit lasts; readers see the block before or the block after.
pub struct Chain<S> {
    storage: Arc<RwLock<S>>,
    /// Held by the thread that adds or undoes blocks, from its first look at the tip to its commit.
    permit: Mutex<()>,
    rules: Rules,
    config: Config,
    clock: Arc<dyn Clock>,
    bodies: BodyCache,
    blocks: BlockExecutor,
}

impl<S: Storage> Chain<S> {
    /// Opens the ledger with this genesis on this storage, and begins it if the storage is empty.
    ///
    /// # Errors
    ///
    /// [`ChainError::OtherGenesis`] if the storage holds another ledger;
    /// [`ChainError::ImpossibleGenesis`] if a ledger cannot begin with this genesis; otherwise as
    /// [`Chain::open_existing`].
    pub fn open(
        mut storage: S,
        genesis: &Genesis,
        config: Config,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, ChainError> {
        match genesis::stored(&storage) {
            Err(ChainError::Empty) => genesis::begin(&mut storage, genesis)?,
            Err(error) => return Err(error),
            Ok(stored) if stored != *genesis => {
                return Err(ChainError::OtherGenesis {
                    stored: codec::genesis_hash(&stored),
                    given: codec::genesis_hash(genesis),
                });
            }
            Ok(_) => {}
        }
        Chain::open_existing(storage, config, clock)
    }

    /// Opens the ledger on this storage, whatever its genesis is.
    ///
    /// # Errors
    ///
    /// [`ChainError::Empty`] if the storage is empty, [`ChainError::OtherFormat`] if its format is
    /// another one, [`ChainError::Storage`] if it fails or is damaged.
    pub fn open_existing(
        storage: S,
        config: Config,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, ChainError> {
        let rules = genesis::stored(&storage)?.rules;
        let chain = Chain {
            storage: Arc::new(RwLock::new(storage)),
            permit: Mutex::new(()),
            rules,
            bodies: BodyCache::new(config.bodies),
            blocks: BlockExecutor::new(&config),
            config,
            clock,
        };
        let tip = chain.tip()?;
        tracing::info!(height = %tip.height, hash = %tip.hash, "ledger opened");
        Ok(chain)
    }

    /// Returns the same ledger with another source of verdicts about signatures. A ledger that was opened
    /// has [`Zip215`](crate::signature::Zip215).
    #[must_use]
    pub fn with_verifier(mut self, verifier: Arc<dyn Verifier>) -> Self {
        self.blocks.set_verifier(verifier);
        self
    }

    /// Returns the storage, which no reader may use any more.
    ///
    /// # Panics
    ///
    /// If a copy of [`Chain::storage`] is still kept.
    #[must_use]
    pub fn into_storage(self) -> S {
        let storage = Arc::into_inner(self.storage);
        sync::into_inner(storage.expect("the ledger is given back by its last user"))
    }

    /// Returns the storage of the ledger. A write past the ledger breaks the ledger.
    #[must_use]
    pub fn storage(&self) -> Arc<RwLock<S>> {
        Arc::clone(&self.storage)
    }

    /// Returns whether no parallel result has differed from the serial one, as far as test mode has
    /// looked.
    #[must_use]
    pub fn trusts_parallel(&self) -> bool {
        self.blocks.trusts_parallel()
    }

    /// Returns the choices of the operator.
    #[must_use]
    pub const fn config(&self) -> &Config {
        &self.config
    }

    /// Returns the rules that the ledger's nodes agree on.
    #[must_use]
    pub const fn rules(&self) -> &Rules {
        &self.rules
    }

    /// Executes a block on the tip and writes its effects and receipts, in one commit.
    ///
    /// # Errors
    ///
    /// [`ChainError::Refused`] if the block does not extend the tip, [`ChainError::Storage`] if the
    /// storage fails, [`ChainError::Panicked`] if the serial execution panics. After the last two the
    /// same block can be added again.
    pub fn add_block(&self, block: &Block) -> Result<AddedBlock, ChainError> {
        self.add_block_unless(block, || false)
    }

    /// Does as [`Chain::add_block`], for a caller that may cancel it: `is_cancelled` is called before
    /// each step, the last time just before the commit.
    ///
    /// # Errors
    ///
    /// [`ChainError::Cancelled`] if it returned true; the ledger is as it was, and the same block can be
    /// added later. Otherwise as [`Chain::add_block`].
    pub fn add_block_unless(
        &self,
        block: &Block,
        is_cancelled: impl Fn() -> bool,
    ) -> Result<AddedBlock, ChainError> {
        let proceed = || match is_cancelled() {
            true => Err(ChainError::Cancelled),
            false => Ok(()),
        };
        let _permit = self.permit.lock();
        proceed()?;
        let tip = self.tip()?;
        let chosen = self.blocks.choose(block.transactions.len());
        let parallelism = chosen.parallelism(block.transactions.len());
        let ids = metrics::phase("admit", || {
            admission::admit(&self.rules, &tip, block, parallelism)
        })?;
        proceed()?;
        let ExecutedBlock {
            path,
            execution,
            recovered_from,
        } = metrics::phase("execute", || {
            self.blocks
                .execute(chosen, &self.storage, &self.rules, block, &ids)
        })?;
        let Execution {
            receipts,
            write_set,
            fees,
            reward,
        } = execution;

        let BlockOutcome {
            state_diff,
            digest,
            mut batch,
        } = metrics::phase("digest", || {
            BlockOutcome::of(tip.digest, block, &write_set, &receipts, parallelism)
        });
        let added = Tip {
            height: block.header.height,
            hash: codec::block_hash(&block.header),
            time: block.header.time,
            digest,
        };
        batch.put_record(
            added.height,
            &schema::Record {
                hash: added.hash,
                time: added.time,
                digest: added.digest,
                fees,
                reward,
                changed: write_set.iter().map(|(cell, _)| *cell).collect(),
            },
        );
        batch.put_tip(added.height);
        proceed()?;
        metrics::phase("commit", || self.commit(batch, parallelism))?;
        metrics::block(path.name(), &receipts);

        tracing::info!(
            height = %added.height,
            hash = %added.hash,
            digest = %added.digest,
            transactions = receipts.len(),
            applied = receipts.iter().filter(|receipt| receipt.is_applied()).count(),
            "block added"
        );
        Ok(AddedBlock {
            receipts,
            state_diff,
            fees,
            reward,
            tip: added,
            path,
            recovered_from,
        })
    }

    /// Completes a header with the body that its merkle root names, and adds the block.
    ///
    /// # Errors
    ///
    /// [`ChainError::UnknownBody`] if there is no such body; otherwise as [`Chain::add_block`].
    pub fn add_header(&self, header: &Header) -> Result<AddedBlock, ChainError> {
        let root = header.merkle_root;
        let transactions = if root == Hash::ZERO {
            Vec::new()
        } else {
            self.bodies
                .find(root, self.clock.now())
                .ok_or(ChainError::UnknownBody { root })?
                .to_vec()
        };
        self.add_block(&Block {
            header: header.clone(),
            transactions,
        })
    }

    /// Makes the header of a block that would extend the tip now with the best transactions that wait.
    /// Its body is remembered, so that the header alone can be added. The time is the clock's, or
    /// the tip's if that is later.
    ///
    /// # Errors
    ///
    /// [`ChainError::Storage`] if the storage fails or what it has is damaged.
    pub fn template(&self, mempool: &Mempool, miner: PublicKey) -> Result<Header, ChainError> {
        let tip = self.tip()?;
        let now = self.clock.now();
        let mut header = Header {
            version: BLOCK_VERSION,
            network: self.rules.network,
            height: tip
                .height
                .next()
                .ok_or_else(|| missing("a height after the last"))?,
            parent: tip.hash,
            time: now.max(tip.time),
            miner,
            merkle_root: Hash::ZERO,
            count: 0,
        };
        let empty = Block {
            header: header.clone(),
            transactions: Vec::new(),
        };
        let room = self
            .rules
            .max_block_bytes
            .saturating_sub(codec::encoded_len(&empty));
        let transactions = mempool.choose(
            |account| Ok::<_, StorageError>(self.nonce(account)?.unwrap_or_default()),
            usize::from(u16::MAX),
            room,
        )?;
        header.count =
            u16::try_from(transactions.len()).expect("no more were chosen than a block may have");
        let ids: Vec<Hash> = transactions.iter().map(codec::transaction_id).collect();
        header.merkle_root = merkle::root(&ids);
        // A header of no transactions is completed without the cache.
        if header.count > 0 {
            self.bodies
                .remember(header.merkle_root, transactions.into(), now);
        }
        Ok(header)
    }

    /// Undoes the blocks above a height, in one commit: state, history, supplies and digest are as
    /// they were. Rewinding to the tip does nothing.
    ///
    /// Costs one read and one write a version that is undone.
    ///
    /// # Errors
    ///
    /// [`ChainError::AboveTip`] if the height is above the tip; [`ChainError::Storage`] if the
    /// storage fails or a version that is to be undone is missing.
    pub fn rewind_to(&self, target: Height) -> Result<Tip, ChainError> {
        let _permit = self.permit.lock();
        let tip = self.tip()?;
        if target > tip.height {
            return Err(ChainError::AboveTip {
                target,
                tip: tip.height,
            });
        }
        // Read before the commit: no step after it may fail.
        let restored = tip_at(&*self.read(), target)?;
        let batch = self.undo(tip.height, target)?;
        if !batch.is_empty() {
            self.commit(batch, Parallelism::SERIAL)?;
            tracing::info!(from = %tip.height, to = %target, "rewound");
        }
        Ok(restored)
    }

    /// Returns the cache of the bodies of templates.
    #[must_use]
    pub const fn bodies(&self) -> &BodyCache {
        &self.bodies
    }

    /// Returns the batch that removes the blocks above `target`.
    fn undo(&self, tip: Height, target: Height) -> Result<Batch, StorageError> {
        let storage = self.read();
        let mut batch = Batch::new();
        let mut newest = BTreeMap::new();
        for height in (target.0 + 1..=tip.0).rev().map(Height) {
            for cell in record(&*storage, height)?.changed {
                let current = match newest.remove(&cell) {
                    Some(version) => version,
                    None => schema::newest(&*storage, cell)?,
                };
                let undone = current
                    .filter(|version: &Version| version.height == height)
                    .ok_or_else(|| {
                        schema::damaged(cell, &format!("its version at {height} is missing"))
                    })?;
                let before = match undone.previous {
                    Some(previous) => {
                        batch.delete_older(cell, previous);
                        Some(schema::older(&*storage, cell, previous)?)
                    }
                    None => None,
                };
                newest.insert(cell, before);
            }
            batch.delete_block(height);
        }
        for (cell, version) in newest {
            match version {
                Some(version) => batch.put_newest(cell, &version),
                None => batch.delete_newest(cell),
            }
        }
        if target < tip {
            batch.put_tip(target);
        }
        Ok(batch)
    }

    fn commit(&self, batch: Batch, parallelism: Parallelism<'_>) -> Result<(), StorageError> {
        parallelism.commit(&mut *sync::write(&self.storage), batch)
    }
}
