//! Printed by `lockstep export`. It showed same-as-serial.

use lockstep_cluster as cluster;
use lockstep_sim::scenario::*;

#[test]
#[rustfmt::skip]
fn reproducer_0003_hash_seed_decides_order() {
    let scenario = cluster::NodesScenario {
        genesis: GenesisRecipe {
            network: NetworkName::Devnet,
            reward: 1,
            native_limit: 18446744073709551615,
            max_block_bytes: 1048576,
            balances: vec![],
        },
        latency_ms: 0,
        nodes: vec![
            cluster::NodeRecipe { name: 1, storage: cluster::StorageKind::Memory, mode: cluster::ExecutionMode::Serial, workers: 1, hash_seed: 0, seeded_bug: None },
            cluster::NodeRecipe { name: 2, storage: cluster::StorageKind::Memory, mode: cluster::ExecutionMode::Serial, workers: 1, hash_seed: 1, seeded_bug: Some(cluster::NodeBug::MergeOrder) },
        ],
        blocks: vec![
            cluster::Mined { name: 1, parent: 0, at_ms: 0, by: 0, block: BlockRecipe {
                miner: 0,
                later_ms: 0,
                flaw: None,
                transactions: vec![
                ],
            } },
        ],
        faults: vec![
        ],
    };
    let folder = tempfile::tempdir().expect("there is room for a temporary folder");
    let (mut coverage, mut trace) = (lockstep_harness::coverage::Coverage::default(), lockstep_harness::trace::Trace::default());
    let outcome = cluster::run(&scenario, folder.path(), &mut coverage, &mut trace);
    let Err(lockstep_harness::violation::Failure::Violation(violation)) = outcome else {
        panic!("its seeded bug shows: {outcome:?}");
    };
    assert_eq!(violation.invariant, "same-as-serial");
}
