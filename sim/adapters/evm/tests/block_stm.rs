//! The Block-STM against the reference, and each of its seeded bugs on the case that shows it.

use std::collections::BTreeSet;

use lockstep_evm::block_stm::{BlockStm, Bug, Pacing};
use lockstep_evm::cases::{Case, cases};
use lockstep_evm::execution::{Contender, Outcome, Status};
use lockstep_evm::reference;
use lockstep_evm::search::first_difference;

fn case(name: &str) -> Case {
    let cases = cases().into_iter();
    let mut named = cases.filter(|case| case.name == name);
    named.next().expect("the case is there")
}

#[test]
fn the_correct_one_is_accused_on_no_schedule() {
    for case in cases() {
        let shown = first_difference(&case, None, 1, 100).expect("the reference executes it");
        assert_eq!(shown, None, "{}", case.name);
    }
}

#[test]
fn the_correct_one_agrees_on_threads_of_the_system() {
    for case in cases() {
        let expected = reference::execute(&case.before, &case.block);
        for workers in [1, 2, 3, 4, 8] {
            let executed = BlockStm::CORRECT.execute(&case.before, &case.block, workers);
            assert_eq!(executed, expected, "{} on {workers} workers", case.name);
        }
    }
}

#[test]
fn every_seeded_bug_differs_from_the_reference_on_its_case() {
    for bug in Bug::ALL {
        let case = case(bug.case());
        assert!(case.block.transactions.len() <= 3, "{}", case.name);
        let shown = first_difference(&case, Some(*bug), 1, 5_000);
        let shown = shown.expect("the reference executes it");
        assert!(
            shown.is_some(),
            "{} is not found on {}",
            bug.id(),
            case.name
        );
    }
}

#[test]
fn every_case_shows_a_bug_and_every_name_is_of_one() {
    let names: BTreeSet<_> = cases().iter().map(|case| case.name).collect();
    let shown: BTreeSet<_> = Bug::ALL.iter().map(|bug| bug.case()).collect();
    assert_eq!(names, shown);
    let ids: BTreeSet<_> = Bug::ALL.iter().map(|bug| bug.id()).collect();
    assert_eq!(ids.len(), Bug::ALL.len());
}

#[test]
fn the_cases_reach_every_way_in_which_a_transaction_ends() {
    let mut ends = BTreeSet::new();
    for case in cases() {
        let executed = reference::execute(&case.before, &case.block);
        for outcome in executed.expect("the reference executes it").outcomes {
            ends.insert(match outcome {
                Outcome::Executed {
                    status, created, ..
                } => match (status, created) {
                    (Status::Succeeded, None) => "succeeded",
                    (Status::Succeeded, Some(_)) => "created",
                    (Status::Reverted, _) => "reverted",
                    (Status::Halted(_), _) => "halted",
                },
                Outcome::Rejected(_) => "rejected",
            });
        }
    }
    assert_eq!(
        ends,
        ["created", "rejected", "reverted", "succeeded"].into()
    );
}

#[test]
fn a_seed_is_one_execution_and_seeds_differ() {
    let case = case("three on one slot");
    let counts = |seed| {
        let stm = BlockStm {
            pacing: Pacing::Turns(seed),
            bug: None,
        };
        let executed = stm.execute_counted(&case.before, &case.block, 3);
        executed.expect("the correct one ends").1
    };
    let first: Vec<_> = (0..40).map(counts).collect();
    let again: Vec<_> = (0..40).map(counts).collect();
    assert_eq!(first, again);
    let executions: BTreeSet<_> = first.iter().map(|counts| counts.executions).collect();
    assert!(executions.len() > 1, "{executions:?}");
    assert!(
        first
            .iter()
            .any(|counts| counts.blocked > 0 && counts.aborted > 0)
    );
}

#[test]
fn fees_for_a_receiver_who_is_not_read_cost_no_execution() {
    let case = case("a contract reads the fee receiver");
    let mut block = case.block.clone();
    block.transactions.truncate(2);
    // The two have the fee receiver in common, and nothing else.
    block.transactions[1].to = Some(lockstep_evm::cases::wallet(4));
    for seed in 0..50 {
        let stm = BlockStm {
            pacing: Pacing::Turns(seed),
            bug: None,
        };
        let executed = stm.execute_counted(&case.before, &block, 2);
        let counts = executed.expect("the correct one ends").1;
        assert_eq!((counts.executions, counts.aborted), (2, 0), "{seed}");
    }
}
