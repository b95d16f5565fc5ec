//! Export of a kept run of several nodes as a plain Rust test.

use std::fmt::Write as _;

use lockstep_sim::disk::Loss;
use lockstep_sim::export::{block, genesis, head, identifier};

use super::reproducer::NodesReproducer;
use super::scenario::{Fault, Mined, NodeRecipe, Operation};

/// Returns the text of a file for `sim/cluster/tests`, with a test of this name.
///
/// The test of a run with a seeded bug demands the violation that the reproducer names; any other run
/// must pass.
#[must_use]
pub fn as_test(reproducer: &NodesReproducer, name: &str) -> String {
    let scenario = &reproducer.payload.scenario;
    let mut text = format!(
        "{}
use lockstep_cluster as cluster;
use lockstep_sim::scenario::*;

#[test]
#[rustfmt::skip]
fn {}() {{
    let scenario = cluster::NodesScenario {{
        genesis: {},
        latency_ms: {},
        nodes: vec![
",
        head(reproducer),
        identifier(name),
        genesis(&scenario.genesis),
        scenario.latency_ms,
    );
    for recipe in &scenario.nodes {
        let _ = writeln!(text, "            {},", node(recipe));
    }
    text.push_str("        ],\n        blocks: vec![\n");
    for mined in &scenario.blocks {
        let Mined {
            name,
            parent,
            at_ms,
            by,
            block: recipe,
        } = mined;
        let _ = writeln!(
            text,
            "            cluster::Mined {{ name: {name}, parent: {parent}, at_ms: {at_ms}, by: {by}, \
             block: {} }},",
            block(recipe)
        );
    }
    text.push_str("        ],\n        faults: vec![\n");
    for one in &scenario.faults {
        let _ = writeln!(text, "            cluster::Fault::{},", fault(one));
    }
    text.push_str(
        "        ],
    };
    let folder = tempfile::tempdir().expect(\"there is room for a temporary folder\");
    let (mut coverage, mut trace) = (lockstep_harness::coverage::Coverage::default(), lockstep_harness::trace::Trace::default());
    let outcome = cluster::run(&scenario, folder.path(), &mut coverage, &mut trace);
",
    );
    match scenario.nodes.iter().any(|node| node.seeded_bug.is_some()) {
        false => text.push_str("    assert!(outcome.is_ok(), \"{outcome:?}\");\n"),
        true => {
            let _ = writeln!(
                text,
                "    let Err(lockstep_harness::violation::Failure::Violation(violation)) = outcome else {{
        panic!(\"its seeded bug shows: {{outcome:?}}\");
    }};
    assert_eq!(violation.invariant, {:?});",
                reproducer.shows
            );
        }
    }
    text.push_str("}\n");
    text
}

fn node(recipe: &NodeRecipe) -> String {
    let NodeRecipe {
        name,
        storage,
        mode,
        workers,
        hash_seed,
        seeded_bug,
    } = recipe;
    let seeded_bug = match seeded_bug {
        None => "None".to_owned(),
        Some(bug) => format!("Some(cluster::NodeBug::{bug:?})"),
    };
    format!(
        "cluster::NodeRecipe {{ name: {name}, storage: cluster::StorageKind::{storage:?}, mode: \
         cluster::ExecutionMode::{mode:?}, workers: {workers}, hash_seed: {hash_seed}, seeded_bug: {seeded_bug} }}"
    )
}

fn fault(fault: &Fault) -> String {
    match fault {
        // Numbers are written as they are debugged.
        Fault::Lost { .. }
        | Fault::Duplicated { .. }
        | Fault::Late { .. }
        | Fault::Cut { .. }
        | Fault::Restart { .. } => format!("{fault:?}"),
        Fault::Partition {
            side,
            since_ms,
            until_ms,
        } => format!(
            "Partition {{ side: vec!{side:?}, since_ms: {since_ms}, until_ms: {until_ms} }}"
        ),
        Fault::Crash {
            node,
            at_ms,
            down_ms,
            loss,
        } => format!(
            "Crash {{ node: {node}, at_ms: {at_ms}, down_ms: {down_ms}, loss: {} }}",
            lost(*loss)
        ),
        Fault::PowerCut {
            node,
            operation,
            call,
            down_ms,
            loss,
        } => format!(
            "PowerCut {{ node: {node}, operation: {}, call: {call}, down_ms: {down_ms}, loss: {} }}",
            done(*operation),
            lost(*loss)
        ),
        Fault::StorageFails {
            node,
            operation,
            call,
        } => format!(
            "StorageFails {{ node: {node}, operation: {}, call: {call} }}",
            done(*operation)
        ),
    }
}

fn lost(loss: Loss) -> String {
    format!("lockstep_sim::disk::Loss::{loss:?}")
}

fn done(operation: Operation) -> String {
    format!("cluster::Operation::{operation:?}")
}
