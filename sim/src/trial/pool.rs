//! The mempool of a trial: the naive one, and those of the subjects that are compared with it.
//!
//! A mempool does not depend on the way in which blocks are executed, so three subjects have one: the
//! first, one in the middle and the last. After every block its mempool is told what the block used, and
//! after a rewind the transactions of the undone blocks are offered again.

use lockstep_core::model::Cell;
use lockstep_core::model::{Block, Nonce, Transaction, Value};
use lockstep_harness::violation::Failure;

use super::{Trial, catch_panic};
use crate::coverage::point;
use crate::invariants::{
    Event, Evidence, MEMPOOL_CHOOSES_BY_RULE, MEMPOOL_KEEPS_BY_RULE, PoolAnswer, first_violation_of,
};
use crate::oracle::{NaiveMempool, NotAccepted};
use crate::scenario::{PoolRecipe, TemplateRecipe, TransactionRecipe, build};
use crate::subject::Pooled;
use crate::world::BlockResult;

/// Limits of a mempool that no step begins.
const DEFAULT: PoolRecipe = PoolRecipe {
    transactions: 1_000,
    bytes: 1 << 20,
};

/// Maximum number of transactions that are offered again after a rewind: each is verified.
const MOST_GIVEN_BACK: usize = 64;

/// Number of transactions of one source from which on a submission is a flood.
const FLOOD: usize = 100;

