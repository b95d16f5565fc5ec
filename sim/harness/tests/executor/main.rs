//! Trials of the machine of registers, whose contender runs in child processes of this test: each seeded bug is
//! detected with its exit code, shrunk, and kept as a reproducer; the right machine passes.

mod forgetful;
mod program;

use std::time::{Duration, Instant};

use arbitrary::{Arbitrary as _, Unstructured};
use lockstep_harness::campaign::{Plan, Runs, Summary, Unwatched, Verdict, Workload as _, run};
use lockstep_harness::choice::{Choices as _, Seeded};
use lockstep_harness::executor::answer::{Answer, Contender, InProcess};
use lockstep_harness::executor::case::CaseRun;
use lockstep_harness::executor::child::ChildCommand;
use lockstep_harness::executor::class::Kind;
use lockstep_harness::executor::fuzz::check_bytes;
use lockstep_harness::executor::registers::{RegisterBug, RegisterMachine};
use lockstep_harness::executor::shrinking::{BUDGET, Limits, Smallest};
use lockstep_harness::executor::trial::{Ending, Found};
use lockstep_harness::executor::{Case, Settings, Trials, serve_if_child};
use lockstep_harness::exit::ExitCode;
use lockstep_harness::reproducer::Reproducer;
use lockstep_harness::seeded_bug::Seeding;
use lockstep_harness::shrink::Budget;
use lockstep_harness::trace::Trace;

const SETTINGS: Settings = Settings {
    limits: Limits {
        long: Duration::from_millis(1_500),
        short: Duration::from_millis(300),
    },
    must_be_parallel: false,
};

/// Starts this test program again, with the one test that serves.
fn command() -> ChildCommand {
    let arguments = [
        "--exact",
        "the_right_machine_passes_in_child_processes",
        "--nocapture",
    ];
    ChildCommand::new(arguments).with_memory(Some(128 << 20))
}

fn plan(seeds: u64) -> Plan {
    Plan {
        repeat_every: 4,
        ..Plan::of(Runs::Seeds(0..seeds))
    }
}

fn campaign(
    machine: &RegisterMachine,
    command: ChildCommand,
    settings: Settings,
) -> Summary<Case<RegisterMachine>> {
    let trials = Trials::isolated(machine, command, settings);
    run(&plan(120), &trials, &mut Unwatched)
}

#[test]
fn the_right_machine_passes_in_child_processes() {
    let machine = RegisterMachine::default();
    serve_if_child(&machine);
    let settings = Settings {
        must_be_parallel: true,
        ..Settings::default()
    };
    let summary = campaign(&machine, command(), settings);
    assert_eq!(summary.verdict, Verdict::Passed, "{}", summary.verdict);
    assert_eq!((summary.runs, summary.repeated), (120, 30));
    let found = ["worker-aborts", "worker-panics"];
    assert!(
        found
            .iter()
            .all(|bug| summary.self_checks.iter().any(|one| one == bug))
    );
    let coverage = &summary.coverage;
    assert_eq!(coverage.total("cases"), 120);
    assert!(coverage.of("swap: changed the result") > 5, "{coverage:?}");
    assert!(coverage.of("swap: changed nothing") > 5, "{coverage:?}");
    assert!(
        coverage.of("register machine: insufficient") > 50,
        "{coverage:?}"
    );
    assert!(
        coverage.of("parallelism: several workers at once") > 50,
        "{coverage:?}"
    );
}

/// A finding of the machine with this bug, and the case that shows it.
fn first_finding(
    bug: RegisterBug,
) -> (Summary<Case<RegisterMachine>>, Found, Case<RegisterMachine>) {
    let machine = RegisterMachine::new(Some(bug));
    let trials = Trials::isolated(&machine, command().serving(bug.id()), SETTINGS);
    let plan = Plan {
        is_self_checked: false,
        ..plan(400)
    };
    let summary = run(&plan, &trials, &mut Unwatched);
    let [finding] = summary.verdict.findings() else {
        panic!("{bug}: {}", summary.verdict);
    };
    let case = (*finding.case).clone();
    let mut found = None;
    // One that shows in every fifth execution is looked for again.
    for _ in 0..5 {
        let judged = trials.judge(&case, &mut Default::default(), &mut Trace::hashed());
        if let Err(Ending::Found(again)) = judged {
            found = Some(*again);
            break;
        }
    }
    let found = found.expect("it shows again");
    assert_eq!(found.violation.invariant, finding.violation.invariant);
    (summary, found, case)
}

