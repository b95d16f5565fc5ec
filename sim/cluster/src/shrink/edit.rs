//! Edits that make a run of several nodes smaller.
//!
//! Every edit gives valid runs. A fault that names a removed node or block has no effect, and the children
//! of a removed block get its parent.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use crate::scenario::{ExecutionMode, Fault, NodeRecipe, NodesScenario, Operation, StorageKind};
use lockstep_harness::shrink::Shrinkable;
use lockstep_sim::disk::Loss;
use lockstep_sim::scenario::{Scenario, Step};

/// The size of a run, by what is hardest to understand, most significant first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Size {
    nodes: usize,
    faults: usize,
    blocks: usize,
    transactions: usize,
    /// Weight of nodes that are not plain, and of losses that are not simple.
    unusual: usize,
    numbers_above_zero: usize,
    sum: u128,
    names: u64,
    /// Size of the contents of the blocks.
    ledger: <Scenario as Shrinkable>::Size,
}

impl Size {
    pub(super) fn of(scenario: &NodesScenario) -> Self {
        let numbers = numbers(scenario);
        let plain = |node: &NodeRecipe| {
            usize::from(node.storage != StorageKind::Memory)
                + usize::from(node.storage == StorageKind::File)
                + match node.mode {
                    ExecutionMode::Serial => 0,
                    ExecutionMode::ParallelValidation => 1,
                    ExecutionMode::Graph => 2,
                    ExecutionMode::ParallelValidationFrom(_)
                    | ExecutionMode::GraphFrom(_)
                    | ExecutionMode::TestMode => 3,
                }
        };
        let loss = |fault: &Fault| match fault {
            Fault::Crash { loss, .. } | Fault::PowerCut { loss, .. } => weight(*loss),
            _ => 0,
        };
        Size {
            nodes: scenario.nodes.len(),
            faults: scenario.faults.len(),
            blocks: scenario.blocks.len(),
            transactions: scenario.transactions(),
            unusual: scenario.nodes.iter().map(plain).sum::<usize>()
                + scenario.faults.iter().map(loss).sum::<usize>(),
            numbers_above_zero: numbers.iter().filter(|number| **number > 0).count(),
            sum: numbers.iter().copied().map(u128::from).sum(),
            names: names(scenario),
            ledger: as_one_ledger(scenario).size(),
        }
    }
}

pub(super) fn without_nodes(scenario: &NodesScenario, gone: Range<usize>) -> Vec<NodesScenario> {
    let mut without = scenario.clone();
    without.nodes.drain(gone);
    // Two nodes are the least.
    match without.check() {
        Ok(()) => vec![without],
        Err(_) => Vec::new(),
    }
}

pub(super) fn without_faults(scenario: &NodesScenario, gone: Range<usize>) -> Vec<NodesScenario> {
    let mut without = scenario.clone();
    without.faults.drain(gone);
    vec![without]
}

/// Removes blocks together with their descendants; or alone, so that their children get their parents.
pub(super) fn without_blocks(scenario: &NodesScenario, gone: Range<usize>) -> Vec<NodesScenario> {
    let removed: BTreeMap<u32, u32> = scenario.blocks[gone.clone()]
        .iter()
        .map(|mined| (mined.name, mined.parent))
        .collect();
    let mut adopted = scenario.clone();
    adopted.blocks.drain(gone);
    let mut felled = adopted.clone();
    for mined in &mut adopted.blocks {
        // Parents stand before their children, so this ends.
        while let Some(parent) = removed.get(&mined.parent).filter(|up| **up < mined.parent) {
            mined.parent = *parent;
        }
    }
    let mut fallen: BTreeSet<u32> = removed.into_keys().collect();
    felled.blocks.retain(|mined| {
        let falls = fallen.contains(&mined.parent);
        if falls {
            fallen.insert(mined.name);
        }
        !falls
    });
    vec![felled, adopted]
}

