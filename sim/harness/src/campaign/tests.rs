//! A campaign over a system that adds numbers, right but for one seeded bug at a time.

use super::*;
use crate::exit::ExitCode;
use crate::invariant;
use crate::point;
use crate::trace::Trace;

const SYSTEM: &str = "an adder";

invariant! {
    /// The sum of two numbers is their sum.
    static SUMS_ARE_SUMS: "sums-are-sums", exits Differs, catches "Large";
}

/// Seeded bugs of the adder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Bug {
    /// Sums above 12 are one too small.
    Large,
    /// The second execution of a run observes something else.
    Repeated,
    /// Only the second execution is wrong.
    WrongWhenRepeated,
    /// The machine fails in the third run.
    Machine,
    /// The self-check finds nothing.
    Undetected,
    /// Nothing is ever added.
    Idle,
}

struct Adder(Option<Bug>);

impl Adder {
    fn has(&self, bug: Bug) -> bool {
        self.0 == Some(bug)
    }
}

impl Workload for Adder {
    type Case = (u64, u64);
    type Profile = String;

    fn system(&self) -> &'static str {
        SYSTEM
    }

    fn draw(&self, run: RunId) -> (String, (u64, u64)) {
        ("two numbers".to_owned(), (run.seed, run.run))
    }

    fn execute(&self, (one, other): &(u64, u64), is_repeated: bool) -> Execution {
        let (mut coverage, mut trace) = (Coverage::default(), Trace::default());
        if !self.has(Bug::Idle) {
            coverage.count(point!("an adder", "sum: made"));
            coverage.count_many(point!("an adder", "summands", total), 2);
        }
        let sum = one + other;
        let is_off =
            (self.has(Bug::Large) && sum > 12) || (self.has(Bug::WrongWhenRepeated) && is_repeated);
        let is_strange = self.has(Bug::Repeated) && is_repeated;
        trace.line(0, sum + u64::from(is_strange));
        let outcome = if self.has(Bug::Machine) && *other == 2 {
            Err(Failure::Infrastructure("the disk is full".to_owned()))
        } else if is_off {
            Err(Violation::of(&SUMS_ARE_SUMS, 0, "an adder", format!("{one} and {other}")).into())
        } else {
            Ok(trace.digest())
        };
        Execution {
            coverage,
            trace,
            outcome,
        }
    }

    fn self_check(&self, _: u64) -> Result<Vec<String>, SelfCheckFailed> {
        match self.has(Bug::Undetected) {
            false => Ok(vec!["Large".to_owned()]),
            true => Err(SelfCheckFailed {
                bug: "Large".to_owned(),
                found_by: "sums-are-sums".to_owned(),
                got: "nothing".to_owned(),
            }),
        }
    }

    fn missing(&self, coverage: &Coverage, _: u64, is_whole: bool) -> Vec<&'static str> {
        match is_whole {
            true => coverage.missing(SYSTEM, None),
            false => Vec::new(),
        }
    }
}

/// Ten runs of seed 7, every second one repeated.
fn plan() -> Plan {
    Plan {
        enough: Enough::Totals(vec![("summands", 20)]),
        repeat_every: 2,
        ..Plan::of(Runs::OfSeed(7))
    }
}

fn summary(bug: Option<Bug>, plan: &Plan) -> Summary<(u64, u64)> {
    run(plan, &Adder(bug), &mut Unwatched)
}

#[track_caller]
fn check_ends(bug: Bug, plan: &Plan, verdict: &str, exit_code: ExitCode, runs: u64) {
    let summary = summary(Some(bug), plan);
    assert_eq!(summary.verdict.name(), verdict, "{}", summary.verdict);
    assert_eq!(summary.verdict.exit_code(), exit_code);
    assert_eq!(summary.runs, runs);
}

#[test]
fn a_campaign_of_a_right_system_passes_and_is_the_same_each_time() {
    let first = summary(None, &plan());
    assert_eq!(first.verdict, Verdict::Passed);
    assert_eq!((first.runs, first.repeated), (10, 5));
    assert_eq!(first.coverage.of("sum: made"), 10);
    assert_eq!(first.self_checks, ["Large"]);
    assert_eq!(first, summary(None, &plan()));
}

#[test]
fn a_violation_ends_it_in_the_run_that_shows_it() {
    check_ends(Bug::Large, &plan(), "violated", ExitCode::Differs, 7);
    let summary = summary(Some(Bug::Large), &plan());
    let [finding] = summary.verdict.findings() else {
        panic!("there is one finding: {}", summary.verdict);
    };
    assert_eq!((*finding.case, finding.times), ((7, 6), 1));
}

#[test]
fn findings_of_one_kind_are_one_and_counted() {
    let plan = Plan {
        most_findings: 3,
        ..plan()
    };
    let summary = summary(Some(Bug::Large), &plan);
    let findings = summary.verdict.findings();
    assert_eq!((findings.len(), findings[0].times), (1, 3));
}

#[test]
fn a_run_that_goes_two_ways_is_no_pass() {
    let code = ExitCode::Unreliable;
    check_ends(Bug::Repeated, &plan(), "not deterministic", code, 1);
}

