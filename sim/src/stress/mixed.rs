//! The run around a block of one pattern: a block of every kind behind it, a rewind, and that block again.
//!
//! A pattern's block has one kind of transaction, and each is applied. So rejections, several blocks and
//! what a rewind of a large block must undo come in a run of their own, which is executed once, untimed, and
//! judged by a trial with every invariant. Public reads are left to campaigns: the naive answers take minutes
//! on tens of thousands of cells.

use std::collections::BTreeMap;

use lockstep_harness::choice::Seeded;
use lockstep_harness::coverage::Coverage;

use super::{NotTimed, Signatures, StressPlan};
use crate::coverage::totals;
use crate::generate::{MIXED_ASSETS, mixed_block};
use crate::invariants::{self, Check, OF_READS};
use crate::scenario::{GenesisRecipe, Holding, Scenario, Step};
use crate::trial::{self, Setup};

/// Maximum number of accounts that are a party to the mixed block, beside new ones.
const MOST_PARTIES: u32 = 256;
/// Minimum number of transactions of the mixed block: each kind comes more than once.
const LEAST_TRANSACTIONS: u16 = 64;
/// Genesis balance of each party in each asset, added to what the pattern requires.
const BALANCE: u64 = 100_000;

/// Counts of a mixed run, over all of its blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mixed {
    /// Number of blocks, the one that is added again after the rewind included.
    pub blocks: u64,
    /// Number of rewinds.
    pub rewinds: u64,
    /// Number of applied transactions.
    pub applied: u64,
    /// Number of rejected transactions.
    pub rejected: u64,
}

impl StressPlan {
    /// The run of the same block with a mixed one behind it, which is undone and added again.
    ///
    /// The parties of the mixed block have more money in the genesis than the pattern gives them.
    #[must_use]
    pub fn mixed_scenario(&self) -> Scenario {
        let mut scenario = self.scenario();
        let parties = self.accounts.min(MOST_PARTIES);
        enrich(&mut scenario.genesis, parties);
        let transactions = self.transactions.max(LEAST_TRANSACTIONS);
        let mut choices = Seeded::new(self.seed, 1);
        let mixed = mixed_block(&mut choices, &scenario, parties, transactions);
        scenario
            .steps
            .extend([Step::Block(mixed), Step::Rewind(1), Step::Reapply]);
        if self.signatures == Signatures::Verified {
            // Of this seed everything is verified by every subject, forged signatures within batches included.
            scenario.hash_seed = 0;
        }
        scenario
    }
}

/// Executes the mixed run of a plan on these subjects, judged after every step.
///
/// # Errors
///
/// [`NotTimed::Failed`] with the first violation, or where the machine failed; [`NotTimed::Vacuous`] if no
/// transaction was rejected.
pub fn run_mixed(plan: &StressPlan, setup: &Setup<'_>) -> Result<Mixed, NotTimed> {
    let scenario = plan.mixed_scenario();
    let mut coverage = Coverage::default();
    let is_of_reads = |check: &Check| OF_READS.iter().any(|one| one.invariant == check.invariant);
    let checks: Vec<Check> = invariants::ALL
        .into_iter()
        .filter(|check| !is_of_reads(check))
        .collect();
    trial::run_asking(&checks, &scenario, setup, &mut coverage).map_err(NotTimed::Failed)?;
    let applied = coverage.total(totals::APPLIED);
    let is_rewind = |step: &&Step| matches!(step, Step::Rewind(_));
    let mixed = Mixed {
        blocks: coverage.total(totals::BLOCKS),
        rewinds: scenario.steps.iter().filter(is_rewind).count() as u64,
        applied,
        rejected: coverage.total(totals::TRANSACTIONS) - applied,
    };
    match mixed.rejected {
        0 => Err(NotTimed::Vacuous(
            "no transaction of the mixed block is rejected".to_owned(),
        )),
        _ => Ok(mixed),
    }
}

/// Adds a balance to each of the first accounts, in each asset of the mixed block.
fn enrich(genesis: &mut GenesisRecipe, accounts: u32) {
    let holdings = std::mem::take(&mut genesis.balances).into_iter();
    let mut balances: BTreeMap<(u32, u32), u64> = holdings
        .map(|Holding(account, asset, amount)| ((account, asset), amount))
        .collect();
    for account in 0..accounts {
        for asset in 0..MIXED_ASSETS {
            *balances.entry((account, asset)).or_default() += BALANCE;
        }
    }
    genesis.balances = balances
        .into_iter()
        .map(|((account, asset), amount)| Holding(account, asset, amount))
        .collect();
}
