//! Printed by `lockstep export`. It showed same-as-serial.

use lockstep_harness::coverage::Coverage;
use lockstep_sim::campaign;
use lockstep_sim::scenario::*;

#[test]
#[rustfmt::skip]
fn reproducer_0009_multisig_deletion_lost() {
    let scenario = Scenario {
        genesis: GenesisRecipe {
            network: NetworkName::Devnet,
            reward: 5,
            native_limit: 18446744073709551615,
            max_block_bytes: 1048576,
            balances: vec![Holding(0, 0, 100)],
        },
        hash_seed: 0,
        workers: None,
        steps: vec![
            Step::Block(BlockRecipe {
                miner: 9,
                later_ms: 1,
                flaw: None,
                transactions: vec![
                    TransactionRecipe { from: 0, nonce: 0, fee: 0, action: Action::Multisig(1, vec![1]), cosigners: vec![], flaw: None },
                ],
            }),
            Step::Block(BlockRecipe {
                miner: 9,
                later_ms: 1,
                flaw: None,
                transactions: vec![
                    TransactionRecipe { from: 0, nonce: 1, fee: 0, action: Action::Multisig(0, vec![]), cosigners: vec![1], flaw: None },
                ],
            }),
            Step::Block(BlockRecipe {
                miner: 9,
                later_ms: 1,
                flaw: None,
                transactions: vec![
                    TransactionRecipe { from: 0, nonce: 2, fee: 0, action: Action::Send(vec![Sending(1, 0, 10)]), cosigners: vec![], flaw: None },
                ],
            }),
        ],
    };
    let folder = tempfile::tempdir().expect("there is room for a temporary folder");
    let outcome = campaign::on_core(&scenario, folder.path(), &mut Coverage::default());
    assert!(outcome.is_ok(), "{outcome:?}");
}
