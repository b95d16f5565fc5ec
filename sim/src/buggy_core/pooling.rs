//! Core with a wrong mempool: the seeded bugs of what waits for a block, and of the choice among it.

use lockstep_core::model::{Block, Genesis, Hash, Header, Height, Nonce, PublicKey, Transaction};
use lockstep_core::storage::MemoryStorage;
use std::collections::BTreeMap;

use super::methods_of_inner;
use crate::invariants::{MEMPOOL_CHOOSES_BY_RULE, MEMPOOL_KEEPS_BY_RULE};
use crate::oracle::{NaiveMempool, NotAccepted, Oracle};
use crate::reads::{Answer, Question};
use crate::subject::{Core, Pooled, Subject, SubjectError};
use crate::world::{BlockResult, World};

lockstep_harness::seeded_bugs! {
    /// A seeded bug of a mempool.
    pub enum PoolBug in "core with a mempool":
        "core in memory, with a mempool beside it that is wrong"
    {
        PoolNotTold = "pool-not-told" in Storage:
            "the mempool is not told what a block took",
            named by [MEMPOOL_KEEPS_BY_RULE];
        DearestGivesWay = "dearest-gives-way" in Invented:
            "a full mempool drops the transaction that pays most",
            named by [MEMPOOL_KEEPS_BY_RULE, MEMPOOL_CHOOSES_BY_RULE];
        DroppedBytesCounted = "dropped-bytes-counted" in Invented:
            "the bytes of transactions that gave way are still counted",
            named by [MEMPOOL_KEEPS_BY_RULE];
        ReplacedForNothing = "replaced-for-nothing" in Invented:
            "a transaction replaces another one that pays as much",
            named by [MEMPOOL_KEEPS_BY_RULE];
        FeeTieByArrival = "fee-tie-by-arrival" in Invented:
            "of two transactions with one fee the first to arrive is chosen",
            named by [MEMPOOL_CHOOSES_BY_RULE];
        ChosenOverGap = "chosen-over-gap" in Invented:
            "a transaction is chosen although the one before it is missing",
            named by [MEMPOOL_CHOOSES_BY_RULE];
        NonceOrderIgnored = "nonce-order-ignored" in Invented:
            "transactions of one source are chosen by fee, not in the order of their nonces",
            named by [MEMPOOL_CHOOSES_BY_RULE];
        SourceSkipsAhead = "source-skips-ahead" in Invented:
            "a source whose next transaction does not fit gives the one behind it",
            named by [MEMPOOL_CHOOSES_BY_RULE];
    }
}

impl PoolBug {
    /// Creates a ledger whose mempool has this bug.
    ///
    /// # Errors
    ///
    /// As [`Core::in_memory`].
    pub fn subject(
        self,
        genesis: &Genesis,
        hash_seed: u64,
    ) -> Result<Box<dyn Subject>, SubjectError> {
        Ok(Box::new(Pooling {
            inner: Core::in_memory(genesis, hash_seed)?,
            oracle: Oracle::new(genesis).map_err(SubjectError::Damaged)?,
            pool: NaiveMempool::new(0, 0),
            dropped_bytes: 0,
            bug: self,
        }))
    }
}

/// Core beside a naive mempool with a bug.
struct Pooling {
    inner: Core<MemoryStorage>,
    /// Checks transactions by themselves, and knows the header of a body.
    oracle: Oracle,
    pool: NaiveMempool,
    dropped_bytes: u64,
    bug: PoolBug,
}

impl Pooling {
    fn told(&mut self, block: &Block, result: BlockResult) -> BlockResult {
        // The oracle answers for the header of the next body.
        let _ = self.oracle.add_block(block);
        if self.bug != PoolBug::PoolNotTold {
            self.pool.forget_used(&result.state_diff);
        }
        result
    }

    fn nonce_of(&self, account: PublicKey) -> Result<Nonce, SubjectError> {
        Ok(self.inner.chain()?.nonce(account)?.unwrap_or_default())
    }

    /// The next nonces of the sources that wait.
    fn nonces(&self) -> Result<BTreeMap<PublicKey, Nonce>, SubjectError> {
        let sources = self.pool.waiting.iter().map(|one| one.transaction.source);
        sources
            .map(|source| Ok((source, self.nonce_of(source)?)))
            .collect()
    }

    /// Exchanges the fates of the cheapest and the dearest transaction if the last one gave way.
    fn drop_dearest(&mut self, before: &NaiveMempool) {
        let is_kept = |id: Hash| self.pool.waiting.iter().any(|one| one.id == id);
        let gone: Vec<_> = before
            .waiting
            .iter()
            .filter(|one| !is_kept(one.id))
            .cloned()
            .collect();
        let others = self.pool.waiting.iter();
        let dearest = others
            .max_by_key(|one| (one.transaction.fee, one.id))
            .map(|one| one.id);
        if let (Some(cheapest), Some(dearest)) = (gone.first(), dearest)
            && self.pool.waiting.len() == before.waiting.len()
        {
            self.pool.waiting.retain(|one| one.id != dearest);
            self.pool.waiting.push(cheapest.clone());
        }
    }
}

impl Pooled for Pooling {
    fn begin_pool(&mut self, transactions: usize, bytes: u64) {
        self.pool = NaiveMempool::new(transactions, bytes);
        self.dropped_bytes = 0;
    }

