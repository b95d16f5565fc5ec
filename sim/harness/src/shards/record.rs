//! Records: the lines that a campaign writes and a merge reads.

use std::collections::BTreeMap;
use std::io;

use serde::{Deserialize, Serialize};

use crate::campaign::{self, Ended, Finding, Plan, RunId, Summary};
use crate::coverage::Coverage;
use crate::exit::ExitCode;
use crate::signature::signature;
use crate::violation::{Failure, Violation};

/// One line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Record {
    /// A run that ended.
    Run(RunRecord),
    /// A finding, before it is shrunk. The verdict has it again, with the result of shrinking.
    Finding(FindingRecord),
    /// The last line of a campaign.
    Verdict(Box<VerdictRecord>),
}

/// A run that ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunRecord {
    /// Its seed.
    pub seed: u64,
    /// Its number within the seed.
    pub run: u64,
    /// The shard that did it, as "k/n".
    pub shard: String,
    /// The focus of the campaign; `default` for all of its system.
    #[serde(rename = "preset")]
    pub focus: String,
    /// Parameters of the scenario that was drawn, in words.
    pub scenario: String,
    /// The quantities of its coverage, each a field of the record.
    #[serde(flatten)]
    pub totals: BTreeMap<String, u64>,
    /// Number of repetitions that were compared.
    pub repetitions: u64,
    /// The hash of everything that was observed, where it ended well.
    pub digest: Option<String>,
    /// The signature of the finding, or the failure of the machine.
    pub failure: Option<String>,
    /// Milliseconds since the campaign began. Differs each time.
    pub elapsed_ms: u64,
    /// The build that executed it.
    pub build: String,
}

/// Verdict of a campaign, or of its shard: all that is needed to merge it with others.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerdictRecord {
    /// The verdict in a word.
    pub verdict: String,
    /// The exit code of the process.
    pub exit_code: ExitCode,
    /// The verdict in a few lines.
    pub detail: String,
    /// The seed of all runs, or "A..B" for the first run of each of these seeds.
    pub seeds: String,
    /// The system under test; records of before it was written are of ledgers.
    #[serde(default = "ledger")]
    pub system: String,
    /// The focus of the campaign; `default` for all of its system.
    #[serde(rename = "preset")]
    pub focus: String,
    /// The shard, as "k/n".
    pub shard: String,
    /// The number that was added to the hash seeds.
    pub hash_seed: u64,
    /// Number of runs.
    pub runs: u64,
    /// Number of repetitions of runs that were compared.
    pub repetitions: u64,
    /// The quantities of its coverage, each a field of the record.
    #[serde(flatten)]
    pub totals: BTreeMap<String, u64>,
    /// Number of events of each coverage point that was reached.
    pub coverage: BTreeMap<String, u64>,
    /// Ids of the seeded bugs that its self-check detected.
    pub seeded_bugs: Vec<String>,
    /// One finding of each kind.
    pub findings: Vec<FindingRecord>,
    /// The hash of everything that was observed.
    pub digest: String,
    /// Time that it took, in milliseconds. Differs each time.
    pub elapsed_ms: u64,
    /// The build that executed it.
    pub build: String,
}

/// One kind of finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FindingRecord {
    /// Signature: findings that share it are of one kind.
    pub signature: String,
    /// The exit code that it stands for.
    pub exit_code: ExitCode,
    /// Number of runs in which it was found.
    pub runs: u64,
    /// Seed of the first of them.
    pub seed: u64,
    /// Number of the first of them within its seed.
    pub run: u64,
    /// The violation in the first of them.
    pub detail: String,
    /// Path of the small reproducer, if there is one.
    pub reproducer: Option<String>,
    /// Path of the unshrunk reproducer, if it could be written.
    pub unshrunk: Option<String>,
    /// Result of shrinking, on one line.
    pub shrunk: Option<String>,
    /// Size of the smallest of them, in what its system counts: transactions.
    pub size: u64,
}

