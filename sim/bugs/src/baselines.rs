//! The baselines: what a project has without the harness.

use std::collections::BTreeMap;

use lockstep_core::codec;
use lockstep_core::model::{Block, Cell, Height, Value};

use super::buggy_subject::BuggySubject;
use super::{Bug, Effort, Engine, Search, search_scenarios};
use lockstep_harness::choice::{Choices, Seeded};
use lockstep_harness::panic::catch_panic;
use lockstep_sim::generate::Size;
use lockstep_sim::oracle::Oracle;
use lockstep_sim::scenario::build::{self, Keys};
use lockstep_sim::scenario::{
    Action, BlockRecipe, GenesisRecipe, Holding, NetworkName, Scenario, Sending, Step,
    TransactionRecipe,
};
use lockstep_sim::subject::SubjectError;
use lockstep_sim::world::World;

/// The baseline `balances`: the scenarios of the harness, with only the final balances compared with the
/// oracle's.
pub(super) struct Balances;

/// The baseline `plain`: a property test of affordable transfers, with the final balances compared with the
/// oracle's.
pub(super) struct Plain;

/// The baseline `itself`: the executor compared with a second run of itself.
pub(super) struct Itself;

impl Engine for Balances {
    fn name(&self) -> &'static str {
        "balances"
    }

    fn sentence(&self) -> &'static str {
        "baseline: the scenarios of the harness, with only the final balances compared with the oracle's"
    }

    fn applies(&self, bug: &Bug) -> bool {
        without_faults(bug).is_some()
    }

    fn search(&self, bug: &Bug, seed: u64, effort: &Effort<'_>) -> Result<Search, String> {
        let buggy = must_be_there(bug)?;
        let drawn = |run| buggy.scenario(&mut Seeded::new(seed, run));
        search_scenarios(effort, drawn, move |scenario| {
            Ok(balances_differ(buggy, scenario))
        })
    }
}

impl Engine for Plain {
    fn name(&self) -> &'static str {
        "plain"
    }

    fn sentence(&self) -> &'static str {
        "baseline: a plain property test of affordable transfers, with the final balances compared \
         with the oracle's"
    }

    fn applies(&self, bug: &Bug) -> bool {
        // Its blocks are few and small.
        without_faults(bug).is_some_and(|buggy| buggy.needs().is_none())
    }

    fn search(&self, bug: &Bug, seed: u64, effort: &Effort<'_>) -> Result<Search, String> {
        let buggy = must_be_there(bug)?;
        let drawn = |run| plain(&mut Seeded::new(seed, run));
        search_scenarios(effort, drawn, move |scenario| {
            Ok(balances_differ(buggy, scenario))
        })
    }
}

impl Engine for Itself {
    fn name(&self) -> &'static str {
        "itself"
    }

    fn sentence(&self) -> &'static str {
        "baseline: the executor compared with a second run of itself"
    }

    fn applies(&self, bug: &Bug) -> bool {
        without_faults(bug).is_some()
    }

    fn search(&self, bug: &Bug, seed: u64, effort: &Effort<'_>) -> Result<Search, String> {
        let buggy = must_be_there(bug)?;
        let drawn = |run| buggy.scenario(&mut Seeded::new(seed, run));
        search_scenarios(effort, drawn, move |scenario| {
            Ok(runs_differ(buggy, scenario))
        })
    }
}

fn without_faults(bug: &Bug) -> Option<BuggySubject> {
    BuggySubject::of(bug).filter(|buggy| buggy.needs_no_fault())
}

fn must_be_there(bug: &Bug) -> Result<BuggySubject, String> {
    without_faults(bug).ok_or_else(|| format!("no subject has {} without a fault", bug.id))
}

pub(super) fn balances_differ(buggy: BuggySubject, scenario: &Scenario) -> Option<String> {
    let (seen, expected) = both(buggy, scenario);
    seen.map_or_else(Some, |seen| {
        (balances(seen.as_ref()) != balances(expected.as_ref()))
            .then(|| "balances differ".to_owned())
    })
}

fn runs_differ(buggy: BuggySubject, scenario: &Scenario) -> Option<String> {
    match (both(buggy, scenario).0, both(buggy, scenario).0) {
        (Err(reason), _) | (_, Err(reason)) => Some(reason),
        (Ok(first), Ok(second)) => (first != second).then(|| "two runs differ".to_owned()),
    }
}

/// Draws a scenario of the generator's small size without its bias towards faults and rejections: transfers
/// among a few rich accounts, each with the expected nonce.
pub(super) fn plain(choices: &mut impl Choices) -> Scenario {
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
        workers: None,
        steps,
    }
}

/// Executes a scenario on a subject and on the oracle. Returns both final states, or the error of the
/// subject; `None` for an impossible genesis. Refusals are not compared.
fn both(
    buggy: BuggySubject,
    scenario: &Scenario,
) -> (Result<Option<World>, String>, Option<World>) {
    let mut keys = Keys::default();
    let genesis = build::genesis(&scenario.genesis, &mut keys);
    let Ok(mut oracle) = Oracle::new(&genesis) else {
        return (Ok(None), None);
    };
    let mut subject = match buggy.subject(&genesis, scenario.hash_seed, scenario.workers) {
        Ok(subject) => subject,
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
                if let Err(error) = subject.rewind_to(height) {
                    return (Err(error.to_string()), None);
                }
                oracle
                    .rewind_to(height)
                    .expect("no more blocks are undone than there are");
                continue;
            }
            Step::Reopen | Step::Fault(_) | Step::Pool(_) | Step::Submit(_) | Step::Template(_) => {
                continue;
            }
        };
        for block in arriving {
            if oracle.add_block(&block).is_ok() {
                blocks.push(block.clone());
                undone.clear();
            }
            // A panic fails an ordinary test as well.
            match catch_panic(|| subject.add_block(&block)) {
                Ok(Ok(_) | Err(SubjectError::Refused(_))) => {}
                Ok(Err(SubjectError::Stuck(_))) => {
                    return (Err("it does not end".to_owned()), None);
                }
                Ok(Err(error)) => return (Err(error.to_string()), None),
                Err(_) => return (Err("it panicked".to_owned()), None),
            }
        }
    }
    let seen = subject.world().map_err(|error| error.to_string());
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
