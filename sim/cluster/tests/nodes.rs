//! Runs of several nodes: they are deterministic, and find every seeded bug.

use std::fs;
use std::path::Path;

use lockstep_cluster::{
    ExecutionMode, Fault, Mined, NodeBug, NodeRecipe, NodesReproducer, NodesScenario, Observed,
    Operation, SIZE, StorageKind,
};
use lockstep_harness::choice::Seeded;
use lockstep_harness::coverage::Coverage;
use lockstep_harness::trace::{self, Trace};
use lockstep_harness::violation::Failure;
use lockstep_sim::disk::Loss;
use lockstep_sim::scenario::{BlockRecipe, GenesisRecipe, NetworkName};

fn drawn(seed: u64) -> NodesScenario {
    lockstep_cluster::scenario(&mut Seeded::new(seed, 0), SIZE).1
}

fn run(scenario: &NodesScenario) -> (Result<Observed, Failure>, Coverage, Trace) {
    let folder = tempfile::tempdir().expect("there is room for a temporary folder");
    let (mut coverage, mut trace) = (Coverage::default(), Trace::default());
    let outcome = lockstep_cluster::run(scenario, folder.path(), &mut coverage, &mut trace);
    (outcome, coverage, trace)
}

/// Returns the name of the invariant that a run violates; `None` if all hold.
fn violated(scenario: &NodesScenario) -> Option<String> {
    match run(scenario).0 {
        Ok(_) => None,
        Err(Failure::Violation(violation)) => Some(violation.invariant.name.to_owned()),
        Err(Failure::Infrastructure(reason)) => panic!("the machine failed: {reason}"),
    }
}

#[test]
fn a_trace_is_the_same_with_one_worker_and_with_eight_and_with_other_hash_seeds() {
    for seed in [1, 6] {
        let (mut one, mut eight) = (drawn(seed), drawn(seed));
        one.set_workers(1);
        eight.set_workers(8);
        eight.change_hash_seeds(0x5eed);
        let (first, coverage, first_trace) = run(&one);
        let (second, _, second_trace) = run(&eight);
        assert!(first.is_ok(), "seed {seed}: {first:?}");
        assert_eq!(first, second, "seed {seed}");
        let (first, second) = (first_trace.observations(), second_trace.observations());
        assert_eq!(trace::first_difference(first, second), None, "seed {seed}");
        assert!(first_trace.observations().len() > 200, "seed {seed}");
        assert!(coverage.of("block: added") > 50, "seed {seed}");
    }
}

/// A seeded bug is found within a few seeds, named by an invariant of its catalogue entry, and shrunk to
/// few nodes and transactions.
fn check(bug: NodeBug) {
    /// Some bugs need a fault in one particular operation.
    const SEEDS: u64 = 40;
    let found = (0..SEEDS).find_map(|seed| {
        let mut scenario = drawn(seed);
        assert_eq!(scenario.nodes[1].seeded_bug, None);
        scenario.inject_bug(bug);
        Some((violated(&scenario)?, scenario))
    });
    let (invariant, scenario) = found.unwrap_or_else(|| panic!("{bug} is never found"));
    let mut named_by = bug.seeding().named_by.iter();
    assert!(
        named_by.any(|one| one.name == invariant),
        "{bug} is found by {invariant}"
    );
    let folder = tempfile::tempdir().expect("there is room for a temporary folder");
    let shrunk = lockstep_cluster::shrink(&scenario, &invariant, folder.path(), 1_000);
    let small = &shrunk.smallest;
    assert!(
        small.nodes.len() == 2
            && small.faults.len() <= 2
            && small.blocks.len() <= 4
            && small.transactions() <= 3,
        "{bug}: {shrunk}"
    );
    assert!(!shrunk.is_cut_short(), "{shrunk}");
    // The file alone shows the violation, and without the bug nothing is violated.
    let text = NodesReproducer::new(&invariant, small.clone())
        .to_text("a remark")
        .expect("a run can be written");
    let mut read = NodesReproducer::from_text(&text, "memory").expect("it can be read back");
    assert_eq!(&read.payload.scenario, small);
    assert_eq!(violated(&read.payload.scenario), Some(invariant), "{bug}");
    for node in &mut read.payload.scenario.nodes {
        node.seeded_bug = None;
    }
    assert_eq!(violated(&read.payload.scenario), None, "{bug}");
}

#[test]
fn a_node_whose_workers_decide_the_fees_is_found() {
    check(NodeBug::WorkerCountSemantics);
}

#[test]
fn a_node_whose_hash_seed_decides_the_order_is_found() {
    check(NodeBug::MergeOrder);
}

#[test]
fn a_node_that_takes_an_error_for_an_answer_is_found() {
    check(NodeBug::IoErrorIsRejection);
}

#[test]
fn a_node_that_forgets_after_a_restart_is_found() {
    check(NodeBug::SkipsAfterRestart);
}