fn shrunk(
    bug: RegisterBug,
    case: &Case<RegisterMachine>,
    found: &Found,
) -> Smallest<RegisterMachine> {
    let machine = RegisterMachine::new(Some(bug));
    let trials = Trials::isolated(&machine, command().serving(bug.id()), SETTINGS);
    trials.shrink(case, &found.class, Budget::of(BUDGET))
}

/// Checks that a bug is detected with this exit code and kind, and shrunk to at most `most` transactions.
#[track_caller]
fn check(
    bug: RegisterBug,
    exit_code: ExitCode,
    is_its: impl Fn(&Kind) -> bool,
    most: usize,
) -> Found {
    let (summary, found, case) = first_finding(bug);
    assert_eq!(
        summary.verdict.exit_code(),
        exit_code,
        "{}",
        summary.verdict
    );
    let Seeding { named_by, .. } = bug.seeding();
    assert!(named_by.contains(&found.violation.invariant), "{found:?}");
    assert!(is_its(&found.class.kind), "{found:?}");
    let small = shrunk(bug, &case, &found);
    let said = small.in_words();
    let again = small.found.unwrap_or_else(|| panic!("{said}"));
    assert_eq!(again.class, found.class, "{said}");
    assert!(small.shrunk.smallest.transactions() <= most, "{said}");
    again
}

#[test]
fn a_wrong_result_is_found() {
    let is_its = |kind: &Kind| matches!(kind, Kind::Differs(_));
    let found = check(RegisterBug::ValidationSkipped, ExitCode::Differs, is_its, 2);
    let detail = &found.violation.detail;
    assert!(
        detail.contains(": got ") && detail.contains("parts that differ: "),
        "{detail}"
    );
}

#[test]
fn a_result_that_is_wrong_now_and_then_is_found_and_shrunk_by_several_tries() {
    let bug = RegisterBug::WrongNowAndThen;
    let (summary, found, case) = first_finding(bug);
    assert_eq!(summary.verdict.exit_code(), ExitCode::Differs);
    let small = shrunk(bug, &case, &found);
    let said = small.in_words();
    assert!(small.shown < small.of, "{said}");
    assert!(said.contains(&format!("in {} of {} executions", small.shown, small.of)));
    assert!(small.found.is_some(), "{said}");
    assert!(small.shrunk.smallest.transactions() <= 2, "{said}");
}

#[test]
fn a_block_that_the_contender_alone_refuses_is_found() {
    let is_its = |kind: &Kind| *kind == Kind::OnlyContenderRefuses;
    check(RegisterBug::RefusesFullBlocks, ExitCode::Differs, is_its, 2);
}

#[test]
fn a_bug_of_both_is_found_by_an_invariant_of_the_adapter() {
    let is_its = |kind: &Kind| *kind == Kind::OwnInvariant("moves-conserve-the-total".to_owned());
    let found = check(RegisterBug::UnitMintedByBoth, ExitCode::Violated, is_its, 1);
    assert!(
        found
            .violation
            .detail
            .starts_with("moves-conserve-the-total: ")
    );
}

#[test]
fn a_panic_in_a_worker_is_found_with_its_place() {
    let is_its = |kind: &Kind| *kind == Kind::Panic;
    let found = check(RegisterBug::WorkerPanics, ExitCode::Violated, is_its, 1);
    let detail = &found.violation.detail;
    assert!(
        detail.starts_with("register "),
        "the worker's message, not that of its scope: {detail}"
    );
    assert!(
        detail.contains("panicked at sim/harness/src/executor/registers/parallel.rs:"),
        "{detail}"
    );
}

#[test]
fn a_signal_is_found() {
    let is_its = |kind: &Kind| *kind == Kind::Signal(6);
    check(RegisterBug::WorkerAborts, ExitCode::Violated, is_its, 1);
}

#[test]
fn a_process_that_ends_itself_is_found_whatever_its_exit_code() {
    let is_its = |kind: &Kind| *kind == Kind::Ended;
    check(RegisterBug::WorkerExits, ExitCode::Violated, is_its, 1);
}

