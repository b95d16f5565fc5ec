//! Drawn faults: core survives them, and a seeded bug is detected by them and shrunk.

use lockstep_harness::choice::Seeded;
use lockstep_harness::coverage::Coverage;
use lockstep_harness::violation::Failure;
use lockstep_sim::disk::Loss;
use lockstep_sim::faulty::{self, OnDiskBug};
use lockstep_sim::generate::{self, FaultKind, Size};
use lockstep_sim::reproducer::Reproducer;
use lockstep_sim::scenario::{Fault, Scenario, Step};
use lockstep_sim::shrink::{self, BUDGET};
use lockstep_sim::trial;

/// Drawn scenarios with faults.
fn drawn(runs: std::ops::Range<u64>) -> impl Iterator<Item = Scenario> {
    runs.map(|run| generate::scenario_with_faults(&mut Seeded::new(11, run), Size::SMALL).1)
}

#[test]
fn core_survives_all_drawn_faults() {
    let mut coverage = Coverage::default();
    for scenario in drawn(0..150) {
        let outcome = trial::run(&scenario, &faulty::subjects, &mut coverage);
        assert!(outcome.is_ok(), "{outcome:?}\n{scenario:?}");
    }
    for group in [
        "crash",
        "lost",
        "failed",
        "panic",
        "cancelled",
        "concurrent",
        "clock",
    ] {
        let events: Vec<_> = coverage
            .events()
            .filter(|(event, _)| event.starts_with(group))
            .collect();
        assert!(!events.is_empty(), "no {group}");
    }
}

#[test]
fn a_drawn_scenario_with_faults_is_text_and_back() {
    for scenario in drawn(0..100) {
        let reproducer = Reproducer::new("same-as-serial", scenario);
        let text = reproducer.to_text("drawn").expect("it can be written");
        let again = Reproducer::from_text(&text, "memory").expect("what was written can be read");
        assert_eq!(again, reproducer);
    }
}

#[test]
fn a_run_with_faults_is_the_same_each_time() {
    for scenario in drawn(0..12).filter(|scenario| scenario.faults().count() > 0) {
        let once = || {
            let mut coverage = Coverage::default();
            let outcome = trial::run(&scenario, &faulty::subjects, &mut coverage);
            (outcome, coverage)
        };
        assert_eq!(once(), once());
    }
}

#[test]
fn many_scenarios_have_no_faults_and_each_kind_is_left_out_of_some() {
    let profiles: Vec<_> = (0..200)
        .map(|run| generate::scenario_with_faults(&mut Seeded::new(2, run), Size::SMALL))
        .collect();
    let calm = profiles
        .iter()
        .filter(|(profile, _)| profile.faults.percent == 0);
    assert!((50..=110).contains(&calm.clone().count()));
    for (_, scenario) in calm {
        assert_eq!(scenario.faults().count(), 0);
    }
    for kind in FaultKind::ALL {
        let weight_of = |zero: bool| {
            profiles.iter().any(|(profile, _)| {
                let weights = &profile.faults.weights;
                weights
                    .iter()
                    .any(|(of, weight)| *of == kind && (*weight == 0) == zero)
            })
        };
        assert!(weight_of(true) && weight_of(false), "{kind}");
    }
}

/// Violated invariant of core on a storage that makes two commits of a batch.
fn torn(scenario: &Scenario) -> Option<String> {
    let outcome = trial::run(
        scenario,
        &|genesis, hash_seed| {
            let subject = OnDiskBug::MergeBesideBlock.subject(genesis, hash_seed)?;
            Ok(vec![subject])
        },
        &mut Coverage::default(),
    );
    match outcome {
        Err(Failure::Violation(violation)) => Some(violation.invariant.name.to_owned()),
        _ => None,
    }
}

#[test]
fn a_crash_among_many_faults_comes_out_alone_and_simple() {
    let name = "crash-leaves-before-or-after";
    let found = drawn(0..1_000)
        .filter(|scenario| scenario.faults().count() > 2)
        .find(|scenario| torn(scenario).as_deref() == Some(name))
        .expect("a drawn crash finds it");
    let shrunk = shrink::shrink(&found, name, BUDGET, &torn);
    println!("{shrunk}: {:?}", shrunk.smallest.steps);
    let [Step::Fault(Fault::Crash { loss, .. }), Step::Block(block)] =
        shrunk.smallest.steps.as_slice()
    else {
        panic!(
            "a crash and a block are enough: {:?}",
            shrunk.smallest.steps
        );
    };
    assert_eq!(*loss, Loss::Nothing);
    assert!(block.transactions.len() <= 1, "{block:?}");
}