/// Returns the blocks as a run of one ledger, in their order, whatever their parents are.
pub(super) fn as_one_ledger(scenario: &NodesScenario) -> Scenario {
    Scenario {
        genesis: scenario.genesis.clone(),
        hash_seed: 0,
        workers: None,
        steps: scenario
            .blocks
            .iter()
            .map(|mined| Step::Block(mined.block.clone()))
            .collect(),
    }
}

/// Returns the run with the genesis and the blocks of a run of one ledger; `None` if that has another
/// number of blocks.
pub(super) fn with_ledger(scenario: &NodesScenario, ledger: &Scenario) -> Option<NodesScenario> {
    let mut changed = scenario.clone();
    changed.genesis = ledger.genesis.clone();
    if ledger.steps.len() != changed.blocks.len() {
        return None;
    }
    for (mined, step) in changed.blocks.iter_mut().zip(&ledger.steps) {
        let Step::Block(block) = step else {
            return None;
        };
        mined.block = block.clone();
    }
    Some(changed)
}

/// Returns runs in which one setting of a node is plainer.
pub(super) fn with_plainer_node(scenario: &NodesScenario, index: usize) -> Vec<NodesScenario> {
    let changed = |change: &dyn Fn(&mut NodeRecipe)| {
        let mut candidate = scenario.clone();
        change(&mut candidate.nodes[index]);
        candidate
    };
    vec![
        changed(&|node| node.mode = ExecutionMode::Graph),
        changed(&|node| node.mode = ExecutionMode::ParallelValidation),
        changed(&|node| node.mode = ExecutionMode::Serial),
        changed(&|node| node.storage = StorageKind::Disk),
        changed(&|node| node.storage = StorageKind::Memory),
    ]
}

/// Returns the weight of a loss in the size of a run.
fn weight(loss: Loss) -> usize {
    match loss {
        Loss::Nothing => 0,
        Loss::All => 1,
        Loss::Last => 2,
        Loss::AllButLast => 3,
        Loss::Lengths => 4,
        Loss::TornLast(_) => 5,
        Loss::Reordered(_) => 6,
        Loss::Torn(_) => 7,
    }
}

/// Returns runs in which a crash has a simpler loss, the simplest first.
pub(super) fn with_simpler_loss(scenario: &NodesScenario, index: usize) -> Vec<NodesScenario> {
    let simple = [
        Loss::Nothing,
        Loss::All,
        Loss::Last,
        Loss::AllButLast,
        Loss::Lengths,
    ];
    simple
        .into_iter()
        .filter_map(|simpler| {
            let mut candidate = scenario.clone();
            match &mut candidate.faults[index] {
                Fault::Crash { loss, .. } | Fault::PowerCut { loss, .. } => *loss = simpler,
                _ => return None,
            }
            Some(candidate)
        })
        .collect()
}

/// Returns runs with regular times and miners: one block after the other; all by the first node; all at
/// once.
pub(super) fn with_plain_times(scenario: &NodesScenario) -> Vec<NodesScenario> {
    const APART_MS: u64 = 20;
    let mut apart = scenario.clone();
    for (index, mined) in (1..).zip(&mut apart.blocks) {
        mined.at_ms = index * APART_MS;
    }
    let mut at_once = scenario.clone();
    for mined in &mut at_once.blocks {
        mined.at_ms = 0;
    }
    let by_first = |mut one: NodesScenario| {
        let first = one.nodes[0].name;
        for mined in &mut one.blocks {
            mined.by = first;
        }
        one
    };
    vec![
        by_first(apart.clone()),
        apart,
        by_first(scenario.clone()),
        at_once,
    ]
}