#[test]
fn a_pipe_that_is_written_to_is_found() {
    let is_its = |kind: &Kind| *kind == Kind::BrokenPipe;
    let found = check(RegisterBug::PipeGarbled, ExitCode::Violated, is_its, 1);
    let detail = &found.violation.detail;
    assert!(detail.contains("a register is absent"), "{detail}");
}

#[cfg(target_os = "linux")]
#[test]
fn too_much_memory_is_found() {
    let is_its = |kind: &Kind| *kind == Kind::OutOfMemory;
    let found = check(RegisterBug::MemoryEaten, ExitCode::Violated, is_its, 1);
    let detail = &found.violation.detail;
    assert!(
        detail.starts_with("it used more memory than its limit, 128 MiB"),
        "{detail}"
    );
}

#[test]
fn a_worker_that_waits_is_found_and_its_candidates_have_the_short_limit() {
    let begun = Instant::now();
    let is_its = |kind: &Kind| *kind == Kind::Hang;
    check(RegisterBug::WorkerWaits, ExitCode::Hang, is_its, 1);
    assert!(begun.elapsed() < Duration::from_secs(120));
}

#[test]
fn an_observation_that_is_not_canonical_is_found() {
    let is_its = |kind: &Kind| *kind == Kind::NotCanonical;
    let found = check(
        RegisterBug::ObservationUnsorted,
        ExitCode::Unreliable,
        is_its,
        2,
    );
    assert!(
        found.violation.detail.contains("sort the entries"),
        "{}",
        found.violation.detail
    );
}

#[test]
fn an_adapter_that_disagrees_with_itself_is_found_before_its_executor_is_blamed() {
    let (summary, found, _) = first_finding(RegisterBug::ReferenceForgets);
    assert_eq!(summary.verdict.exit_code(), ExitCode::Unreliable);
    assert_eq!(found.class.kind, Kind::AdapterDisagrees);
    assert_eq!(found.violation.invariant, "adapter-agrees-with-itself");
}

#[test]
fn a_reference_that_panics_is_found() {
    let is_its = |kind: &Kind| *kind == Kind::ReferenceFails;
    check(
        RegisterBug::ReferencePanics,
        ExitCode::Unreliable,
        is_its,
        4,
    );
}

/// The bugs of which the tests above show that the invariants detect them.
#[test]
fn every_invariant_of_trials_is_shown_to_catch_its_bug() {
    for (invariant, bug) in [
        ("same-as-reference", "validation-skipped"),
        ("refuses-as-reference", "refuses-full-blocks"),
        ("own-invariants-hold", "unit-minted-by-both"),
        ("stays-within-memory", "memory-eaten"),
        ("observations-are-canonical", "observation-unsorted"),
        ("adapter-agrees-with-itself", "reference-forgets"),
        ("reference-answers", "reference-panics"),
    ] {
        let bug = RegisterBug::named(bug).expect("it is one of the machine");
        let mut named_by = bug.seeding().named_by.iter();
        assert!(named_by.any(|one| one.name == invariant), "{bug}");
    }
}

#[test]
fn a_contender_that_is_serial_in_truth_makes_a_campaign_vacuous() {
    let bug = RegisterBug::AlwaysSerial;
    let machine = RegisterMachine::new(Some(bug));
    let summary = campaign(&machine, command().serving(bug.id()), SETTINGS);
    assert_eq!(
        summary.verdict.exit_code(),
        ExitCode::Vacuous,
        "{}",
        summary.verdict
    );
    let Verdict::Vacuous { missing } = &summary.verdict else {
        panic!("{}", summary.verdict);
    };
    assert_eq!(missing, &["parallelism: several workers at once"]);
}

#[test]
fn a_case_is_a_reproducer_and_back_and_of_this_executor_alone() {
    let machine = RegisterMachine::default();
    let trials = Trials::with(&machine, InProcess, SETTINGS);
    for seed in 0..60 {
        let run = lockstep_harness::campaign::RunId { seed, run: 0 };
        let (_, case) = trials.draw(run);
        let file = Reproducer::<CaseRun<RegisterMachine>>::new(
            "same-as-reference",
            CaseRun::new(case.clone(), "differs in outcome; the reference accepts"),
        );
        let text = file.to_text("drawn").expect("it has a text");
        let read = Reproducer::<CaseRun<RegisterMachine>>::from_text(&text, "it");
        let read = read.unwrap_or_else(|error| panic!("{error}\n{text}"));
        assert_eq!(read.payload.case(), case);
        let other = text.replace("register machine", "another machine");
        let error = Reproducer::<CaseRun<RegisterMachine>>::from_text(&other, "it");
        let error = error.err().expect("it is refused").to_string();
        assert!(
            error.contains("this is a case of the executor \"another machine\""),
            "{error}"
        );
    }
}