#[test]
fn a_node_on_a_disk_that_lies_is_found() {
    check(NodeBug::LyingDisk);
}

#[test]
fn a_node_that_fails_for_ever_after_one_failure_is_found() {
    check(NodeBug::StuckAfterError);
}

#[test]
fn a_rewind_that_leaves_something_is_found() {
    check(NodeBug::ReorgNotUndone);
}

#[test]
fn a_node_that_takes_a_repeated_block_is_found() {
    check(NodeBug::TakesAgain);
}

#[test]
fn a_node_that_does_not_ask_for_what_it_missed_does_not_converge_and_is_found() {
    check(NodeBug::AsksForNothing);
}

fn node(name: u32, storage: StorageKind) -> NodeRecipe {
    NodeRecipe {
        name,
        storage,
        mode: ExecutionMode::Serial,
        workers: 1,
        hash_seed: 0,
        seeded_bug: None,
    }
}

fn block(name: u32, parent: u32, at_ms: u64, by: u32) -> Mined {
    Mined {
        name,
        parent,
        at_ms,
        by,
        block: BlockRecipe {
            miner: by,
            later_ms: 1,
            flaw: None,
            transactions: Vec::new(),
        },
    }
}

/// Two branches from the genesis, mined by nodes 1 and 2 while nothing gets from one to the other.
fn two_branches(lengths: [u32; 2], faults: Vec<Fault>) -> NodesScenario {
    let mut blocks = Vec::new();
    for (by, length, first) in [(1, lengths[0], 1), (2, lengths[1], 101)] {
        for index in 0..length {
            let parent = if index == 0 { 0 } else { first + index - 1 };
            blocks.push(block(first + index, parent, u64::from(10 * index), by));
        }
    }
    NodesScenario {
        genesis: GenesisRecipe {
            network: NetworkName::Devnet,
            reward: 50,
            native_limit: u64::MAX,
            max_block_bytes: 1 << 20,
            balances: Vec::new(),
        },
        latency_ms: 1,
        nodes: vec![node(1, StorageKind::Disk), node(2, StorageKind::Memory)],
        blocks,
        faults: [Fault::Partition {
            side: vec![1],
            since_ms: 0,
            until_ms: 500,
        }]
        .into_iter()
        .chain(faults)
        .collect(),
    }
}

#[test]
fn a_branch_of_eight_blocks_gives_way_to_one_of_nine() {
    let (outcome, coverage, trace) = run(&two_branches([8, 9], Vec::new()));
    assert!(outcome.is_ok(), "{outcome:?}");
    assert_eq!(coverage.of("reorg: depth 8"), 1);
    assert_eq!(coverage.of_group("reorg"), 1);
    let text = trace::as_text(trace.observations());
    assert!(text.contains("node 1 goes back 8 to the genesis"), "{text}");
}

#[test]
fn a_node_that_crashes_between_going_back_and_going_forward_converges() {
    let crashes: Vec<Fault> = (101..=109)
        .map(|name| Fault::PowerCut {
            node: 1,
            operation: Operation::Adding(name),
            call: u64::from(name - 101),
            down_ms: 30,
            loss: Loss::Torn(7),
        })
        .chain([Fault::PowerCut {
            node: 1,
            operation: Operation::RewindingTo(0),
            call: 2,
            down_ms: 30,
            loss: Loss::All,
        }])
        .collect();
    let (outcome, coverage, _) = run(&two_branches([8, 9], crashes));
    assert!(outcome.is_ok(), "{outcome:?}");
    assert_eq!(coverage.of("crash: while blocks are undone"), 1);
    assert_eq!(coverage.of("crash: while a block is added"), 9);
    assert_eq!(coverage.of("restart: after a crash"), 10);
}

#[test]
fn a_fault_of_an_unknown_node_or_block_has_no_effect() {
    let quiet = two_branches([2, 3], Vec::new());
    let ghosts = two_branches(
        [2, 3],
        vec![
            Fault::Lost {
                block: 77,
                from: 1,
                to: 9,
            },
            Fault::Restart {
                node: 9,
                at_ms: 5,
                down_ms: 5,
            },
            Fault::StorageFails {
                node: 2,
                operation: Operation::Adding(77),
                call: 0,
            },
            Fault::PowerCut {
                node: 2,
                operation: Operation::Adding(101),
                call: 0,
                down_ms: 0,
                loss: Loss::All,
            },
        ],
    );
    assert_eq!(run(&quiet).2.digest(), run(&ghosts).2.digest());
}

