//! Power loss in every call: the ledger recovers to the one before the block or the one after it.

use lockstep_harness::campaign::{self, Enough, Plan, Runs, Unwatched, Verdict};
use lockstep_harness::coverage::Coverage;
use lockstep_harness::exit::ExitCode;
use lockstep_harness::invariant::Invariant;
use lockstep_harness::violation::Failure;
use lockstep_sim::coverage::totals;
use lockstep_sim::crash::{self, Chain, ChainSize, CrashBug, Crashes, Unrecovered};
use lockstep_sim::faulty::{self, OnDiskBug};
use lockstep_sim::scenario::{Fault, Scenario};
use lockstep_sim::subject::Execution;
use lockstep_sim::trial;

#[test]
fn every_crash_of_a_block_is_recovered_from_however_it_is_executed() {
    let chain = Chain::drawn(5, ChainSize::SMALL);
    let reports = [
        Execution::Serial,
        Execution::ParallelValidation(2),
        Execution::Graph(2),
    ]
    .map(|execution| crash::every_crash(&chain, execution).expect("core loses nothing"));
    let [serial, parallel_validation, graph] = reports;
    assert!(serial.calls > 10, "{serial:?}");
    assert!(serial.crashes > serial.calls, "{serial:?}");
    assert_eq!(serial.before + serial.after, serial.crashes);
    assert_eq!(serial.second_crashes, serial.crashes);
    assert!(!serial.is_vacuous(), "{serial:?}");
    // Writes do not depend on the execution mode.
    assert_eq!(serial, parallel_validation);
    assert_eq!(serial, graph);
}

#[test]
fn a_seeded_bug_is_found_and_its_reproducer_shows_it_again() {
    let chain = Chain::drawn(5, ChainSize::SMALL);
    for bug in CrashBug::ALL {
        let found = match bug.every_crash(&chain) {
            Err(Unrecovered::Found(found)) => found,
            other => panic!("{bug}: {other:?}"),
        };
        assert!(bug.is_named_by(found.violation.invariant), "{bug}");
        assert_eq!(found.violation.exit_code(), ExitCode::StorageDiffers);
        let scenario = &found.reproducer.payload.scenario;
        let again = violated(scenario, bug);
        assert_eq!(again, Some(found.violation.invariant), "{bug}");
        let on_core = trial::run(scenario, &faulty::subjects, &mut Coverage::default());
        assert!(on_core.is_ok(), "{bug}: {on_core:?}");
    }
}

fn violated(scenario: &Scenario, bug: CrashBug) -> Option<&'static Invariant> {
    let bug = OnDiskBug::named(bug.id()).expect("each is around core");
    let outcome = trial::run(
        scenario,
        &|genesis, hash_seed| Ok(vec![bug.subject(genesis, hash_seed)?]),
        &mut Coverage::default(),
    );
    match outcome {
        Err(Failure::Violation(violation)) => Some(violation.invariant),
        _ => None,
    }
}

#[test]
fn a_sampled_scenario_has_a_crash_in_every_step() {
    let scenario = crash::scenario(3, 0);
    let faults: Vec<Fault> = scenario.faults().collect();
    assert!(faults.len() >= scenario.blocks());
    assert!(
        faults
            .iter()
            .all(|fault| matches!(fault, Fault::Crash { .. }))
    );
}

#[test]
fn sampled_crashes_lose_nothing_and_are_the_same_each_time() {
    let plan = Plan {
        enough: Enough::Totals(vec![(totals::BLOCKS, 8)]),
        is_self_checked: false,
        ..Plan::of(Runs::OfSeed(6))
    };
    let sampled = || campaign::run(&plan, &Crashes, &mut Unwatched);
    let once = sampled();
    assert_eq!(once.verdict, Verdict::Passed);
    let blocks = once.coverage.total(totals::BLOCKS);
    let crashes = once.coverage.of_group("crash");
    assert!(
        blocks >= 8 && crashes >= 2 * blocks,
        "{crashes} in {blocks}"
    );
    assert_eq!(once, sampled());
}

#[test]
fn a_sampled_crash_finds_a_batch_in_two_commits() {
    let found = (0..10).any(|run| {
        let scenario = crash::scenario(6, run);
        let bug = CrashBug::MergeBesideBlock;
        violated(&scenario, bug).is_some_and(|invariant| bug.is_named_by(invariant))
    });
    assert!(found);
}