/// A contender in this process that does not measure its parallelism.
struct Unmeasured;

impl Contender<RegisterMachine> for Unmeasured {
    fn execute(
        &mut self,
        machine: &RegisterMachine,
        case: &Case<RegisterMachine>,
        json: &str,
        limit: Duration,
    ) -> Result<Answer, String> {
        let mut answer = InProcess.execute(machine, case, json, limit)?;
        if let Answer::Executed(blocks) = &mut answer {
            for block in blocks {
                block.workers_at_once = None;
            }
        }
        Ok(answer)
    }

    fn isolation(&self) -> String {
        "none".to_owned()
    }
}

#[test]
fn parallelism_that_is_not_measured_is_vacuous_only_where_it_must_be() {
    let machine = RegisterMachine::default();
    for (must_be_parallel, exit_code) in [(false, ExitCode::Passed), (true, ExitCode::Vacuous)] {
        let settings = Settings {
            must_be_parallel,
            ..SETTINGS
        };
        let trials = Trials::with(&machine, Unmeasured, settings);
        let summary = run(&plan(120), &trials, &mut Unwatched);
        assert_eq!(
            summary.verdict.exit_code(),
            exit_code,
            "{}",
            summary.verdict
        );
    }
}

/// Bytes of which a fuzzer might make a case.
fn bytes(seed: u64) -> Vec<u8> {
    let mut choices = Seeded::new(seed, 0);
    let byte = |_| u8::try_from(choices.below(256)).expect("it is below 256");
    (0..300).map(byte).collect()
}

#[test]
fn any_bytes_are_a_case_of_the_right_machine() {
    let machine = RegisterMachine::default();
    for seed in 0..60 {
        check_bytes(&machine, &bytes(seed));
    }
    check_bytes(&machine, &[]);
}

#[test]
#[should_panic(expected = "same-as-reference: ")]
fn bytes_that_show_a_bug_are_found() {
    let machine = RegisterMachine::new(Some(RegisterBug::ValidationSkipped));
    for seed in 0..60 {
        check_bytes(&machine, &bytes(seed));
    }
}

#[test]
fn a_stream_of_choices_that_draws_two_cases_is_found() {
    let machine = RegisterMachine::new(Some(RegisterBug::DrawForgets));
    let trials = Trials::with(&machine, InProcess, SETTINGS);
    let summary = run(&plan(20), &trials, &mut Unwatched);
    let [finding] = summary.verdict.findings() else {
        panic!("{}", summary.verdict);
    };
    assert_eq!(finding.violation.invariant, "adapter-agrees-with-itself");
    assert!(finding.violation.detail.contains("draws two cases"));
}

#[test]
fn a_campaign_in_which_no_transactions_conflict_is_vacuous() {
    let machine = RegisterMachine::new(Some(RegisterBug::NothingConflicts));
    let trials = Trials::with(&machine, InProcess, SETTINGS);
    let summary = run(&plan(60), &trials, &mut Unwatched);
    let missing = vec!["swap: changed the result"];
    assert_eq!(summary.verdict, Verdict::Vacuous { missing });
    assert!(summary.coverage.of("swap: changed nothing") > 10);
}

#[test]
fn structured_input_makes_the_case_of_its_bytes() {
    for seed in 0..20 {
        let bytes = bytes(seed);
        let made = Case::<RegisterMachine>::arbitrary(&mut Unstructured::new(&bytes));
        let drawn = Case::from_bytes(&RegisterMachine::default(), &bytes);
        assert_eq!(made.ok(), Some(drawn));
    }
}

proptest::proptest! {
    #![proptest_config(proptest::test_runner::Config::with_cases(40))]

    #[test]
    fn a_property_of_bytes_is_a_trial(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..300)) {
        check_bytes(&RegisterMachine::default(), &bytes);
        proptest::prop_assert!(Case::from_bytes(&RegisterMachine::default(), &bytes).to_json().is_ok());
    }
}
