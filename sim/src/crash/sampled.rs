//! Many ledgers, and the power goes during everything that is asked of them.

use lockstep_core::model::Hash;

use crate::faulty;
use crate::generate::{self, Size, faults};
use crate::reproducer::Reproducer;
use crate::scenario::{Scenario, Step};
use crate::tally::Tally;
use crate::trial;
use lockstep_harness::choice::Seeded;
use lockstep_harness::violation::{Failure, Violation};

/// What came of many crashes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sampled {
    /// How many ledgers there were.
    pub runs: u64,
    /// What was reached.
    pub tally: Tally,
    /// The hash of everything that was observed.
    pub digest: Hash,
    /// How it ended.
    pub outcome: Result<(), Failed>,
}

/// A run that did not end well.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failed {
    /// A crash did what must not be.
    Found {
        /// In which run.
        run: u64,
        /// What does not hold.
        violation: Violation,
        /// The run.
        reproducer: Box<Reproducer>,
    },
    /// The machine failed.
    Infrastructure(String),
}

impl Sampled {
    /// How often the power went.
    #[must_use]
    pub fn crashes(&self) -> u64 {
        let events = self.tally.events();
        events
            .filter(|(event, _)| event.starts_with("crash: "))
            .map(|(_, count)| count)
            .sum()
    }

    /// What must happen in any number of crashes worth the name, and did not.
    #[must_use]
    pub fn missing(&self) -> Vec<&'static str> {
        REQUIRED
            .into_iter()
            .filter(|event| self.tally.of(event) == 0)
            .collect()
    }
}

const REQUIRED: [&str; 7] = [
    "crash: after the last call",
    "crash: again, while it was opened",
    "crash: in a sync",
    "crash: in a write",
    "failed: asked again",
    "failed: done though an error was answered",
    "lost: sectors of some",
];

/// Draws ledgers until so many blocks were taken, and lets the power go in each step of theirs.
/// `ended` is told of every run.
pub fn sampled(seed: u64, blocks: u64, mut ended: impl FnMut(u64, &Tally)) -> Sampled {
    let mut sampled = Sampled {
        runs: 0,
        tally: Tally::default(),
        digest: Hash::ZERO,
        outcome: Ok(()),
    };
    let mut digest = blake3::Hasher::new();
    while sampled.tally.blocks < blocks {
        let run = sampled.runs;
        let scenario = scenario(seed, run);
        let outcome = trial::run(&scenario, &faulty::subjects, &mut sampled.tally);
        ended(run, &sampled.tally);
        match outcome {
            Ok(observed) => digest.update(&observed.0),
            Err(Failure::Violation(violation)) => {
                let reproducer = Reproducer::new(&violation.invariant, scenario);
                sampled.outcome = Err(Failed::Found {
                    run,
                    violation,
                    reproducer: Box::new(reproducer),
                });
                return sampled;
            }
            Err(Failure::Infrastructure(reason)) => {
                sampled.outcome = Err(Failed::Infrastructure(reason));
                return sampled;
            }
        };
        sampled.runs += 1;
    }
    sampled.digest = Hash(digest.finalize().into());
    sampled
}

/// A campaign's scenario, with a crash in each step in place of what else goes wrong.
#[must_use]
pub fn scenario(seed: u64, run: u64) -> Scenario {
    let (_, mut scenario) = generate::scenario(&mut Seeded::new(seed, run), Size::CAMPAIGN);
    // Another stream, so that the crashes do not depend on how the scenario is drawn.
    let mut choices = Seeded::new(!seed, run);
    let steps = std::mem::take(&mut scenario.steps).into_iter();
    for step in steps {
        let crashes = faults::crashes(&mut choices).into_iter().map(Step::Fault);
        scenario.steps.extend(crashes);
        scenario.steps.push(step);
    }
    scenario
}
