//! Printed by `lockstep export`.

use lockstep_cluster as cluster;
use lockstep_sim::scenario::*;

#[test]
#[rustfmt::skip]
fn reproducer_every_kind() {
    let scenario = cluster::NodesScenario {
        genesis: GenesisRecipe {
            network: NetworkName::Devnet,
            reward: 5,
            native_limit: 18446744073709551615,
            max_block_bytes: 1048576,
            balances: vec![Holding(0, 0, 100), Holding(1, 3, 7)],
        },
        latency_ms: 3,
        nodes: vec![
            cluster::NodeRecipe { name: 1, storage: cluster::StorageKind::Memory, mode: cluster::ExecutionMode::Serial, workers: 1, hash_seed: 0, seeded_bug: None },
            cluster::NodeRecipe { name: 2, storage: cluster::StorageKind::File, mode: cluster::ExecutionMode::ParallelValidation, workers: 2, hash_seed: 1, seeded_bug: None },
            cluster::NodeRecipe { name: 3, storage: cluster::StorageKind::Disk, mode: cluster::ExecutionMode::Graph, workers: 3, hash_seed: 2, seeded_bug: None },
            cluster::NodeRecipe { name: 4, storage: cluster::StorageKind::Disk, mode: cluster::ExecutionMode::ParallelValidationFrom(2), workers: 2, hash_seed: 3, seeded_bug: None },
            cluster::NodeRecipe { name: 5, storage: cluster::StorageKind::Memory, mode: cluster::ExecutionMode::GraphFrom(2), workers: 2, hash_seed: 4, seeded_bug: None },
            cluster::NodeRecipe { name: 6, storage: cluster::StorageKind::Memory, mode: cluster::ExecutionMode::TestMode, workers: 2, hash_seed: 5, seeded_bug: None },
        ],
        blocks: vec![
            cluster::Mined { name: 1, parent: 0, at_ms: 10, by: 1, block: BlockRecipe {
                miner: 9,
                later_ms: 1,
                flaw: None,
                transactions: vec![
                    TransactionRecipe { from: 0, nonce: 0, fee: 1, action: Action::Send(vec![Sending(1, 0, 10)]), cosigners: vec![], flaw: None },
                    TransactionRecipe { from: 1, nonce: 0, fee: 0, action: Action::Burn(3, 2), cosigners: vec![], flaw: None },
                ],
            } },
            cluster::Mined { name: 2, parent: 1, at_ms: 20, by: 2, block: BlockRecipe {
                miner: 9,
                later_ms: 1,
                flaw: Some(BlockFlaw::Network(NetworkName::Mainnet)),
                transactions: vec![
                ],
            } },
            cluster::Mined { name: 3, parent: 1, at_ms: 30, by: 3, block: BlockRecipe {
                miner: 9,
                later_ms: 1,
                flaw: None,
                transactions: vec![
                    TransactionRecipe { from: 0, nonce: 1, fee: 0, action: Action::Multisig(1, vec![1, 2]), cosigners: vec![], flaw: None },
                ],
            } },
        ],
        faults: vec![
            cluster::Fault::Lost { block: 1, from: 1, to: 2 },
            cluster::Fault::Duplicated { block: 1, from: 1, to: 3, after_ms: 4 },
            cluster::Fault::Late { block: 3, from: 3, to: 1, by_ms: 40 },
            cluster::Fault::Cut { from: 1, to: 4, since_ms: 0, until_ms: 50 },
            cluster::Fault::Partition { side: vec![1, 2], since_ms: 60, until_ms: 80 },
            cluster::Fault::Restart { node: 2, at_ms: 90, down_ms: 5 },
            cluster::Fault::Crash { node: 3, at_ms: 100, down_ms: 5, loss: lockstep_sim::disk::Loss::Torn(7) },
            cluster::Fault::PowerCut { node: 4, operation: cluster::Operation::Adding(3), call: 1, down_ms: 5, loss: lockstep_sim::disk::Loss::All },
            cluster::Fault::PowerCut { node: 4, operation: cluster::Operation::RewindingTo(0), call: 1, down_ms: 5, loss: lockstep_sim::disk::Loss::Nothing },
            cluster::Fault::StorageFails { node: 4, operation: cluster::Operation::Adding(1), call: 0 },
        ],
    };
    let folder = tempfile::tempdir().expect("there is room for a temporary folder");
    let (mut coverage, mut trace) = (lockstep_harness::coverage::Coverage::default(), lockstep_harness::trace::Trace::default());
    let outcome = cluster::run(&scenario, folder.path(), &mut coverage, &mut trace);
    assert!(outcome.is_ok(), "{outcome:?}");
}