#[test]
fn a_violation_that_only_the_repetition_shows_is_a_violation() {
    let code = ExitCode::Differs;
    check_ends(Bug::WrongWhenRepeated, &plan(), "violated", code, 1);
}

#[test]
fn a_machine_that_fails_ends_it_without_a_finding() {
    let code = ExitCode::Infrastructure;
    check_ends(Bug::Machine, &plan(), "infrastructure", code, 2);
}

#[test]
fn a_self_check_that_fails_ends_it_before_the_first_run() {
    let code = ExitCode::Unreliable;
    check_ends(Bug::Undetected, &plan(), "self-check failed", code, 0);
}

#[test]
fn a_campaign_that_reached_nothing_is_vacuous() {
    let plan = Plan::of(Runs::Seeds(0..5));
    check_ends(Bug::Idle, &plan, "vacuous", ExitCode::Vacuous, 5);
    let by_hand = Plan::of(Runs::One(RunId { seed: 1, run: 1 }));
    check_ends(Bug::Idle, &by_hand, "passed", ExitCode::Passed, 1);
}

#[test]
fn the_clock_ends_a_campaign_that_is_told_to_end_by_it() {
    let plan = Plan {
        enough: Enough::Time(Duration::ZERO),
        ..plan()
    };
    assert_eq!(summary(None, &plan).runs, 0);
}

/// An observer that is interrupted after a number of runs, and keeps the kinds of findings it hears of.
struct InterruptedAfter {
    runs: u64,
    found: Vec<RunId>,
}

impl<P> Observer<P> for InterruptedAfter {
    fn drawn(&mut self, _: RunId, _: &P) {}
    fn ended(&mut self, _: &P, _: &Ended) {
        self.runs -= 1;
    }
    fn elapsed(&self) -> Duration {
        Duration::ZERO
    }
    fn found(&mut self, run: RunId, _: &Violation) {
        self.found.push(run);
    }
    fn is_interrupted(&self) -> bool {
        self.runs == 0
    }
}

#[test]
fn an_interrupted_campaign_has_the_summary_of_its_runs_so_far() {
    let mut observer = InterruptedAfter {
        runs: 5,
        found: Vec::new(),
    };
    let summary = run(&Plan::of(Runs::OfSeed(0)), &Adder(None), &mut observer);
    assert_eq!((summary.runs, &summary.verdict), (5, &Verdict::Interrupted));
    assert_eq!(summary.verdict.exit_code(), ExitCode::Interrupted);
    assert_eq!(summary.coverage.of("sum: made"), 5);
}

#[test]
fn a_kind_of_finding_is_told_once_and_before_the_campaign_ends() {
    let mut observer = InterruptedAfter {
        runs: 20,
        found: Vec::new(),
    };
    let plan = Plan {
        most_findings: 100,
        ..Plan::of(Runs::OfSeed(0))
    };
    let summary = run(&plan, &Adder(Some(Bug::Large)), &mut observer);
    assert_eq!(observer.found, [RunId { seed: 0, run: 13 }]);
    assert_eq!(summary.verdict.findings()[0].times, 7);
    assert_eq!(summary.besides.as_deref(), Some(&Verdict::Interrupted));
    assert_eq!(summary.verdict.exit_code(), ExitCode::Differs);
}

#[test]
fn a_campaign_on_several_lanes_has_the_summary_of_one() {
    let plans = [
        plan(),
        Plan {
            most_findings: 30,
            ..Plan::of(Runs::Seeds(0..400))
        },
    ];
    for bug in [
        None,
        Some(Bug::Large),
        Some(Bug::Repeated),
        Some(Bug::Machine),
    ] {
        for plan in &plans {
            let one = run(plan, &Adder(bug), &mut Unwatched);
            for lanes in [1, 3, 8] {
                let lane = || Adder(bug);
                let several = run_on_lanes(plan, &Adder(bug), lanes, lane, &mut Unwatched);
                assert_eq!(several, one, "{bug:?} on {lanes} lanes");
            }
        }
    }
}

#[test]
fn a_lane_that_panics_ends_the_campaign_without_a_verdict_about_the_adder() {
    struct Panics;
    impl Workload for Panics {
        type Case = (u64, u64);
        type Profile = String;
        fn system(&self) -> &'static str {
            SYSTEM
        }
        fn draw(&self, run: RunId) -> (String, (u64, u64)) {
            Adder(None).draw(run)
        }
        fn execute(&self, case: &(u64, u64), is_repeated: bool) -> Execution {
            match case.1 {
                7 => panic!("the harness is wrong"),
                _ => Adder(None).execute(case, is_repeated),
            }
        }
        fn self_check(&self, seed: u64) -> Result<Vec<String>, SelfCheckFailed> {
            Adder(None).self_check(seed)
        }
        fn missing(&self, _: &Coverage, _: u64, _: bool) -> Vec<&'static str> {
            Vec::new()
        }
    }
    let plan = Plan::of(Runs::OfSeed(7));
    let summary = run_on_lanes(&plan, &Adder(None), 3, || Panics, &mut Unwatched);
    let Verdict::Infrastructure { reason, .. } = &summary.verdict else {
        panic!("{}", summary.verdict);
    };
    assert!(
        reason.starts_with("the harness panicked: the harness is wrong"),
        "{reason}"
    );
    assert_eq!(summary.runs, 7);
}
