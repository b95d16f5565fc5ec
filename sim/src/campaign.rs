//! Many runs with one seed, and the verdict over all of them.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use lockstep_core::model::Hash;

use crate::canary::{Canary, Defect};
use crate::choice::Seeded;
use crate::faulty;
use crate::generate::{self, Profile, Size};
use crate::reproducer::Reproducer;
use crate::scenario::Scenario;
use crate::shrink::{self, Shrunk};
use crate::subject::{Core, Execution, Subject};
use crate::tally::Tally;
use crate::trial::{self, Failure, Violation};

/// What a campaign does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Decides everything that is drawn.
    pub seed: u64,
    /// At least so many blocks are taken.
    pub blocks: u64,
    /// At least so many transactions are in them.
    pub transactions: u64,
    /// Runs go on for so long, in place of the two above.
    pub duration: Option<Duration>,
    /// The first run; those before it are left out.
    pub first_run: u64,
    /// Runs at the most.
    pub most_runs: Option<u64>,
    /// Added to the hash seed of every run. No result depends on it.
    pub hash_seed: u64,
    /// Where the files of the ledgers are.
    pub folder: PathBuf,
    /// Every so many runs one is done twice and compared.
    pub twice_every: u64,
}

/// One run that ended, for whoever watches.
#[derive(Clone, Debug)]
pub struct RunReport<'r> {
    /// Which one.
    pub run: u64,
    /// What was drawn.
    pub profile: &'r Profile,
    /// What was reached in it.
    pub tally: &'r Tally,
    /// The hash of everything that was observed, or why there is none.
    pub outcome: Result<Hash, &'r Failure>,
}

/// Who watches a campaign.
pub trait Observer {
    /// A run begins.
    fn drawn(&mut self, run: u64, profile: &Profile);
    /// A run ended.
    fn ended(&mut self, report: &RunReport<'_>);
    /// How long the campaign has been going on.
    fn elapsed(&self) -> Duration;
}

/// How a campaign ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing was found, and everything that must be reached was.
    Passed,
    /// Something that must hold did not.
    Violated {
        /// In which run.
        run: u64,
        /// What.
        violation: Violation,
        /// The run, to be done again.
        reproducer: Box<Reproducer>,
    },
    /// A run that was done twice went two ways.
    NotDeterministic {
        /// Which run.
        run: u64,
        /// How the first and the second ended.
        outcomes: [String; 2],
    },
    /// A defect that was planted was not caught, or not by the invariant for it.
    Blind {
        /// Which defect.
        defect: Defect,
        /// What the judge said.
        said: String,
    },
    /// Things that must be reached were not.
    Vacuous {
        /// Which.
        missing: Vec<&'static str>,
    },
    /// The machine failed.
    Infrastructure {
        /// In which run.
        run: u64,
        /// In which way.
        reason: String,
    },
}

impl Verdict {
    /// The exit code of a process that ends so.
    #[must_use]
    pub const fn exit_code(&self) -> u8 {
        match self {
            Verdict::Passed => 0,
            Verdict::Violated { violation, .. } => violation.exit_code,
            Verdict::NotDeterministic { .. } | Verdict::Blind { .. } => 13,
            Verdict::Vacuous { .. } => 15,
            Verdict::Infrastructure { .. } => 20,
        }
    }

    /// One word for tables and records.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Verdict::Passed => "passed",
            Verdict::Violated { .. } => "violated",
            Verdict::NotDeterministic { .. } => "not deterministic",
            Verdict::Blind { .. } => "blind",
            Verdict::Vacuous { .. } => "vacuous",
            Verdict::Infrastructure { .. } => "infrastructure",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())?;
        match self {
            Verdict::Passed => Ok(()),
            Verdict::Violated { run, violation, .. } => write!(
                f,
                ": {} in run {run}, step {}, by {}\n  {}",
                violation.invariant, violation.step, violation.subject, violation.detail
            ),
            Verdict::NotDeterministic { run, outcomes } => write!(
                f,
                ": run {run} done twice ended in two ways\n  {}\n  {}",
                outcomes[0], outcomes[1]
            ),
            Verdict::Blind { defect, said } => write!(
                f,
                ": the planted defect {defect:?} must be caught by {}\n  {said}",
                defect.caught_by()
            ),
            Verdict::Vacuous { missing } => {
                write!(f, ": never reached: {}", missing.join(", "))
            }
            Verdict::Infrastructure { run, reason } => write!(f, ": in run {run}\n  {reason}"),
        }
    }
}