impl Trial<'_> {
    pub(super) fn begin_pool(&mut self, limits: PoolRecipe) -> Result<(), Failure> {
        let transactions = usize::try_from(limits.transactions).unwrap_or(usize::MAX);
        self.pool = Some(NaiveMempool::new(transactions, limits.bytes));
        for index in self.with_pools() {
            self.pooled(index, |pooled| {
                pooled.begin_pool(transactions, limits.bytes)
            })?;
        }
        Ok(())
    }

    /// Offers transactions to the mempools, in order.
    pub(super) fn submit(&mut self, recipes: &[TransactionRecipe]) -> Result<(), Failure> {
        let rules = self.genesis.rules.clone();
        let transactions: Vec<Transaction> = recipes
            .iter()
            .map(|recipe| build::transaction(recipe, &rules, &mut self.keys))
            .collect();
        if self.pool.is_none() {
            self.begin_pool(DEFAULT)?;
        }
        self.offer(&transactions)?;
        if let Some(first) = transactions.first()
            && transactions
                .iter()
                .filter(|one| one.source == first.source)
                .count()
                >= FLOOD
        {
            self.coverage
                .count(point!("mempool: flood of one source", rare));
        }
        Ok(())
    }

    fn offer(&mut self, transactions: &[Transaction]) -> Result<(), Failure> {
        let Some(mut pool) = self.pool.take() else {
            return Ok(());
        };
        let mut answers = Vec::new();
        for transaction in transactions {
            let before = pool.waiting.len();
            let answer = pool.insert(transaction, &self.oracle);
            self.count_offer(&answer, before, pool.waiting.len());
            answers.push(answer);
        }
        self.pool = Some(pool);
        for index in self.with_pools() {
            for (transaction, expected) in transactions.iter().zip(&answers) {
                let got = self.pooled(index, |pooled| pooled.submit(transaction.clone()))?;
                let call = format!(
                    "nonce {} of {} with fee {}",
                    transaction.nonce, transaction.source, transaction.fee
                );
                let expected = PoolAnswer::Offered(expected.clone());
                self.judge_pool(index, &call, &PoolAnswer::Offered(got), &expected)?;
            }
        }
        self.compare_sizes("after the transactions were offered")
    }

    /// Tells the naive mempool what a block has used. The subjects tell theirs.
    pub(super) fn tell_pool(&mut self, result: &BlockResult) -> Result<(), Failure> {
        let Some(pool) = &mut self.pool else {
            return Ok(());
        };
        let before = pool.waiting.len();
        pool.forget_used(&result.state_diff);
        if pool.waiting.len() < before {
            self.coverage
                .count(point!("mempool: transactions taken by a block", rare));
        }
        self.compare_sizes("after a block")
    }

    /// Offers the transactions of the blocks that a rewind has undone.
    pub(super) fn give_back(&mut self) -> Result<(), Failure> {
        let undone = self
            .undone
            .iter()
            .flat_map(|block| block.transactions.clone());
        let undone: Vec<Transaction> = undone.take(MOST_GIVEN_BACK).collect();
        if self.pool.is_none() || undone.is_empty() {
            return Ok(());
        }
        self.coverage
            .count(point!("mempool: given back by a rewind", rare));
        self.offer(&undone)
    }

    /// Compares a choice, makes a template, and adds its block: by the header alone to the subjects
    /// that were asked for it.
    pub(super) fn propose(&mut self, recipe: &TemplateRecipe) -> Result<(), Failure> {
        if self.pool.is_none() {
            self.begin_pool(DEFAULT)?;
        }
        let count = usize::try_from(recipe.count).unwrap_or(usize::MAX);
        let chosen = self.choice(count, recipe.bytes);
        if chosen.len() < self.choice(count, u64::MAX).len() {
            self.coverage.count(point!("mempool: waits for room", rare));
        }
        let expected = PoolAnswer::Chosen(chosen);
        let call = format!(
            "the best {count} transactions within {} bytes",
            recipe.bytes
        );
        let asked = self.with_pools();
        for index in &asked {
            let got = self.pooled(*index, |pooled| pooled.chosen(count, recipe.bytes))?;
            let got = self.answered(*index, got)?;
            self.judge_pool(*index, &call, &PoolAnswer::Chosen(got), &expected)?;
        }

        let miner = self.keys.public(recipe.miner);
        let empty = Block {
            header: self.oracle.header_of(&[], miner),
            transactions: Vec::new(),
        };
        let taken = borsh::to_vec(&empty).expect("a block can be encoded").len() as u64;
        let room = self.genesis.rules.max_block_bytes.saturating_sub(taken);
        let transactions = self.choice(usize::from(u16::MAX), room);
        self.count_choice(&transactions);
        let header = self.oracle.header_of(&transactions, miner);
        let expected = PoolAnswer::Template(header.clone());
        for index in asked {
            let got = self.pooled(index, |pooled| pooled.propose(miner))?;
            let got = self.answered(index, got)?;
            if got == header {
                self.with_body.insert(index);
            }
            self.judge_pool(index, "the template", &PoolAnswer::Template(got), &expected)?;
        }
        self.add(&Block {
            header,
            transactions,
        })
    }

    /// The choice of the naive mempool.
    fn choice(&self, count: usize, bytes: u64) -> Vec<Transaction> {
        let nonce_of = |account| match self.oracle.world().newest(Cell::Nonce(account)) {
            Some(Value::Nonce(nonce)) => *nonce,
            _ => Nonce(0),
        };
        let pool = self.pool.as_ref();
        pool.map_or_else(Vec::new, |pool| pool.choose(nonce_of, count, bytes))
    }

    fn compare_sizes(&mut self, when: &str) -> Result<(), Failure> {
        let Some((count, bytes)) = self.pool.as_ref().map(NaiveMempool::size) else {
            return Ok(());
        };
        for index in self.with_pools() {
            let (got_count, got_bytes) = self.pooled(index, |pooled| pooled.pool_size())?;
            let got = PoolAnswer::Size(got_count, got_bytes);
            self.judge_pool(index, when, &got, &PoolAnswer::Size(count, bytes))?;
        }
        Ok(())
    }

    /// The subjects whose mempools are compared.
    fn with_pools(&mut self) -> Vec<usize> {
        let mut with_pool: Vec<usize> = Vec::new();
        for (index, one) in self.subjects.iter_mut().enumerate() {
            if one.subject.pooled().is_some() {
                with_pool.push(index);
            }
        }
        let count = with_pool.len();
        let mut asked: Vec<usize> = [0, count / 2, count.saturating_sub(1)]
            .into_iter()
            .filter_map(|place| with_pool.get(place).copied())
            .collect();
        asked.dedup();
        asked
    }

    /// Calls the mempool of a subject. Its panic is a finding.
    fn pooled<T>(
        &mut self,
        index: usize,
        call: impl FnOnce(&mut dyn Pooled) -> T,
    ) -> Result<T, Failure> {
        let step = self.step;
        let subject = &mut self.subjects[index].subject;
        let name = subject.name().to_owned();
        let pooled = subject
            .pooled()
            .expect("only subjects with a mempool are asked");
        catch_panic(step, &name, || call(pooled))
    }

    fn answered<T>(
        &self,
        index: usize,
        answer: Result<T, crate::subject::SubjectError>,
    ) -> Result<T, Failure> {
        self.ask(self.subjects[index].subject.name(), || answer)
    }

    fn judge_pool(
        &self,
        index: usize,
        call: &str,
        got: &PoolAnswer,
        expected: &PoolAnswer,
    ) -> Result<(), Failure> {
        let of_pools = [&MEMPOOL_KEEPS_BY_RULE, &MEMPOOL_CHOOSES_BY_RULE];
        let checks = self.checks.iter();
        let checks: Vec<_> = checks
            .filter(|check| of_pools.contains(&check.invariant))
            .copied()
            .collect();
        let one = &self.subjects[index];
        let evidence = Evidence {
            rules: &self.genesis.rules,
            before: &one.world,
            after: &one.world,
            expected: self.oracle.world(),
            event: Event::Pool {
                call,
                got,
                expected,
            },
        };
        match first_violation_of(&checks, &evidence) {
            None => Ok(()),
            Some((invariant, detail)) => {
                let name = one.subject.name();
                Err(super::violation(invariant, self.step, name, detail))
            }
        }
    }

    fn count_offer(
        &mut self,
        answer: &Result<lockstep_core::model::Hash, NotAccepted>,
        before: usize,
        after: usize,
    ) {
        self.coverage.count(match answer {
            Ok(_) if after == before + 1 => point!("mempool: accepted", rare),
            Ok(_) if after == before => {
                point!("mempool: accepted in place of another", rare)
            }
            Ok(_) => point!("mempool: several gave way", rare),
            Err(NotAccepted::Rejected(_)) => point!("mempool: can never be applied", rare),
            Err(NotAccepted::Known) => point!("mempool: known", rare),
            Err(NotAccepted::Underpriced(_)) => point!("mempool: underpriced", rare),
            Err(NotAccepted::Full) => point!("mempool: full", rare),
        });
    }

    fn count_choice(&mut self, chosen: &[Transaction]) {
        let waiting = self.pool.as_ref().map_or(0, |pool| pool.waiting.len());
        let all = self.choice(usize::from(u16::MAX), u64::MAX);
        if all.len() < waiting {
            self.coverage
                .count(point!("mempool: waits behind a gap", rare));
        }
        self.coverage.count(match chosen.is_empty() {
            true => point!("mempool: empty template", rare),
            false => point!("mempool: template applied by its header", rare),
        });
    }
}
