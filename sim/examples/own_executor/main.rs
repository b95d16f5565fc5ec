//! Tests an executor that is not part of Lockstep: the one of `ledger.rs`, in the place of yours.
//!
//! Everything that it takes is here: an adapter that implements `Subject`, and a few lines that run a
//! campaign. `docs/own-executor.md` explains them.
//!
//! ```sh
//! cargo run --release --example own_executor              # passes
//! cargo run --release --example own_executor -- careless  # ignores conflicts: a violation is found
//! cargo run --release --example own_executor -- stuck     # a round does not end: that is found as well
//! ```

mod ledger;

use std::process;

use lockstep_core::model::{Block, Genesis, Height};
use lockstep_harness::campaign::{Plan, Runs, Summary, Unwatched, run};
use lockstep_sim::campaign::{Ledgers, shrink_on};
use lockstep_sim::coverage::totals;
use lockstep_sim::generate::Preset;
use lockstep_sim::reproducer::Reproducer;
use lockstep_sim::scenario::Scenario;
use lockstep_sim::shrink::{BUDGET, Shrunk};
use lockstep_sim::subject::{StoredBlock, Subject, SubjectError};
use lockstep_sim::world::{BlockResult, World};

use ledger::{Ledger, SeededBug};

/// Adapter: the ledger as a subject of the harness.
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
            state_diff: added.state_diff,
            fees: added.fees,
            reward: added.reward,
            digest: self.0.tip().digest,
        })
    }

    fn rewind_to(&mut self, height: Height) -> Result<(), SubjectError> {
        self.0.rewind_to(height);
        Ok(())
    }

    // This ledger is in memory and stays there. One on a disk is closed and opened again here.
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

    // The hash is compared between subjects and between repetitions of a run. There is one subject here,
    // so the digest of the tip is enough.
    fn bytes_kept(&self) -> Result<blake3::Hash, SubjectError> {
        Ok(blake3::hash(&self.0.tip().digest.0))
    }
}

/// Creates the subjects of one run: one here, or several that are compared with each other.
fn subjects(
    genesis: &Genesis,
    bug: Option<SeededBug>,
) -> Result<Vec<Box<dyn Subject>>, SubjectError> {
    let ledger = Ledger::new(genesis, bug).map_err(SubjectError::Damaged)?;
    Ok(vec![Box::new(Adapter(ledger))])
}

/// Runs a campaign of `scenarios` scenarios, and shrinks the first finding.
fn campaign(scenarios: u64, bug: Option<SeededBug>) -> (Summary<Scenario>, Option<Shrunk>) {
    let factory = |genesis: &Genesis, _hash_seed| subjects(genesis, bug);
    let plan = Plan {
        repeat_every: 8,
        ..Plan::of(Runs::Seeds(0..scenarios))
    };
    let ledgers = Ledgers {
        // Conflicts, rejections, malformed blocks; blocks undone and replaced.
        preset: Preset::Reorg,
        hash_seed: 0,
        subjects: &factory,
    };
    let summary = run(&plan, &ledgers, &mut Unwatched);
    let shrunk = summary
        .verdict
        .findings()
        .first()
        .map(|finding| shrink_on(&finding.case, &finding.violation, &factory, BUDGET));
    (summary, shrunk)
}

fn main() -> process::ExitCode {
    let bug = match std::env::args().nth(1).as_deref() {
        Some("careless") => Some(SeededBug::IgnoresConflicts),
        Some("stuck") => Some(SeededBug::NeverEnds),
        _ => None,
    };
    let (summary, shrunk) = campaign(100, bug);
    let total = |of| summary.coverage.total(of);
    println!(
        "runs {}, blocks {}, transactions {}",
        summary.runs,
        total(totals::BLOCKS),
        total(totals::TRANSACTIONS)
    );
    println!("{}", summary.verdict);
    if let (Some(finding), Some(shrunk)) = (summary.verdict.findings().first(), shrunk) {
        let small = Reproducer::new(finding.violation.invariant.name, shrunk.smallest.clone());
        // The text is the whole reproducer: write it to a file, and replay it with `trial::run`.
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

    use super::{SeededBug, campaign};

    #[test]
    fn an_executor_that_respects_conflicts_passes() {
        let (summary, _) = campaign(12, None);
        assert_eq!(
            summary.verdict.exit_code(),
            ExitCode::Passed,
            "{}",
            summary.verdict
        );
    }

    #[test]
    fn an_executor_that_ignores_conflicts_is_detected_and_its_scenario_is_shrunk() {
        let (summary, shrunk) = campaign(12, Some(SeededBug::IgnoresConflicts));
        assert_eq!(
            summary.verdict.exit_code(),
            ExitCode::Violated,
            "{}",
            summary.verdict
        );
        let shrunk = shrunk.expect("a finding is shrunk");
        let transactions = shrunk.smallest.transactions();
        assert!((1..=3).contains(&transactions), "{shrunk}");
    }
}