/// How a campaign ended and what it did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// How it ended.
    pub verdict: Verdict,
    /// How many runs it had, those that were done twice counted once.
    pub runs: u64,
    /// How many of them were done twice.
    pub twice: u64,
    /// What was reached.
    pub tally: Tally,
    /// The hash of everything that was observed.
    pub digest: Hash,
}

/// Runs a campaign: canaries first, then scenario after scenario on core in memory and core on a
/// redb file, until the plan is fulfilled or something is found.
pub fn run(plan: &Plan, observer: &mut impl Observer) -> Summary {
    let mut summary = Summary {
        verdict: Verdict::Passed,
        runs: 0,
        twice: 0,
        tally: Tally::default(),
        digest: Hash::ZERO,
    };
    if let Some(verdict) = blindness(plan) {
        summary.verdict = verdict;
        return summary;
    }
    let mut digest = blake3::Hasher::new();
    while !is_fulfilled(plan, &summary, observer) {
        let run = plan.first_run + summary.runs;
        match one_run(plan, run, summary.runs, &mut summary.twice, observer) {
            Ok((outcome, tally)) => {
                digest.update(&outcome.0);
                summary.tally.add(&tally);
                summary.runs += 1;
            }
            Err(verdict) => {
                summary.verdict = verdict;
                return summary;
            }
        }
    }
    summary.digest = Hash(digest.finalize().into());
    // A part of a campaign, chosen by hand, is not asked for everything.
    let is_whole = plan.most_runs.is_none() && plan.first_run == 0;
    let missing = summary.tally.missing(generate::Preset::Default);
    if summary.tally.applied == 0 {
        summary.verdict = Verdict::Vacuous {
            missing: vec!["an applied transaction"],
        };
    } else if is_whole && !missing.is_empty() {
        summary.verdict = Verdict::Vacuous { missing };
    }
    summary
}

fn is_fulfilled(plan: &Plan, summary: &Summary, observer: &impl Observer) -> bool {
    if plan.most_runs.is_some_and(|most| summary.runs >= most) {
        return true;
    }
    match plan.duration {
        Some(duration) => observer.elapsed() >= duration,
        None => {
            plan.most_runs.is_none()
                && summary.tally.blocks >= plan.blocks
                && summary.tally.transactions >= plan.transactions
        }
    }
}

fn one_run(
    plan: &Plan,
    run: u64,
    index: u64,
    twice: &mut u64,
    observer: &mut impl Observer,
) -> Result<(Hash, Tally), Verdict> {
    let (profile, mut scenario) =
        generate::scenario_with_faults(&mut Seeded::new(plan.seed, run), Size::CAMPAIGN);
    scenario.hash_seed ^= plan.hash_seed;
    observer.drawn(run, &profile);
    let mut tally = Tally::default();
    let outcome = on_core(&scenario, &plan.folder, &mut tally);
    observer.ended(&RunReport {
        run,
        profile: &profile,
        tally: &tally,
        outcome: outcome.as_ref().copied(),
    });
    if index.is_multiple_of(plan.twice_every.max(1))
        && !matches!(outcome, Err(Failure::Infrastructure(_)))
    {
        *twice += 1;
        let again = on_core(&scenario, &plan.folder, &mut Tally::default());
        if again != outcome {
            return Err(Verdict::NotDeterministic {
                run,
                outcomes: [format!("{outcome:?}"), format!("{again:?}")],
            });
        }
    }
    match outcome {
        Ok(observed) => Ok((observed, tally)),
        Err(Failure::Violation(violation)) => Err(Verdict::Violated {
            run,
            reproducer: Box::new(Reproducer::new(&violation.invariant, scenario)),
            violation,
        }),
        Err(Failure::Infrastructure(reason)) => Err(Verdict::Infrastructure { run, reason }),
    }
}

/// Runs one scenario on core executed in every way in memory, and on core in a redb file in this
/// folder, which is made anew.
///
/// # Errors
///
/// As [`trial::run`].
pub fn on_core(scenario: &Scenario, folder: &Path, tally: &mut Tally) -> Result<Hash, Failure> {
    on_some_of_core(scenario, folder, None, tally)
}

