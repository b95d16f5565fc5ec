//! Target for merging: the content of the storage after a block, while calls of the storage fail.

mod failing;

use std::sync::Arc;

use lockstep_core::chain::{Chain, ChainError};
use lockstep_core::config::Config;
use lockstep_core::model::{Block, Genesis, Height, Timestamp};
use lockstep_core::storage::StorageError;

use failing::{FailingStorage, Fault};

use lockstep_harness::choice::{Choices, FromBytes};
use lockstep_sim::from_bytes::{self, assert_nothing_is_violated};
use lockstep_sim::generate::Size;
use lockstep_sim::scenario::Scenario;
use lockstep_sim::subject::{Execution, StoredBlock, Subject, SubjectError};
use lockstep_sim::world::{BlockResult, World};

const SIZE: Size = Size {
    blocks: 2,
    transactions: 3,
    accounts: 3,
};

/// Signatures of one input: each is verified again whenever a call failed.
const SIGNATURES: usize = 2;

/// Faults of one input.
const MOST_FAULTS: u64 = 3;

/// A block is merged in one commit, all of it or nothing, whichever call of the storage fails; it
/// can be added again at once; what is there afterwards, opened anew, is what the oracle says, and
/// every invariant of a trial holds: the supply is conserved, credited accounts are registered, versions
/// descend, receipts explain balances.
///
/// # Panics
///
/// On a finding.
pub fn merge_invariants(data: &[u8]) {
    merges_all_or_nothing(data, false);
}

fn merges_all_or_nothing(data: &[u8], tears: bool) {
    let Drawn {
        faults,
        execution,
        scenario,
    } = drawn(&mut FromBytes(data));
    assert_nothing_is_violated(scenario, |genesis, hash_seed| {
        let config = execution.config(genesis, hash_seed)?;
        let storage = FailingStorage::new(tears);
        let merging = Merging::new(genesis, config, storage, faults.clone())?;
        Ok(Box::new(merging))
    });
}

/// Decoded input of the target.
pub(super) struct Drawn {
    /// For one operation each.
    faults: Vec<Option<Fault>>,
    execution: Execution,
    scenario: Scenario,
}

pub(super) fn drawn(choices: &mut impl Choices) -> Drawn {
    let faults = (0..choices.below(MOST_FAULTS + 1))
        .map(|_| Fault::draw(choices))
        .collect();
    let execution = match from_bytes::execution(choices) {
        // In test mode a failure on one path says nothing, and nothing is said of it.
        Execution::TestMode(_) => Execution::Serial,
        execution => execution,
    };
    Drawn {
        faults,
        execution,
        scenario: from_bytes::scenario(choices, SIZE, SIGNATURES),
    }
}

/// Core on a storage that fails.
struct Merging {
    genesis: Genesis,
    config: Config,
    storage: FailingStorage,
    chain: Chain<FailingStorage>,
    /// One for each operation that writes, in their order; without a fault after the last.
    faults: std::vec::IntoIter<Option<Fault>>,
}

impl Merging {
    fn new(
        genesis: &Genesis,
        config: Config,
        storage: FailingStorage,
        faults: Vec<Option<Fault>>,
    ) -> Result<Self, SubjectError> {
        Ok(Merging {
            chain: open(&storage, genesis, &config)?,
            genesis: genesis.clone(),
            config,
            storage,
            faults: faults.into_iter(),
        })
    }

    /// Does something that is one commit: with the next fault, and where that was met, once more.
    /// Opens what is there afterwards.
    fn write<T>(
        &mut self,
        operation: impl Fn(&Chain<FailingStorage>) -> Result<T, ChainError>,
        undo: impl Fn(&Chain<FailingStorage>) -> Result<(), ChainError>,
    ) -> Result<T, SubjectError> {
        let before = self.storage.tables();
        let fault = self.faults.next().flatten();
        self.storage.arm(fault);
        let mut result = operation(&self.chain);
        let met = self.storage.disarm();
        if met {
            match result {
                Err(ChainError::Storage(StorageError::Io { .. } | StorageError::Full { .. })) => {}
                Err(error) => {
                    return Err(damaged(format!(
                        "a call failed, and this was said: {error}"
                    )));
                }
                Ok(_) => return Err(damaged("a call failed, and nothing was said")),
            }
            let after = self.storage.tables();
            if after != before {
                // A failed sync does not tell: then it was made, and whole.
                if fault.is_none_or(|fault| !fault.commits_all_the_same()) {
                    return Err(damaged("a call failed, and something was written"));
                }
                undo(&self.chain)?;
                if !self.storage.keeps(&before) {
                    return Err(damaged(
                        "what was made although the commit failed is not whole",
                    ));
                }
            }
            self.storage.arm(None);
            result = operation(&self.chain);
            if result.is_ok() && after != before && !self.storage.keeps(&after) {
                return Err(damaged(
                    "the second time makes something else than the first",
                ));
            }
        }
        let commits = self.storage.commits();
        let expected = usize::from(!self.storage.keeps(&before));
        if commits != expected {
            return Err(damaged(format!(
                "it took {commits} commits, and {expected} has to do"
            )));
        }
        self.storage.arm(None);
        self.chain = open(&self.storage, &self.genesis, &self.config)?;
        if self.storage.commits() != 0 {
            return Err(damaged("opening wrote something"));
        }
        Ok(result?)
    }
}

fn open(
    storage: &FailingStorage,
    genesis: &Genesis,
    config: &Config,
) -> Result<Chain<FailingStorage>, ChainError> {
    let clock = Arc::new(|| Timestamp(0));
    Chain::open(storage.clone(), genesis, config.clone(), clock)
}

