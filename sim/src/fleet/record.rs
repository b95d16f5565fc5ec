//! The lines that a campaign writes and `lockstep merge` reads.

use std::collections::BTreeMap;
use std::io;

use lockstep_harness::exit::ExitCode;
use serde::{Deserialize, Serialize};

use crate::campaign::{Cases, Ended, Finding, Plan, Summary, Verdict};
use crate::canary::Defect;
use crate::generate::Profile;
use lockstep_harness::violation::Failure;

use super::signature;

/// One line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Record {
    /// A run that ended.
    Run(RunRecord),
    /// The last line of a campaign.
    Verdict(Box<VerdictRecord>),
}

/// A run that ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunRecord {
    /// Its seed.
    pub seed: u64,
    /// Which run of the seed.
    pub run: u64,
    /// The shard that did it, as "k/n".
    pub shard: String,
    /// What the campaign is about.
    pub profile: String,
    /// What was drawn.
    pub drawn: String,
    /// Blocks that were taken.
    pub blocks: u64,
    /// Transactions in them.
    pub transactions: u64,
    /// Those of them that were applied.
    pub applied: u64,
    /// How often it was done again and compared.
    pub again: u64,
    /// The hash of everything that was observed, where it ended well.
    pub observed: Option<String>,
    /// The signature of what was found, or how the machine failed.
    pub failure: Option<String>,
    /// Milliseconds since the campaign began. Differs each time.
    pub elapsed_ms: u64,
    /// Which build did it.
    pub build: String,
}

/// How a campaign, or its shard, ended: all that is needed to merge it with others.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerdictRecord {
    /// In a word.
    pub verdict: String,
    /// The exit code of the process.
    pub exit_code: ExitCode,
    /// In a few lines.
    pub detail: String,
    /// The seed of all runs, or "A..B" for the first run of each of these seeds.
    pub seeds: String,
    /// What the campaign is about.
    pub profile: String,
    /// Which shard this is, as "k/n".
    pub shard: String,
    /// What was added to the hash seeds.
    pub hash_seed: u64,
    /// How many runs it had.
    pub runs: u64,
    /// How often one of them was done again and compared.
    pub again: u64,
    /// Blocks that were taken.
    pub blocks: u64,
    /// Transactions in them.
    pub transactions: u64,
    /// Those of them that were applied.
    pub applied: u64,
    /// How often what was reached.
    pub events: BTreeMap<String, u64>,
    /// The planted defects that the judge saw.
    pub canaries: Vec<String>,
    /// What was found, one of each kind.
    pub findings: Vec<FindingRecord>,
    /// The hash of everything that was observed.
    pub digest: String,
    /// How long it took, in milliseconds. Differs each time.
    pub elapsed_ms: u64,
    /// Which build did it.
    pub build: String,
}

/// One kind of finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FindingRecord {
    /// What makes findings the same.
    pub signature: String,
    /// The exit code that it stands for.
    pub exit_code: ExitCode,
    /// In how many runs it was found.
    pub times: u64,
    /// The first of them: its seed.
    pub seed: u64,
    /// And which run of the seed.
    pub run: u64,
    /// What was wrong there.
    pub detail: String,
    /// Where the small reproducer is, if there is one.
    pub reproducer: Option<String>,
    /// Where the whole run is, if it could be written.
    pub whole: Option<String>,
    /// What shrinking came to.
    pub shrunk: Option<String>,
    /// Transactions in the smallest of them.
    pub size: u64,
}

impl RunRecord {
    /// The record of a run.
    #[must_use]
    pub fn new(
        plan: &Plan,
        profile: &Profile,
        ended: &Ended,
        elapsed_ms: u64,
        build: &str,
    ) -> Self {
        RunRecord {
            seed: ended.case.seed,
            run: ended.case.run,
            shard: plan.shard.to_string(),
            profile: plan.preset.to_string(),
            drawn: profile.to_string(),
            blocks: ended.tally.blocks,
            transactions: ended.tally.transactions,
            applied: ended.tally.applied,
            again: ended.again,
            observed: ended.outcome.as_ref().ok().map(ToString::to_string),
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
    /// The record of a campaign. `findings` has what was written down about each.
    #[must_use]
    pub fn new(
        plan: &Plan,
        summary: &Summary,
        findings: Vec<FindingRecord>,
        elapsed_ms: u64,
        build: &str,
    ) -> Self {
        let tally = &summary.tally;
        VerdictRecord {
            verdict: summary.verdict.name().to_owned(),
            exit_code: summary.verdict.exit_code(),
            detail: summary.verdict.to_string(),
            seeds: match &plan.cases {
                Cases::OfSeed(seed) => seed.to_string(),
                Cases::Seeds(seeds) => format!("{}..{}", seeds.start, seeds.end),
                Cases::One(case) => format!("{} run {}", case.seed, case.run),
            },
            profile: plan.preset.to_string(),
            shard: plan.shard.to_string(),
            hash_seed: plan.hash_seed,
            runs: summary.runs,
            again: summary.again,
            blocks: tally.blocks,
            transactions: tally.transactions,
            applied: tally.applied,
            events: tally
                .events()
                .map(|(event, count)| (event.to_owned(), count))
                .collect(),
            canaries: match summary.verdict {
                Verdict::Blind { .. } => Vec::new(),
                _ => canaries(),
            },
            findings,
            digest: summary.digest.to_string(),
            elapsed_ms,
            build: build.to_owned(),
        }
    }
}

impl FindingRecord {
    /// The record of a finding of which nothing was written down yet.
    #[must_use]
    pub fn new(finding: &Finding) -> Self {
        FindingRecord {
            signature: signature(&finding.violation),
            exit_code: finding.violation.exit_code,
            times: finding.times,
            seed: finding.case.seed,
            run: finding.case.run,
            detail: finding.to_string(),
            reproducer: None,
            whole: None,
            shrunk: None,
            size: finding.reproducer.scenario.transactions() as u64,
        }
    }
}

/// The defects that are planted in every campaign, by name: the canaries, and a process that dies.
#[must_use]
pub fn canaries() -> Vec<String> {
    Defect::ALL
        .iter()
        .map(|defect| format!("{defect:?}"))
        .chain([PROCESS_DIES.to_owned()])
        .collect()
}

/// The planted defect of a process that dies in the middle of a run.
pub const PROCESS_DIES: &str = "ProcessDies";

/// Which build this is: what `LOCKSTEP_BUILD` said when it was compiled (a commit, say), or the
/// version and the first half of the hash of the program's own file.
///
/// # Errors
///
/// Where the program's file cannot be read.
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
