//! Whether the judge sees: every campaign looks at planted defects before it looks at anything else.

use crate::canary::{Canary, Defect};
use crate::scenario::Scenario;
use crate::subject::Subject;
use crate::tally::Tally;
use crate::trial;
use lockstep_harness::choice::Seeded;
use lockstep_harness::violation::Failure;

use super::verdict::Verdict;

/// Lets the judge look at every planted defect. Gives the first that it does not see.
pub(super) fn blindness(seed: u64) -> Option<Verdict> {
    Defect::ALL.into_iter().find_map(|defect| {
        let scenario = canary_scenario(seed);
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
                defect: format!("{defect:?}"),
                caught_by: defect.caught_by().to_owned(),
                said: format!("{other:?}"),
            }),
        }
    })
}

/// Two blocks of a transfer and a rewind, with amounts from the seed.
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
    }
}