fn damaged(what: impl Into<String>) -> SubjectError {
    SubjectError::Damaged(what.into())
}

impl Subject for Merging {
    fn name(&self) -> &str {
        "core in memory that fails"
    }

    fn add_block(&mut self, block: &Block) -> Result<BlockResult, SubjectError> {
        let before = self.chain.tip()?.height;
        let added = self.write(
            |chain| chain.add_block(block),
            |chain| chain.rewind_to(before).map(|_| ()),
        )?;
        Ok(BlockResult {
            receipts: added.receipts,
            state_diff: added.state_diff,
            fees: added.fees,
            reward: added.reward,
            digest: added.tip.digest,
        })
    }

    fn rewind_to(&mut self, height: Height) -> Result<(), SubjectError> {
        let tip = self.chain.tip()?.height;
        let blocks = (height.0 + 1..=tip.0)
            .map(|height| self.chain.block(Height(height)))
            .collect::<Result<Option<Vec<Block>>, _>>()?
            .ok_or_else(|| damaged("a block below the tip is missing"))?;
        self.write(
            |chain| chain.rewind_to(height).map(|_| ()),
            |chain| {
                blocks
                    .iter()
                    .try_for_each(|block| chain.add_block(block).map(|_| ()))
            },
        )
    }

    fn reopen(&mut self) -> Result<(), SubjectError> {
        self.chain = open(&self.storage, &self.genesis, &self.config)?;
        Ok(())
    }

    fn world(&self) -> Result<World, SubjectError> {
        lockstep_sim::subject::world(&self.chain)
    }

    fn stored(&self, height: Height) -> Result<Option<StoredBlock>, SubjectError> {
        Ok(self.chain.block(height)?.zip(self.chain.receipts(height)?))
    }

    fn bytes_kept(&self) -> Result<blake3::Hash, SubjectError> {
        lockstep_sim::subject::bytes_kept(&self.storage)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lockstep_harness::choice::Seeded;

    fn bytes(run: u64) -> Vec<u8> {
        let mut choices = Seeded::new(0, run);
        (0..200)
            .map(|_| u8::try_from(choices.below(256)).expect("a byte is below 256"))
            .collect()
    }

    #[test]
    fn core_merges_all_or_nothing() {
        for run in 0..40 {
            merge_invariants(&bytes(run));
        }
    }

    #[test]
    #[should_panic(expected = "makes-sense is violated")]
    fn a_commit_that_is_made_in_part_is_found() {
        for run in 0..40 {
            merges_all_or_nothing(&bytes(run), true);
        }
    }

    /// The operation of a ledger that is committed twice, or never, or says nothing of a failure.
    fn write(
        fault: Option<Fault>,
        operation: impl Fn(&Chain<FailingStorage>) -> Result<(), ChainError>,
    ) -> Result<(), SubjectError> {
        let recipe = lockstep_sim::scenario::GenesisRecipe {
            network: lockstep_sim::scenario::NetworkName::Devnet,
            reward: 1,
            native_limit: u64::MAX,
            max_block_bytes: 1_000,
            balances: Vec::new(),
        };
        let genesis = lockstep_sim::scenario::build::genesis(&recipe, &mut Default::default());
        let config = Config::for_network(genesis.rules.network);
        let storage = FailingStorage::new(false);
        let mut merging = Merging::new(&genesis, config, storage, vec![fault])?;
        merging.write(operation, |_| Ok(()))
    }

    fn put(chain: &Chain<FailingStorage>, key: u8) -> Result<(), StorageError> {
        use lockstep_core::storage::{Batch, Storage as _, Table};
        let mut batch = Batch::new();
        batch.put(Table::Records, vec![key], vec![1]);
        let storage = chain.storage();
        let mut storage = storage.write().expect("no thread panics with it");
        storage.commit(&batch)
    }

    #[test]
    fn one_commit_is_no_finding() {
        assert_eq!(write(None, |chain| Ok(put(chain, 1)?)), Ok(()));
        assert_eq!(write(Some(Fault::Full), |chain| Ok(put(chain, 1)?)), Ok(()));
    }

    #[test]
    fn two_commits_are_found() {
        let twice = write(None, |chain| {
            put(chain, 1)?;
            Ok(put(chain, 2)?)
        });
        assert_eq!(twice, Err(damaged("it took 2 commits, and 1 has to do")));
    }

    #[test]
    fn a_ledger_that_is_begun_again_is_found() {
        use lockstep_core::storage::{Batch, Storage as _, Table};
        let emptied = write(None, |chain| {
            let storage = chain.storage();
            let mut storage = storage.write().expect("no thread panics with it");
            let mut batch = Batch::new();
            for table in Table::ALL {
                for (key, _) in storage.scan(table, &[], usize::MAX)? {
                    batch.delete(table, key);
                }
            }
            Ok(storage.commit(&batch)?)
        });
        assert_eq!(emptied, Err(damaged("opening wrote something")));
    }

    #[test]
    fn a_failure_of_which_nothing_is_said_is_found() {
        let silent = write(Some(Fault::Commit), |chain| {
            let _ = put(chain, 1);
            Ok(())
        });
        assert_eq!(silent, Err(damaged("a call failed, and nothing was said")));
    }

    #[test]
    fn a_first_commit_that_stays_where_the_second_fails_is_found() {
        let partly = write(Some(Fault::Call(1)), |chain| {
            put(chain, 1)?;
            Ok(put(chain, 2)?)
        });
        assert_eq!(
            partly,
            Err(damaged("a call failed, and something was written"))
        );
    }
}
