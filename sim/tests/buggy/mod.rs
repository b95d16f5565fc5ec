//! A small scenario with faults, and buggy ledgers that violate an invariant under it.

use lockstep_core::model::{Block, Genesis, Height, PublicKey, Refusal, Transaction};
use lockstep_sim::faulty::{Aftermath, Faulty, OnDisk, Template};
use lockstep_sim::scenario::{
    Action, BlockRecipe, Fault, GenesisRecipe, Holding, NetworkName, Scenario, Sending, Step,
    TransactionRecipe,
};
use lockstep_sim::subject::{Execution, StoredBlock, Subject, SubjectError};
use lockstep_sim::world::{BlockResult, World};

/// Four blocks, the third with these faults. Each has a transfer of each of three accounts, one
/// that is not covered, and a miner of its own.
pub(crate) fn scenario(faults: &[Fault]) -> Scenario {
    let transfer = |from: u32, nonce, amount| TransactionRecipe {
        from,
        nonce,
        fee: 1,
        action: Action::Send(vec![Sending((from + 1) % 3, 0, amount)]),
        cosigners: Vec::new(),
        flaw: None,
    };
    let block = |nonce: u32| {
        Step::Block(BlockRecipe {
            miner: 7 + nonce,
            later_ms: 1,
            flaw: None,
            transactions: vec![
                transfer(0, u64::from(nonce), 10),
                transfer(1, u64::from(nonce), 20),
                transfer(2, u64::from(nonce), 30),
                transfer(2, u64::from(nonce) + 1, 1_000_000),
            ],
        })
    };
    let mut steps: Vec<Step> = (0..4).map(block).collect();
    steps.splice(2..2, faults.iter().copied().map(Step::Fault));
    Scenario {
        genesis: GenesisRecipe {
            network: NetworkName::Devnet,
            reward: 5,
            native_limit: u64::MAX,
            max_block_bytes: 1 << 20,
            balances: (0..3).map(|account| Holding(account, 0, 1_000)).collect(),
        },
        hash_seed: 3,
        workers: None,
        steps,
    }
}

/// Seeded bug of a ledger that is otherwise correct.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LedgerBug {
    /// An aborted block is added after the recovery.
    DoneAfterAll,
    /// A failure of the storage is returned as a refusal of the block.
    FailureIsRefusal,
    /// The clock of template bodies stands still.
    ClockStandsStill,
    /// A block panics.
    PanicsOnABlock,
    /// The last receipt of a block is not returned.
    ReceiptLost,
    /// The last block is lost when the ledger is closed.
    LastBlockForgotten,
}

/// A ledger on a simulated disk with a bug.
pub(crate) struct BuggyLedger {
    inner: OnDisk,
    bug: LedgerBug,
    given_up: Option<Block>,
}

impl BuggyLedger {
    pub(crate) fn new(
        genesis: &Genesis,
        hash_seed: u64,
        bug: LedgerBug,
    ) -> Result<Self, SubjectError> {
        Ok(BuggyLedger {
            inner: OnDisk::new(Execution::Serial, genesis, hash_seed)?,
            bug,
            given_up: None,
        })
    }
}

impl Subject for BuggyLedger {
    fn name(&self) -> &str {
        "buggy"
    }

    fn add_block(&mut self, block: &Block) -> Result<BlockResult, SubjectError> {
        match (self.inner.add_block(block), self.bug) {
            (Err(error @ SubjectError::GivenUp(_)), LedgerBug::DoneAfterAll) => {
                self.given_up = Some(block.clone());
                Err(error)
            }
            (Err(SubjectError::Failed(_)), LedgerBug::FailureIsRefusal) => {
                let height = block.header.height;
                Err(SubjectError::Refused(Refusal::Height {
                    expected: height,
                    got: height,
                }))
            }
            (_, LedgerBug::PanicsOnABlock) => {
                panic!("a block with {} transactions", block.transactions.len())
            }
            (Ok(mut result), LedgerBug::ReceiptLost) => {
                result.receipts.pop();
                Ok(result)
            }
            (answer, _) => answer,
        }
    }

    fn rewind_to(&mut self, height: Height) -> Result<(), SubjectError> {
        self.inner.rewind_to(height)
    }

    fn reopen(&mut self) -> Result<(), SubjectError> {
        self.inner.reopen()?;
        if self.bug == LedgerBug::LastBlockForgotten {
            let height = self.inner.world()?.height;
            self.inner.rewind_to(Height(height.0.saturating_sub(1)))?;
        }
        Ok(())
    }

    fn world(&self) -> Result<World, SubjectError> {
        self.inner.world()
    }

    fn stored(&self, height: Height) -> Result<Option<StoredBlock>, SubjectError> {
        self.inner.stored(height)
    }

    fn bytes_kept(&self) -> Result<blake3::Hash, SubjectError> {
        self.inner.bytes_kept()
    }

    fn faulty(&mut self) -> Option<&mut dyn Faulty> {
        Some(self)
    }
}

impl Faulty for BuggyLedger {
    fn arm(&mut self, fault: Fault) -> bool {
        self.inner.arm(fault)
    }

    fn recover(&mut self) -> Result<Aftermath, SubjectError> {
        let aftermath = self.inner.recover()?;
        if let Some(block) = self.given_up.take() {
            self.inner.add_block(&block)?;
        }
        Ok(aftermath)
    }

    fn template(
        &mut self,
        transactions: &[Transaction],
        miner: PublicKey,
        jump_ms: i64,
    ) -> Result<Template, SubjectError> {
        let jump_ms = match self.bug {
            LedgerBug::ClockStandsStill => 0,
            _ => jump_ms,
        };
        self.inner.template(transactions, miner, jump_ms)
    }
}
