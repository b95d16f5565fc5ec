//! The smallest scenarios that show each bug, under some schedule of two workers.

use lockstep_core::model::Asset;

use super::ThreadBug;
use super::placing::Placing;
use lockstep_sim::scenario::build::Keys;
use lockstep_sim::scenario::{
    Action, BlockRecipe, ConcurrentRequest, Fault, GenesisRecipe, Holding, InjectionPoint,
    NetworkName, Scenario, Sending, Step, TransactionRecipe,
};

/// Initial balance of every account in a trigger.
const HAD: u64 = 10;

/// Seed of all hash maps.
const HASH_SEED: u64 = 0;

/// Returns the smallest scenarios that show a bug, each with the deciding block as its last step.
///
/// Accounts are in shards of their own unless the bug needs a shared one: a model checker has fewer
/// interleavings to run.
#[must_use]
pub fn triggers(bug: ThreadBug) -> Vec<Scenario> {
    let [a, b, c, d] = [0, 1, 2, 3].map(|shard| account(shard, 0));
    match bug {
        ThreadBug::NonceCheckThenAct => vec![tiny(vec![send(a, 0, b, 1), send(a, 0, c, 1)])],
        ThreadBug::ConflictMissed => vec![tiny(vec![send(a, 0, b, 5), send(b, 0, c, HAD + 3)])],
        ThreadBug::LateInsert => vec![tiny(vec![send(a, 0, c, 1), send(b, 0, c, 1)])],
        ThreadBug::ShardGuard => {
            let (beside_a, beside_b) = (account(0, 1), account(1, 1));
            vec![
                tiny(vec![send(a, 0, b, 1), send(beside_b, 0, beside_a, 1)]),
                tiny(vec![send(a, 0, beside_a, 1)]),
            ]
        }
        ThreadBug::GuardAcrossAwait => vec![with(
            ConcurrentRequest::Reader,
            tiny(vec![send(a, 0, b, 1)]),
        )],
        ThreadBug::OpenWindow => {
            let mut scenario = tiny(vec![send(c, 0, d, 1)]);
            let before = tiny(vec![send(a, 0, b, 1)]);
            scenario.genesis.balances.extend(before.genesis.balances);
            scenario.steps.splice(0..0, before.steps);
            vec![with(ConcurrentRequest::Rewind(1), scenario)]
        }
        ThreadBug::SelfDeadlock
        | ThreadBug::TornIteration
        | ThreadBug::PoolWaitsForItself
        | ThreadBug::FeeReadModifyWrite => {
            vec![tiny(vec![send(a, 0, b, 1), send(c, 0, d, 1)])]
        }
        ThreadBug::UnboundedTasks => vec![tiny([a, b, c].map(burn).to_vec())],
        ThreadBug::DoneFlagLatched => vec![tiny(vec![
            send(a, 0, b, 5),
            send(c, 0, d, 1),
            send(b, 0, d, HAD + 3),
        ])],
        ThreadBug::PanicNotTold => {
            let scenario = tiny(vec![send(a, 0, b, 1), send(a, 1, c, 1)]);
            let panic = Fault::Panic {
                transaction: 0,
                persists: true,
            };
            vec![before_the_last(Step::Fault(panic), scenario)]
        }
        ThreadBug::WorkerFailureRejects => {
            let scenario = tiny(vec![send(a, 0, b, 1), send(c, 0, d, 2)]);
            let fails = Fault::ReadFails { at: 1 };
            vec![before_the_last(Step::Fault(fails), scenario)]
        }
        ThreadBug::CancelledWorkerWrites => {
            let scenario = tiny(vec![send(a, 0, b, 1), send(c, 0, d, 2)]);
            let cancel = Fault::Cancel(InjectionPoint::Step(0));
            vec![before_the_last(Step::Fault(cancel), scenario)]
        }
        ThreadBug::ResultIndexLost => {
            let scenario = tiny(vec![send(a, 0, b, 1), send(c, 0, d, 2), send(d, 1, c, 1)]);
            let panic = Fault::Panic {
                transaction: 0,
                persists: false,
            };
            vec![before_the_last(Step::Fault(panic), scenario)]
        }
    }
}

/// Returns the account with this number among those whose account and balance are both in this shard.
fn account(shard: u64, number: usize) -> u32 {
    let mut keys = Keys::default();
    let placing = Placing::new(HASH_SEED);
    let mut in_shard =
        (0..).filter(|one| placing.shards(keys.public(*one), Asset::NATIVE) == [shard; 2]);
    in_shard
        .nth(number)
        .expect("one of sixteen accounts is in this shard with its balance")
}

fn send(from: u32, nonce: u64, to: u32, amount: u64) -> TransactionRecipe {
    TransactionRecipe {
        from,
        nonce,
        fee: 1,
        action: Action::Send(vec![Sending(to, 0, amount)]),
        cosigners: Vec::new(),
        flaw: None,
    }
}

fn burn(from: u32) -> TransactionRecipe {
    TransactionRecipe {
        action: Action::Burn(0, 1),
        ..send(from, 0, from, 1)
    }
}

fn tiny(transactions: Vec<TransactionRecipe>) -> Scenario {
    let mut accounts: Vec<u32> = transactions
        .iter()
        .flat_map(|transaction| match &transaction.action {
            Action::Send(sendings) => vec![transaction.from, sendings[0].0],
            Action::Burn(..) | Action::Multisig(..) => vec![transaction.from],
        })
        .collect();
    accounts.sort_unstable();
    accounts.dedup();
    Scenario {
        genesis: GenesisRecipe {
            network: NetworkName::Devnet,
            reward: 0,
            native_limit: u64::MAX,
            max_block_bytes: 1 << 20,
            balances: accounts
                .into_iter()
                .map(|account| Holding(account, 0, HAD))
                .collect(),
        },
        hash_seed: HASH_SEED,
        workers: None,
        steps: vec![Step::Block(BlockRecipe {
            miner: account(0, 2),
            later_ms: 0,
            flaw: None,
            transactions,
        })],
    }
}

fn with(request: ConcurrentRequest, scenario: Scenario) -> Scenario {
    before_the_last(
        Step::Fault(Fault::ConcurrentRequest(InjectionPoint::Step(0), request)),
        scenario,
    )
}

fn before_the_last(step: Step, mut scenario: Scenario) -> Scenario {
    let last = scenario.steps.len() - 1;
    scenario.steps.insert(last, step);
    scenario
}
