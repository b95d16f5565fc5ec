//! How soon which engine finds which defect of the [`specimen`](crate::specimen).
//!
//! A harness is worth what it catches. Engines get drawn scenarios, one after the other, until they
//! accuse. All but the plain one get the same, those of the harness; what differs is how they judge
//! them.

use std::collections::BTreeMap;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use lockstep_core::codec;
use lockstep_core::model::{Block, Cell, Height, Value};

use crate::choice::{Choices, Seeded};
use crate::generate::{self, Size};
use crate::oracle::Oracle;
use crate::scenario::build::{self, Keys};
use crate::scenario::{
    Action, BlockRecipe, GenesisRecipe, Holding, NetworkName, Scenario, Sending, Step,
    TransactionRecipe,
};
use crate::shrink::shrink;
use crate::specimen::{Defect, Specimen};
use crate::subject::{Subject, SubjectError};
use crate::tally::Tally;
use crate::trial::{self, Failure};
use crate::world::World;

/// Who judges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// The harness: the oracle and all invariants, after every step.
    Trial,
    /// The balances at the end, against the oracle's, over the scenarios of the harness.
    Balances,
    /// What a property test does: random transfers that can be paid, and the balances at the end,
    /// against the oracle's.
    Plain,
    /// What an executor's own tests do: the executor against itself, another time.
    Itself,
}

impl Engine {
    /// Every one.
    pub const ALL: [Engine; 4] = [
        Engine::Trial,
        Engine::Balances,
        Engine::Plain,
        Engine::Itself,
    ];

    /// Its name, in lower case.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Engine::Trial => "trial",
            Engine::Balances => "balances",
            Engine::Plain => "plain",
            Engine::Itself => "itself",
        }
    }

    /// The engine of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Engine> {
        Engine::ALL.into_iter().find(|engine| engine.name() == name)
    }

    /// Of what it accuses the specimen in this scenario: the name of an invariant, or what stands
    /// for one.
    ///
    /// # Errors
    ///
    /// Where the machine failed.
    pub fn accuses(
        self,
        scenario: &Scenario,
        defect: Option<Defect>,
    ) -> Result<Option<String>, String> {
        match self {
            Engine::Trial => in_trial(scenario, defect),
            Engine::Balances | Engine::Plain => {
                let (first, expected) = both(scenario, defect);
                Ok(first.map_or_else(Some, |seen| {
                    (balances(seen.as_ref()) != balances(expected.as_ref()))
                        .then(|| "balances differ".to_owned())
                }))
            }
            Engine::Itself => {
                let (first, second) = (both(scenario, defect).0, both(scenario, defect).0);
                Ok(match (first, second) {
                    (Err(reason), _) | (_, Err(reason)) => Some(reason),
                    (Ok(first), Ok(second)) => {
                        (first != second).then(|| "two runs differ".to_owned())
                    }
                })
            }
        }
    }
}

impl fmt::Display for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// What a search came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Search {
    /// How many scenarios were judged, the one that accuses included.
    pub runs: u64,
    /// What was found, if anything.
    pub found: Option<Found>,
}

/// An accusation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// What named it.
    pub invariant: String,
    /// Where it showed first.
    pub scenario: Scenario,
}

/// The scenario that an engine judges in one run: small, for most of what can go wrong takes two
/// transactions.
#[must_use]
pub fn scenario(engine: Engine, seed: u64, run: u64) -> Scenario {
    let mut choices = Seeded::new(seed, run);
    match engine {
        Engine::Plain => plain(&mut choices),
        _ => generate::scenario(&mut choices, Size::SMALL).1,
    }
}

/// As large as a small one of the generator, and without any of the trouble that it looks for:
/// transfers among a few rich accounts, each with the nonce that comes next.
fn plain(choices: &mut impl Choices) -> Scenario {
    const ACCOUNTS: u32 = 5;
    const MINER: u32 = 9;
    let mut nonces = [0; ACCOUNTS as usize];
    let account = |choices: &mut dyn FnMut(u64) -> u64| {
        u32::try_from(choices(u64::from(ACCOUNTS))).expect("there are few accounts")
    };
    let mut below = |bound| choices.below(bound);
    let mut steps = Vec::new();
    for _ in 0..Size::SMALL.blocks {
        let mut transactions = Vec::new();
        for _ in 0..Size::SMALL.transactions {
            let (from, to) = (account(&mut below), account(&mut below));
            let nonce = &mut nonces[from as usize];
            transactions.push(TransactionRecipe {
                from,
                nonce: *nonce,
                fee: below(10),
                action: Action::Send(vec![Sending(to, 0, 1 + below(100))]),
                cosigners: Vec::new(),
                flaw: None,
            });
            *nonce += 1;
        }
        steps.push(Step::Block(BlockRecipe {
            miner: MINER,
            later_ms: 1_000,
            flaw: None,
            transactions,
        }));
    }
    Scenario {
        genesis: GenesisRecipe {
            network: NetworkName::Devnet,
            reward: 5,
            native_limit: u64::MAX,
            max_block_bytes: 1 << 20,
            balances: (0..ACCOUNTS)
                .map(|account| Holding(account, 0, 1_000_000))
                .collect(),
        },
        hash_seed: 0,
        steps,
    }
}