/// Renames nodes and blocks to 1, 2, 3 and so on.
pub(super) fn with_dense_names(scenario: &NodesScenario) -> NodesScenario {
    let dense =
        |names: &mut dyn Iterator<Item = u32>| -> BTreeMap<u32, u32> { names.zip(1..).collect() };
    let nodes = dense(&mut scenario.nodes.iter().map(|node| node.name));
    let blocks = dense(&mut scenario.blocks.iter().map(|mined| mined.name));
    let mut renamed = scenario.clone();
    each_name(&mut renamed, &mut |kind, name| {
        let new = match kind {
            Name::Node => nodes.get(name),
            Name::Block => blocks.get(name),
        };
        // A dangling name stays one: 0 is no node, and as a block the genesis.
        *name = new.copied().unwrap_or(0);
    });
    renamed
}

fn names(scenario: &NodesScenario) -> u64 {
    let mut sum = 0;
    each_name(&mut scenario.clone(), &mut |_, name| {
        sum += u64::from(*name);
    });
    sum
}

/// Returns every number, in the order of [`with_number`].
pub(super) fn numbers(scenario: &NodesScenario) -> Vec<u64> {
    let mut numbers = Vec::new();
    each_number(&mut scenario.clone(), &mut |number| numbers.push(*number));
    numbers
}

pub(super) fn with_number(scenario: &NodesScenario, index: usize, new: u64) -> NodesScenario {
    let mut changed = scenario.clone();
    let mut at = 0;
    each_number(&mut changed, &mut |number| {
        if at == index {
            *number = new;
        }
        at += 1;
    });
    changed
}

enum Name {
    Node,
    Block,
}

fn each_name(scenario: &mut NodesScenario, visit: &mut dyn FnMut(Name, &mut u32)) {
    for node in &mut scenario.nodes {
        visit(Name::Node, &mut node.name);
    }
    for mined in &mut scenario.blocks {
        visit(Name::Block, &mut mined.name);
        visit(Name::Block, &mut mined.parent);
        visit(Name::Node, &mut mined.by);
    }
    for fault in &mut scenario.faults {
        match fault {
            Fault::Lost { block, from, to }
            | Fault::Duplicated {
                block, from, to, ..
            }
            | Fault::Late {
                block, from, to, ..
            } => {
                visit(Name::Block, block);
                visit(Name::Node, from);
                visit(Name::Node, to);
            }
            Fault::Cut { from, to, .. } => {
                visit(Name::Node, from);
                visit(Name::Node, to);
            }
            Fault::Partition { side, .. } => {
                side.iter_mut().for_each(|node| visit(Name::Node, node));
            }
            Fault::Restart { node, .. } | Fault::Crash { node, .. } => visit(Name::Node, node),
            Fault::PowerCut {
                node, operation, ..
            }
            | Fault::StorageFails {
                node, operation, ..
            } => {
                visit(Name::Node, node);
                let (Operation::Adding(block) | Operation::RewindingTo(block)) = operation;
                visit(Name::Block, block);
            }
        }
    }
}

fn each_number(scenario: &mut NodesScenario, visit: &mut dyn FnMut(&mut u64)) {
    visit(&mut scenario.latency_ms);
    for node in &mut scenario.nodes {
        visit(&mut node.hash_seed);
        // One worker is the least, and has weight 0.
        let mut more = node.workers.saturating_sub(1) as u64;
        visit(&mut more);
        node.workers = usize::try_from(more).unwrap_or(0) + 1;
    }
    for mined in &mut scenario.blocks {
        visit(&mut mined.at_ms);
    }
    for fault in &mut scenario.faults {
        match fault {
            Fault::Lost { .. } => {}
            Fault::Duplicated { after_ms: ms, .. } | Fault::Late { by_ms: ms, .. } => visit(ms),
            Fault::Cut {
                since_ms, until_ms, ..
            }
            | Fault::Partition {
                since_ms, until_ms, ..
            } => {
                visit(since_ms);
                visit(until_ms);
            }
            Fault::Restart { at_ms, down_ms, .. } | Fault::Crash { at_ms, down_ms, .. } => {
                visit(at_ms);
                visit(down_ms);
            }
            Fault::PowerCut { call, down_ms, .. } => {
                visit(call);
                visit(down_ms);
            }
            Fault::StorageFails { call, .. } => visit(call),
        }
    }
}
