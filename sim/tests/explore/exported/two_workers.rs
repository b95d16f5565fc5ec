//! Printed by `lockstep export`. It showed same-as-serial.

use std::sync::Arc;

use lockstep_harness::schedule::{Schedule, Switch};
use lockstep_sim::explore::{self, CoreLedger};
use lockstep_sim::scenario::*;

#[test]
#[rustfmt::skip]
fn reproducer_two_workers() {
    let scenario = Scenario {
        genesis: GenesisRecipe {
            network: NetworkName::Devnet,
            reward: 5,
            native_limit: 18446744073709551615,
            max_block_bytes: 1048576,
            balances: vec![Holding(0, 0, 100), Holding(1, 0, 100)],
        },
        hash_seed: 0,
        workers: None,
        steps: vec![
            Step::Block(BlockRecipe {
                miner: 2,
                later_ms: 1,
                flaw: None,
                transactions: vec![
                    TransactionRecipe { from: 0, nonce: 0, fee: 1, action: Action::Send(vec![Sending(1, 0, 10)]), cosigners: vec![], flaw: None },
                    TransactionRecipe { from: 1, nonce: 0, fee: 1, action: Action::Send(vec![Sending(0, 0, 20)]), cosigners: vec![], flaw: None },
                ],
            }),
        ],
    };
    let schedule = Schedule {
        workers: 2,
        over_graph: true,
        block: 0,
        switches: vec![Switch(0, 5, 1), Switch(1, 2, 0)],
    };
    let replayed = explore::replay(&scenario, &schedule, &Arc::new(CoreLedger));
    let (violation, preemptions) = replayed.expect("memory does not fail");
    assert!(violation.is_none(), "{violation:?} with {preemptions:?}");
}
