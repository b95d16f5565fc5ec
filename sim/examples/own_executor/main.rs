//! Puts somebody's own executor on trial: the one of `ledger.rs`, which stands for yours.
//!
//! What it takes is here: the `impl Subject`, and a few lines that run a campaign.
//! `docs/own-executor.md` goes through it.
//!
//! ```sh
//! cargo run --release --example own_executor              # passes
//! cargo run --release --example own_executor -- careless  # ignores conflicts, and is found
//! ```

mod ledger;

use std::process;

use lockstep_core::model::{Block, Genesis, Height};
use lockstep_harness::campaign::{Plan, Runs, Summary, Unwatched, run};
use lockstep_sim::campaign::{self, Ledgers};
use lockstep_sim::coverage::totals;
use lockstep_sim::generate::Preset;
use lockstep_sim::reproducer::Reproducer;
use lockstep_sim::scenario::Scenario;
use lockstep_sim::shrink::{BUDGET, Shrunk};
use lockstep_sim::subject::{StoredBlock, Subject, SubjectError};
use lockstep_sim::world::{BlockResult, World};

use ledger::Ledger;

/// What the harness asks, answered by the ledger.
struct Adapter(Ledger);

impl Subject for Adapter {
    fn name(&self) -> &str {
        "rounds"
    }

    fn add_block(&mut self, block: &Block) -> Result<BlockResult, SubjectError> {
        let added = self.0.add(block).map_err(SubjectError::Refused)?;
        Ok(BlockResult {
            receipts: self
                .0
                .blocks
                .last()
                .map(|(_, all)| all.clone())
                .unwrap_or_default(),
            changes: added.changes,
            fees: added.fees,
            reward: added.reward,
            digest: self.0.tip().digest,
        })
    }

    fn rewind_to(&mut self, height: Height) -> Result<(), SubjectError> {
        self.0.rewind_to(height);
        Ok(())
    }

    // It is in memory and stays there. One on a disk is closed here, and opened again.
    fn reopen(&mut self) -> Result<(), SubjectError> {
        Ok(())
    }

    fn world(&self) -> Result<World, SubjectError> {
        let tip = self.0.tip();
        Ok(World {
            height: self.0.height(),
            hash: tip.hash,
            time: tip.time,
            digest: tip.digest,
            cells: self.0.cells.clone(),
        })
    }

    fn stored(&self, height: Height) -> Result<Option<StoredBlock>, SubjectError> {
        let index = usize::try_from(height.0)
            .ok()
            .and_then(|height| height.checked_sub(1));
        Ok(index.and_then(|index| self.0.blocks.get(index)).cloned())
    }

    // There is one subject, so nothing is compared with this, but for the same run done twice.
    fn bytes_kept(&self) -> Result<blake3::Hash, SubjectError> {
        Ok(blake3::hash(&self.0.tip().digest.0))
    }
}

/// Makes the subjects of one run: one here, and two or more if they are to be compared.
fn subjects(genesis: &Genesis, is_careless: bool) -> Result<Vec<Box<dyn Subject>>, SubjectError> {
    let ledger = Ledger::new(genesis, is_careless).map_err(SubjectError::Damaged)?;
    Ok(vec![Box::new(Adapter(ledger))])
}

/// Draws so many scenarios and judges each step of them; makes what is found small.
fn trial(scenarios: u64, is_careless: bool) -> (Summary<Scenario>, Option<Shrunk>) {
    let factory = |genesis: &Genesis, _hash_seed| subjects(genesis, is_careless);
    let plan = Plan {
        repeat_every: 8,
        ..Plan::of(Runs::Seeds(0..scenarios))
    };
    let ledgers = Ledgers {
        // All kinds of trouble, and blocks undone and done again.
        preset: Preset::Reorg,
        hash_seed: 0,
        subjects: &factory,
    };
    let summary = run(&plan, &ledgers, &mut Unwatched);
    let shrunk =
        summary.verdict.findings().first().map(|finding| {
            campaign::shrink_on(&finding.case, &finding.violation, &factory, BUDGET)
        });
    (summary, shrunk)
}

fn main() -> process::ExitCode {
    let is_careless = std::env::args().any(|argument| argument == "careless");
    let (summary, shrunk) = trial(100, is_careless);
    let taken = |of| summary.coverage.total(of);
    println!(
        "{} runs, {} blocks, {} transactions",
        summary.runs,
        taken(totals::BLOCKS),
        taken(totals::TRANSACTIONS)
    );
    println!("{}", summary.verdict);
    if let (Some(finding), Some(shrunk)) = (summary.verdict.findings().first(), shrunk) {
        let small = Reproducer::new(finding.violation.invariant.name, shrunk.smallest.clone());
        // The file says everything: write it, and run it again with `trial::run`.
        match small.to_text(&shrunk.to_string()) {
            Ok(text) => println!("{text}"),
            Err(error) => eprintln!("the reproducer cannot be written: {error}"),
        }
    }
    summary.verdict.exit_code().into()
}

#[cfg(test)]
mod tests {
    use lockstep_harness::exit::ExitCode;

    use super::trial;

    #[test]
    fn an_executor_that_heeds_conflicts_passes() {
        let (summary, _) = trial(12, false);
        assert_eq!(
            summary.verdict.exit_code(),
            ExitCode::Passed,
            "{}",
            summary.verdict
        );
    }

    #[test]
    fn an_executor_that_ignores_conflicts_is_found_and_what_it_did_is_made_small() {
        let (summary, shrunk) = trial(12, true);
        assert_eq!(
            summary.verdict.exit_code(),
            ExitCode::Violated,
            "{}",
            summary.verdict
        );
        let shrunk = shrunk.expect("what is found is shrunk");
        let transactions = shrunk.smallest.transactions();
        assert!((1..=3).contains(&transactions), "{shrunk}");
    }
}