/// Lets an engine judge the scenarios of a seed until it accuses, at most `runs`, and as long as
/// `goes_on` says so.
///
/// # Errors
///
/// Where the machine failed.
pub fn search(
    engine: Engine,
    defect: Option<Defect>,
    seed: u64,
    runs: u64,
    goes_on: &dyn Fn() -> bool,
) -> Result<Search, String> {
    let mut done = 0;
    while done < runs && goes_on() {
        let scenario = scenario(engine, seed, done);
        done += 1;
        if let Some(invariant) = engine.accuses(&scenario, defect)? {
            return Ok(Search {
                runs: done,
                found: Some(Found {
                    invariant,
                    scenario,
                }),
            });
        }
    }
    Ok(Search {
        runs: done,
        found: None,
    })
}

/// The smallest scenario in which the engine accuses of the same, with at most `budget` tries.
#[must_use]
pub fn shrunk(engine: Engine, defect: Option<Defect>, found: &Found, budget: u64) -> Scenario {
    let judge = |candidate: &Scenario| engine.accuses(candidate, defect).ok().flatten();
    shrink(&found.scenario, &found.invariant, budget, &judge).scenario
}

fn in_trial(scenario: &Scenario, defect: Option<Defect>) -> Result<Option<String>, String> {
    let outcome = trial::run(
        scenario,
        &|genesis, _| {
            Ok(vec![
                Box::new(Specimen::new(genesis, defect)?) as Box<dyn Subject>
            ])
        },
        &mut Tally::default(),
    );
    match outcome {
        Ok(_) => Ok(None),
        Err(Failure::Violation(violation)) => Ok(Some(violation.invariant)),
        Err(Failure::Infrastructure(reason)) => Err(reason),
    }
}

/// What the specimen, or else what went wrong with it, and what the oracle makes of a scenario;
/// nothing where there can be no such ledger. What is refused by whom is not looked at.
fn both(
    scenario: &Scenario,
    defect: Option<Defect>,
) -> (Result<Option<World>, String>, Option<World>) {
    let mut keys = Keys::default();
    let genesis = build::genesis(&scenario.genesis, &mut keys);
    let Ok(mut oracle) = Oracle::new(&genesis) else {
        return (Ok(None), None);
    };
    let mut specimen = match Specimen::new(&genesis, defect) {
        Ok(specimen) => specimen,
        Err(error) => return (Err(error.to_string()), None),
    };
    let mut blocks: Vec<Block> = Vec::new();
    let mut undone: Vec<Block> = Vec::new();
    for step in &scenario.steps {
        let arriving = match step {
            Step::Block(recipe) => {
                let bytes = build::block(recipe, &genesis.rules, oracle.world(), &mut keys);
                codec::decode_block(&bytes, u64::MAX).into_iter().collect()
            }
            Step::Reapply => std::mem::take(&mut undone),
            Step::Rewind(depth) => {
                let depth = usize::try_from(*depth).map_or(blocks.len(), |d| d.min(blocks.len()));
                let target = blocks.len() - depth;
                undone = blocks.split_off(target);
                let height = Height(target as u64);
                if let Err(error) = specimen.rewind_to(height) {
                    return (Err(error.to_string()), None);
                }
                oracle
                    .rewind_to(height)
                    .expect("no more blocks are undone than there are");
                continue;
            }
            Step::Reopen | Step::Fault(_) => continue,
        };
        for block in arriving {
            if oracle.add_block(&block).is_ok() {
                blocks.push(block.clone());
                undone.clear();
            }
            // A panic that nobody catches fails a test as well.
            match catch_unwind(AssertUnwindSafe(|| specimen.add_block(&block))) {
                Ok(Ok(_) | Err(SubjectError::Refused(_))) => {}
                Ok(Err(error)) => return (Err(error.to_string()), None),
                Err(_) => return (Err("it panicked".to_owned()), None),
            }
        }
    }
    let seen = specimen.world().map_err(|error| error.to_string());
    (seen.map(Some), Some(oracle.world().clone()))
}

fn balances(world: Option<&World>) -> BTreeMap<Cell, u64> {
    let newest = world
        .into_iter()
        .flat_map(|world| &world.cells)
        .filter_map(|(cell, versions)| match versions.last()?.value {
            Value::Balance(amount) if !amount.is_zero() => Some((*cell, amount.0)),
            _ => None,
        });
    newest.collect()
}
