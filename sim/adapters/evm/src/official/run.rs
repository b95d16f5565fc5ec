//! Execution of the chains of a folder, and the report of it.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use super::fixture::{Chain, ClaimedBlock, LeftOut, chains};
use crate::execution::{Contender, Execution};
use crate::reference;
use crate::roots;
use crate::state::State;

/// The worker counts on which a contender executes every block of two and more transactions.
pub const WORKERS: [usize; 5] = [1, 2, 3, 4, 8];

/// Counts of what was executed, what was left out and why, and the differences.
#[derive(Default, Debug)]
pub struct Report {
    /// Files read.
    pub files: usize,
    /// Chains executed.
    pub chains: usize,
    /// Blocks executed.
    pub blocks: usize,
    /// Blocks of two and more transactions among them.
    pub blocks_with_several: usize,
    /// Transactions executed.
    pub transactions: usize,
    /// Senders that are not named, and were recovered.
    pub recovered: usize,
    /// States after a chain compared account by account; of the others the root alone.
    pub states: usize,
    /// Executions by contenders.
    pub by_contenders: usize,
    /// Chains that were not executed.
    pub left_out: Vec<LeftOut>,
    /// Whatever was not as expected, at most one sentence a chain.
    pub differences: Vec<String>,
}

impl fmt::Display for Report {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "files         {}", self.files)?;
        writeln!(out, "chains        {}", self.chains)?;
        let several = self.blocks_with_several;
        writeln!(
            out,
            "blocks        {}, {several} of two and more transactions",
            self.blocks
        )?;
        let recovered = self.recovered;
        writeln!(
            out,
            "transactions  {}, {recovered} without a named sender",
            self.transactions
        )?;
        writeln!(
            out,
            "states        {}, of the other chains the root alone",
            self.states
        )?;
        writeln!(out, "contenders    {} executions", self.by_contenders)?;
        writeln!(out, "left out      {} chains", self.left_out.len())?;
        for LeftOut { name, reason } in &self.left_out {
            writeln!(out, "  {name}: {reason}")?;
        }
        writeln!(out, "differences   {}", self.differences.len())?;
        self.differences
            .iter()
            .try_for_each(|it| writeln!(out, "  {it}"))
    }
}

/// Executes every chain of every file under `folder` by the reference and by `contenders`.
///
/// # Errors
/// If a file cannot be read or is not a test in this format.
pub fn run(folder: &Path, contenders: &[&dyn Contender]) -> Result<Report, String> {
    let mut files = Vec::new();
    gather(folder, &mut files)?;
    files.sort();
    let mut report = Report::default();
    for file in files {
        let named = |error: String| format!("{}: {error}", file.display());
        let text = fs::read_to_string(&file).map_err(|error| named(error.to_string()))?;
        report.files += 1;
        for chain in chains(&text).map_err(named)? {
            match chain {
                Ok(chain) => report.judge(&chain, contenders),
                Err(left_out) => report.left_out.push(left_out),
            }
        }
    }
    Ok(report)
}

fn gather(folder: &Path, files: &mut Vec<PathBuf>) -> Result<(), String> {
    let named = |error: std::io::Error| format!("{}: {error}", folder.display());
    for entry in fs::read_dir(folder).map_err(named)? {
        let path = entry.map_err(named)?.path();
        if path.is_dir() {
            gather(&path, files)?;
        } else if path.extension().is_some_and(|end| end == "json") {
            files.push(path);
        }
    }
    Ok(())
}

impl Report {
    /// Executes one chain, and adds what came out.
    pub fn judge(&mut self, chain: &Chain, contenders: &[&dyn Contender]) {
        self.chains += 1;
        self.recovered += chain.recovered;
        if let Err(difference) = self.execute(chain, contenders) {
            self.differences
                .push(format!("{}: {difference}", chain.name));
        }
    }

    fn execute(&mut self, chain: &Chain, contenders: &[&dyn Contender]) -> Result<(), String> {
        let mut state = chain.before.clone();
        for claimed in &chain.blocks {
            let block = &claimed.block;
            let number = block.environment.number;
            let in_block = |difference: String| format!("block {number}: {difference}");
            self.blocks += 1;
            self.blocks_with_several += usize::from(block.transactions.len() > 1);
            self.transactions += block.transactions.len();
            let executed = reference::execute(&state, block);
            let executed = executed.map_err(|failure| in_block(failure.to_string()))?;
            as_claimed(claimed, &executed).map_err(in_block)?;
            for contender in contenders {
                self.compare(*contender, &state, claimed, &executed)
                    .map_err(in_block)?;
            }
            state = executed.state;
        }
        if let Some(expected) = &chain.after {
            self.states += 1;
            state.first_difference(expected).map_or(Ok(()), Err)?;
        }
        Ok(())
    }

    fn compare(
        &mut self,
        contender: &dyn Contender,
        before: &State,
        claimed: &ClaimedBlock,
        expected: &Execution,
    ) -> Result<(), String> {
        let block = &claimed.block;
        let is_alone = block.transactions.len() < 2;
        for workers in WORKERS
            .into_iter()
            .filter(|workers| !is_alone || *workers == 2)
        {
            self.by_contenders += 1;
            let named = |it: String| format!("{} on {workers} workers: {it}", contender.name());
            let executed = contender.execute(before, block, workers);
            let executed = executed.map_err(|failure| named(failure.to_string()))?;
            executed
                .first_difference(expected)
                .map_or(Ok(()), |it| Err(named(it)))?;
        }
        Ok(())
    }
}

/// Compares an execution with the claims of the header.
fn as_claimed(claimed: &ClaimedBlock, executed: &Execution) -> Result<(), String> {
    let claims = &claimed.claims;
    let rejected = executed
        .outcomes
        .iter()
        .position(|outcome| matches!(outcome, crate::execution::Outcome::Rejected(_)));
    if let Some(index) = rejected {
        return Err(format!(
            "transaction {index}: {:?}",
            executed.outcomes[index]
        ));
    }
    let gas: u64 = executed
        .outcomes
        .iter()
        .map(|outcome| outcome.gas_used())
        .sum();
    let differs = |name: &str, found: String, expected: String| {
        let is_equal = found == expected;
        let text = format!("{name} is {found}, and the header claims {expected}");
        if is_equal { Ok(()) } else { Err(text) }
    };
    differs("gas used", gas.to_string(), claims.gas_used.to_string())?;
    let (receipts, bloom) = roots::receipts(&claimed.block.transactions, &executed.outcomes);
    differs(
        "the bloom filter",
        bloom.to_string(),
        claims.bloom.to_string(),
    )?;
    if claimed.block.fork >= crate::block::Fork::Byzantium {
        let expected = claims.receipts_root.to_string();
        differs("the root of the receipts", receipts.to_string(), expected)?;
    }
    let root = roots::state_root(&executed.state);
    differs(
        "the state root",
        root.to_string(),
        claims.state_root.to_string(),
    )
}
