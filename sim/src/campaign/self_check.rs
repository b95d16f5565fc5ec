//! Self-check of the judge: every campaign of ledgers detects the seeded bugs of canaries first.

use lockstep_harness::campaign::SelfCheckFailed;
use lockstep_harness::choice::Seeded;

use crate::canary::{Canary, CanaryBug};
use crate::scenario::Scenario;
use crate::subject::Subject;
use crate::trial;
use lockstep_harness::coverage::Coverage;
use lockstep_harness::violation::Failure;

/// Seeded bugs of the self-check.
pub const SELF_CHECKS: [CanaryBug; 3] = CanaryBug::ALL;

/// Runs every canary and returns the ids of their bugs.
///
/// # Errors
///
/// [`SelfCheckFailed`] for the first bug that is not detected, or detected by another invariant.
pub(super) fn self_check(seed: u64) -> Result<Vec<String>, SelfCheckFailed> {
    SELF_CHECKS
        .into_iter()
        .map(|bug| check(seed, bug))
        .collect()
}

fn check(seed: u64, bug: CanaryBug) -> Result<String, SelfCheckFailed> {
    let outcome = trial::run(
        &canary_scenario(seed),
        &|genesis, _| {
            let canary = Canary::new(genesis, bug)?;
            Ok(vec![Box::new(canary) as Box<dyn Subject>])
        },
        &mut Coverage::default(),
    );
    match outcome {
        Err(Failure::Violation(violation)) if violation.invariant == bug.named_by() => {
            Ok(bug.id().to_owned())
        }
        other => Err(SelfCheckFailed {
            bug: bug.id().to_owned(),
            found_by: bug.named_by().name.to_owned(),
            got: format!("{other:?}"),
        }),
    }
}

/// A scenario of two blocks with a transfer each and a rewind, with amounts from the seed.
fn canary_scenario(seed: u64) -> Scenario {
    use crate::scenario::{
        Action, BlockRecipe, GenesisRecipe, Holding, NetworkName, Sending, Step, TransactionRecipe,
    };
    use lockstep_harness::choice::Choices;
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
        workers: None,
    }
}