    fn submit(&mut self, transaction: Transaction) -> Result<Hash, NotAccepted> {
        let before = self.pool.clone();
        let answer = self.pool.insert(&transaction, &self.oracle);
        match (self.bug, &answer) {
            (PoolBug::DearestGivesWay, Ok(_)) => self.drop_dearest(&before),
            (PoolBug::DroppedBytesCounted, Ok(id)) => {
                let bytes = |pool: &NaiveMempool| pool.size().1;
                let own = self.pool.waiting.iter().find(|one| one.id == *id);
                let own = own.map_or(0, |one| one.bytes);
                self.dropped_bytes += bytes(&before) + own - bytes(&self.pool);
            }
            (PoolBug::ReplacedForNothing, Err(NotAccepted::Underpriced(offered)))
                if *offered == transaction.fee =>
            {
                self.pool.waiting.retain(|one| {
                    (one.transaction.source, one.transaction.nonce)
                        != (transaction.source, transaction.nonce)
                });
                return self.pool.insert(&transaction, &self.oracle);
            }
            _ => {}
        }
        answer
    }

    fn pool_size(&self) -> (usize, u64) {
        let (count, bytes) = self.pool.size();
        (count, bytes + self.dropped_bytes)
    }

    fn chosen(&self, count: usize, bytes: u64) -> Result<Vec<Transaction>, SubjectError> {
        let nonces = self.nonces()?;
        let mut pool = self.pool.clone();
        let next = |source| nonces.get(&source).copied().unwrap_or_default();
        match self.bug {
            // A source with a gap begins behind it.
            PoolBug::ChosenOverGap => {
                let least = |source: PublicKey| {
                    let own = self
                        .pool
                        .waiting
                        .iter()
                        .filter(|one| one.transaction.source == source);
                    let usable = own
                        .map(|one| one.transaction.nonce)
                        .filter(|one| *one >= next(source));
                    usable.min().unwrap_or(next(source))
                };
                Ok(pool.choose(least, count, bytes))
            }
            PoolBug::SourceSkipsAhead => {
                let chosen = pool.choose(next, count, bytes);
                let taken: u64 = chosen.iter().map(lockstep_core::codec::encoded_len).sum();
                let fits = |one: &&crate::oracle::Waiting| {
                    one.bytes <= bytes - taken && !chosen.contains(&one.transaction)
                };
                let more = pool
                    .waiting
                    .iter()
                    .find(fits)
                    .filter(|_| chosen.len() < count);
                let more = more.map(|one| one.transaction.clone());
                Ok(chosen.iter().cloned().chain(more).collect())
            }
            PoolBug::FeeTieByArrival | PoolBug::NonceOrderIgnored => {
                let mut chosen = pool.choose(next, count, bytes);
                let place = |one: &Transaction| {
                    pool.waiting
                        .iter()
                        .position(|other| other.transaction == *one)
                };
                if self.bug == PoolBug::NonceOrderIgnored {
                    chosen.sort_by_key(|one| std::cmp::Reverse(one.fee));
                } else if chosen.iter().all(|one| one.nonce == next(one.source)) {
                    chosen.sort_by_key(|one| (std::cmp::Reverse(one.fee), place(one)));
                }
                Ok(chosen)
            }
            _ => {
                pool.transactions = usize::MAX;
                Ok(pool.choose(next, count, bytes))
            }
        }
    }

    fn propose(&self, miner: PublicKey) -> Result<Header, SubjectError> {
        let empty = Block {
            header: self.oracle.header_of(&[], miner),
            transactions: Vec::new(),
        };
        let most = self.inner.chain()?.rules().max_block_bytes;
        let room = most.saturating_sub(lockstep_core::codec::encoded_len(&empty));
        let body = self.chosen(usize::from(u16::MAX), room)?;
        Ok(self.oracle.header_of(&body, miner))
    }

    fn add_header(&mut self, header: &Header) -> Result<BlockResult, SubjectError> {
        // Its body is that of the proposal.
        let empty = Block {
            header: self.oracle.header_of(&[], header.miner),
            transactions: Vec::new(),
        };
        let most = self.inner.chain()?.rules().max_block_bytes;
        let room = most.saturating_sub(lockstep_core::codec::encoded_len(&empty));
        let transactions = self.chosen(usize::from(u16::MAX), room)?;
        self.add_block(&Block {
            header: header.clone(),
            transactions,
        })
    }
}

impl Subject for Pooling {
    methods_of_inner!();

    fn add_block(&mut self, block: &Block) -> Result<BlockResult, SubjectError> {
        let result = self.inner.add_block(block)?;
        Ok(self.told(block, result))
    }

    fn rewind_to(&mut self, height: Height) -> Result<(), SubjectError> {
        self.oracle
            .rewind_to(height)
            .map_err(SubjectError::Damaged)?;
        self.inner.rewind_to(height)
    }

    fn reopen(&mut self) -> Result<(), SubjectError> {
        self.inner.reopen()
    }

    fn world(&self) -> Result<World, SubjectError> {
        self.inner.world()
    }

    fn answer(&self, question: &Question) -> Result<Option<Answer>, SubjectError> {
        self.inner.answer(question)
    }

    fn pooled(&mut self) -> Option<&mut dyn Pooled> {
        Some(self)
    }
}