impl RunRecord {
    /// The record of a run.
    #[must_use]
    pub fn new(
        plan: &Plan,
        focus: &str,
        scenario: String,
        ended: &Ended,
        elapsed_ms: u64,
        build: &str,
    ) -> Self {
        RunRecord {
            seed: ended.run.seed,
            run: ended.run.run,
            shard: plan.shard.to_string(),
            focus: focus.to_owned(),
            scenario,
            totals: totals(&ended.coverage),
            repetitions: ended.repeated,
            digest: ended.outcome.as_ref().ok().map(ToString::to_string),
            failure: match &ended.outcome {
                Ok(_) => None,
                Err(Failure::Violation(violation)) => Some(signature(violation)),
                Err(Failure::Infrastructure(reason)) => Some(reason.clone()),
            },
            elapsed_ms,
            build: build.to_owned(),
        }
    }
}

impl VerdictRecord {
    /// The record of a campaign of a system, with a focus. `findings` has what was written down about
    /// each.
    #[must_use]
    #[expect(clippy::too_many_arguments, reason = "each is a field")]
    pub fn new<C>(
        plan: &Plan,
        system: &str,
        focus: &str,
        hash_seed: u64,
        summary: &Summary<C>,
        findings: Vec<FindingRecord>,
        elapsed_ms: u64,
        build: &str,
    ) -> Self {
        let coverage = &summary.coverage;
        VerdictRecord {
            verdict: summary.verdict.name().to_owned(),
            exit_code: summary.verdict.exit_code(),
            detail: summary.verdict.to_string(),
            seeds: plan.runs.to_string(),
            system: system.to_owned(),
            focus: focus.to_owned(),
            shard: plan.shard.to_string(),
            hash_seed,
            runs: summary.runs,
            repetitions: summary.repeated,
            totals: totals(coverage),
            coverage: coverage
                .events()
                .map(|(event, count)| (event.to_owned(), count))
                .collect(),
            seeded_bugs: summary.self_checks.clone(),
            findings,
            digest: summary.digest.to_string(),
            elapsed_ms,
            build: build.to_owned(),
        }
    }
}

impl FindingRecord {
    /// The record of a finding of which nothing was written down yet, and of its size.
    #[must_use]
    pub fn new<C>(finding: &Finding<C>, size: u64) -> Self {
        FindingRecord {
            runs: finding.times,
            ..FindingRecord::first(finding.run, &finding.violation, size)
        }
    }

    /// The record of a finding that has just been found.
    #[must_use]
    pub fn first(run: RunId, violation: &Violation, size: u64) -> Self {
        FindingRecord {
            signature: signature(violation),
            exit_code: violation.exit_code(),
            runs: 1,
            seed: run.seed,
            run: run.run,
            detail: campaign::describe(run, violation),
            reproducer: None,
            unshrunk: None,
            shrunk: None,
            size,
        }
    }
}

fn ledger() -> String {
    "ledger".to_owned()
}

fn totals(coverage: &Coverage) -> BTreeMap<String, u64> {
    let totals = coverage.totals();
    totals
        .map(|(quantity, amount)| (quantity.to_owned(), amount))
        .collect()
}

/// Name of this build: the value of `LOCKSTEP_BUILD` when it was compiled (a commit, say), or the
/// version and the first half of the hash of the program's own file.
///
/// # Errors
///
/// [`io::Error`] if the program's file cannot be read.
pub fn build() -> io::Result<String> {
    if let Some(build) = option_env!("LOCKSTEP_BUILD") {
        return Ok(build.to_owned());
    }
    let mut hasher = blake3::Hasher::new();
    let mut file = std::fs::File::open(std::env::current_exe()?)?;
    io::copy(&mut file, &mut hasher)?;
    let hash = hasher.finalize();
    let short = hex::encode(&hash.as_bytes()[..8]);
    Ok(format!("{}-{short}", env!("CARGO_PKG_VERSION")))
}