#[test]
fn a_file_that_makes_no_sense_is_refused_with_the_reason() {
    let whole = two_branches([1, 1], Vec::new());
    let text = |scenario: &NodesScenario| {
        NodesReproducer::new("", scenario.clone())
            .to_text("")
            .expect("a run can be written")
    };
    let refused = |text: &str| {
        NodesReproducer::from_text(text, "it")
            .expect_err("it makes no sense")
            .to_string()
    };
    assert!(NodesReproducer::from_text(&text(&whole), "it").is_ok());
    let mut twins = whole.clone();
    twins.nodes[1].name = 1;
    assert!(refused(&text(&twins)).contains("two nodes have the name 1"));
    let mut alone = whole.clone();
    alone.nodes.truncate(1);
    assert!(refused(&text(&alone)).contains("two are the least"));
    let mut endless = whole.clone();
    endless.blocks[0].at_ms = u64::MAX;
    assert!(refused(&text(&endless)).contains("600000 ms is the latest"));
    let other = text(&whole).replace("kind: \"cluster\"", "kind: \"ledger\"");
    assert!(refused(&other).contains("a run of the kind \"ledger\", and one of \"cluster\""));
    let broken = text(&whole).replace("latency_ms: 1,", "latency_ms: soon,");
    assert!(refused(&broken).starts_with("it:"));
}

#[test]
fn every_kept_run_shows_what_it_says_and_nothing_without_its_bug() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../corpora/nodes");
    let mut bugs = Vec::new();
    for entry in fs::read_dir(folder).expect("the corpus is there") {
        let path = entry.expect("the corpus can be read").path();
        let mut reproducer = NodesReproducer::read(&path).expect("a kept run can be read");
        assert_eq!(
            violated(&reproducer.payload.scenario).as_deref(),
            Some(reproducer.shows.as_str()),
            "{}",
            path.display()
        );
        for node in &mut reproducer.payload.scenario.nodes {
            bugs.extend(node.seeded_bug.take());
        }
        assert_eq!(
            violated(&reproducer.payload.scenario),
            None,
            "{}",
            path.display()
        );
    }
    bugs.sort();
    // A run with that one does not end: the tests of the program execute it in a process.
    bugs.push(NodeBug::NeverEnds);
    assert_eq!(bugs, NodeBug::ALL);
}

#[test]
fn a_kept_run_survives_being_written_again() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../corpora/nodes");
    for entry in fs::read_dir(folder).expect("the corpus is there") {
        let path = entry.expect("the corpus can be read").path();
        let old = fs::read_to_string(&path).expect("it is text");
        let read = NodesReproducer::read(&path).expect("a kept run can be read");
        let text = read
            .to_text("a remark\nof two lines")
            .expect("it can be written");
        assert!(
            text.contains("  lockstep: 2,\n  kind: \"cluster\","),
            "{text}"
        );
        let again = NodesReproducer::from_text(&text, "memory").expect("it can be read back");
        assert_eq!(again, read, "{}", path.display());
        // The words and the layout are the same: a node, a fault and a transaction are a line each.
        let body = |text: &str| {
            text.split_once("  shows: ")
                .map(|(_, body)| body.to_owned())
        };
        assert_eq!(body(&text), body(&old), "{}", path.display());
    }
}

/// Files of the first format, and those of the second that were written before names were changed.
#[test]
fn a_file_with_former_names_is_read_and_written_with_the_present_ones() {
    const BODY: &str = r#"  shows: "same-as-serial",
  scenario: (
    genesis: (
      network: devnet,
      reward: 1,
      native_limit: 18446744073709551615,
      max_block_bytes: 1048576,
      balances: [],
    ),
    latency_ms: 0,
    nodes: [
      (name: 1, storage: Memory, path: Spread, workers: 1, hash_seed: 0),
      (name: 2, storage: Disk, path: SpreadFrom(2), workers: 1, hash_seed: 1, planted: ErrorBecomesRejection),
      (name: 3, storage: Memory, path: Compared, workers: 2, hash_seed: 0),
    ],
    blocks: [],
    faults: [
      Twice(block: 1, from: 1, to: 2, after_ms: 3),
      PowerCut(node: 2, doing: Adding(3), call: 1, down_ms: 5, loss: All),
      StorageFails(node: 2, doing: RewindingTo(0), call: 0),
    ],
  ),
)
"#;
    let present = BODY
        .replace("path: Spread", "mode: ParallelValidation")
        .replace("path: Compared", "mode: TestMode")
        .replace("Twice(", "Duplicated(")
        .replace("planted: ErrorBecomes", "seeded_bug: IoErrorIs")
        .replace("doing:", "operation:");
    for format in ["lockstep_nodes: 1", "lockstep: 2,\n  kind: \"cluster\""] {
        let former = format!("#![enable(implicit_some)]\n(\n  {format},\n{BODY}");
        let read = NodesReproducer::from_text(&former, "a former file").expect("it can be read");
        let text = read.to_text("").expect("it can be written");
        let body = text.split_once("  shows: ").map(|(_, body)| body);
        assert_eq!(body, present.split_once("  shows: ").map(|(_, body)| body));
    }
}