/// Shrinks a run that ended so on core. What comes out violates the same invariant, wherever.
///
/// Costs `budget` runs at the most, and two.
#[must_use]
pub fn shrink(scenario: &Scenario, violation: &Violation, folder: &Path, budget: u64) -> Shrunk {
    let shows = |candidate: &Scenario, only: Option<&str>| match on_some_of_core(
        candidate,
        folder,
        only,
        &mut Tally::default(),
    ) {
        Err(Failure::Violation(violation)) => Some(violation.invariant),
        _ => None,
    };
    let invariant = violation.invariant.as_str();
    // One subject is asked in an eighth of the time. It may need the others to be wrong, as two
    // that differ do, and then all of them are asked.
    let alone = Some(violation.subject.as_str());
    let mut spent = 0;
    if shows(scenario, alone).as_deref() == Some(invariant) {
        let shrunk = shrink::shrink(scenario, invariant, budget, &|candidate| {
            shows(candidate, alone)
        });
        if shows(&shrunk.scenario, None).as_deref() == Some(invariant) {
            return shrunk;
        }
        spent = shrunk.candidates;
    }
    let mut shrunk = shrink::shrink(
        scenario,
        invariant,
        budget.saturating_sub(spent),
        &|candidate| shows(candidate, None),
    );
    shrunk.candidates += spent;
    shrunk
}

/// As [`on_core`], on one subject only where one is named.
fn on_some_of_core(
    scenario: &Scenario,
    folder: &Path,
    only: Option<&str>,
    tally: &mut Tally,
) -> Result<Hash, Failure> {
    let file = folder.join("ledger.lockstep.redb");
    remove(&file)?;
    let outcome = trial::run(
        scenario,
        &|genesis, hash_seed| {
            let mut subjects: Vec<Box<dyn Subject>> = Vec::new();
            for execution in Execution::ALL {
                subjects.push(Box::new(Core::executed(execution, genesis, hash_seed)?));
            }
            // Nothing can go wrong with the others.
            if scenario.faults().next().is_some() {
                subjects.extend(faulty::subjects(genesis, hash_seed)?);
            }
            if let Some(only) = only {
                subjects.retain(|subject| subject.name() == only);
            }
            if only.is_none() || subjects.is_empty() {
                let on_disk = Core::in_file(&file, Execution::Serial, genesis, hash_seed)?;
                subjects.push(Box::new(on_disk));
            }
            Ok(subjects)
        },
        tally,
    );
    remove(&file)?;
    outcome
}

fn remove(file: &Path) -> Result<(), Failure> {
    match std::fs::remove_file(file) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(Failure::Infrastructure(
            format!("{}: {error}", file.display()),
        )),
        _ => Ok(()),
    }
}

/// Lets the judge look at every planted defect.
fn blindness(plan: &Plan) -> Option<Verdict> {
    Defect::ALL.into_iter().find_map(|defect| {
        let scenario = canary_scenario(plan.seed);
        let outcome = trial::run(
            &scenario,
            &|genesis, _| {
                let canary = Canary::new(genesis, defect)?;
                Ok(vec![Box::new(canary) as Box<dyn Subject>])
            },
            &mut Tally::default(),
        );
        match outcome {
            Err(Failure::Violation(violation)) if violation.invariant == defect.caught_by() => None,
            other => Some(Verdict::Blind {
                defect,
                said: format!("{other:?}"),
            }),
        }
    })
}

/// Two blocks of a transfer and a rewind, with amounts from the seed.
fn canary_scenario(seed: u64) -> Scenario {
    use crate::choice::Choices;
    use crate::scenario::{
        Action, BlockRecipe, GenesisRecipe, Holding, NetworkName, Sending, Step, TransactionRecipe,
    };
    let mut choices = Seeded::new(seed, u64::MAX);
    let mut block = |nonce| {
        Step::Block(BlockRecipe {
            miner: 2,
            later_ms: 1,
            flaw: None,
            transactions: vec![TransactionRecipe {
                from: 0,
                nonce,
                fee: choices.between(1, 9),
                action: Action::Send(vec![Sending(1, 0, choices.between(1, 99))]),
                cosigners: Vec::new(),
                flaw: None,
            }],
        })
    };
    Scenario {
        steps: vec![block(0), block(1), Step::Rewind(1)],
        genesis: GenesisRecipe {
            network: NetworkName::Devnet,
            reward: 5,
            native_limit: u64::MAX,
            max_block_bytes: 1 << 20,
            balances: vec![Holding(0, 0, 1_000)],
        },
        hash_seed: seed,
    }
}
