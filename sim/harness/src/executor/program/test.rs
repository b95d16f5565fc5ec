//! Campaign as a `#[test]`, whose child processes are the test program with this one test.

use std::path::Path;

use crate::campaign::{Plan, Runs, Unwatched, run};
use crate::coverage::Coverage;
use crate::exit::ExitCode;
use crate::panic::silence_panics;
use crate::reproducer::Reproducer;
use crate::shrink::Budget;
use crate::trace::Trace;

use super::super::adapter::Adapter;
use super::super::case::CaseRun;
use super::super::child::{ChildCommand, DEFAULT_MEMORY, MUTE_MARGIN};
use super::super::entrance::serve_if_child;
use super::super::shrinking::BUDGET;
use super::super::trial::Ending;
use super::super::workload::{Settings, Trials};
use super::kept::reproducers;

/// Makes a `#[test]` of an [`Adapter`]: a campaign with its contender in child processes.
///
/// The test fails with the finding, and the text of the smallest case that shows it. The fields of
/// [`TestPlan`] may follow the adapter.
///
/// ```
/// use lockstep_harness::executor::registers::RegisterMachine;
///
/// lockstep_harness::executor_test! {
///     the_register_machine_equals_its_reference, RegisterMachine::default(), cases: 500
/// }
/// ```
#[macro_export]
macro_rules! executor_test {
    ($name:ident, $adapter:expr $(, $field:ident: $value:expr)* $(,)?) => {
        #[test]
        fn $name() {
            let path = concat!(module_path!(), "::", stringify!($name));
            #[allow(clippy::needless_update, reason = "all fields may be given")]
            let plan = $crate::executor::program::TestPlan {
                $($field: $value,)*
                ..$crate::executor::program::TestPlan::default()
            };
            let passed = $crate::executor::program::run_test(&$adapter, path, plan);
            assert_eq!(passed, Ok(()));
        }
    };
}

/// Plan of a test.
#[derive(Clone, Copy, Debug)]
pub struct TestPlan<'p> {
    /// Number of cases.
    pub cases: u64,
    /// Their seed.
    pub seed: u64,
    /// Folder of kept reproducers, which are replayed first; relative to the package.
    pub corpus: Option<&'p str>,
    /// Memory of the contender's process, in bytes.
    pub memory: u64,
    /// Settings of the trials.
    pub settings: Settings,
}

impl Default for TestPlan<'_> {
    /// 300 cases of seed 1.
    fn default() -> Self {
        TestPlan {
            cases: 300,
            seed: 1,
            corpus: None,
            memory: DEFAULT_MEMORY,
            settings: Settings::default(),
        }
    }
}

/// A test that did not pass.
#[derive(Clone, PartialEq, Eq)]
pub struct TestFailed {
    /// The exit code that a campaign would have.
    pub exit_code: ExitCode,
    /// The verdict, and the reproducer of the smallest case.
    pub text: String,
}

impl std::fmt::Debug for TestFailed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "exit code {}: {}", self.exit_code, self.text)
    }
}

/// Runs the campaign of the test with this path, which begins with its crate; serves if this process is a child
/// of it. For [`executor_test!`](crate::executor_test).
///
/// # Errors
///
/// The verdict, if it is not that the campaign passed.
pub fn run_test<A: Adapter>(adapter: &A, path: &str, plan: TestPlan<'_>) -> Result<(), TestFailed> {
    serve_if_child(adapter);
    let name = path.split_once("::").map_or(path, |(_, name)| name);
    let command = ChildCommand::new(["--exact", name, "--nocapture"]);
    let command = command.with_memory(Some(plan.memory));
    let trials = Trials::isolated(adapter, command, plan.settings);
    if let Some(folder) = plan.corpus {
        replay_all(&trials, folder)?;
    }
    let campaign = Plan {
        enough: crate::campaign::Enough::Totals(vec![("cases", plan.cases)]),
        repeat_every: 8,
        run_timeout: plan.settings.limits.long + MUTE_MARGIN,
        ..Plan::of(Runs::OfSeed(plan.seed))
    };
    let summary = run(&campaign, &trials, &mut Unwatched);
    let exit_code = summary.verdict.exit_code();
    if exit_code == ExitCode::Passed {
        return Ok(());
    }
    let mut text = summary.verdict.to_string();
    for finding in summary.verdict.findings() {
        let violation = &finding.violation;
        let Some(class) = trials.class_of(violation) else {
            continue;
        };
        let small = silence_panics(|| trials.shrink(&finding.case, &class, Budget::of(BUDGET)));
        let case = small.shrunk.smallest.clone();
        let kept = CaseRun::new(case, &class.to_string());
        let kept = Reproducer::<CaseRun<A>>::new(violation.invariant.name, kept);
        let remark = format!("{}\n{class}", small.in_words());
        text.push_str("\nkeep this in a file that ends in .repro, in the folder of `corpus`:\n");
        text.push_str(
            &kept
                .to_text(&remark)
                .unwrap_or_else(|error| error.to_string()),
        );
    }
    Err(TestFailed { exit_code, text })
}

fn replay_all<A: Adapter>(trials: &Trials<'_, A>, folder: &str) -> Result<(), TestFailed> {
    let unreadable = |text: String| TestFailed {
        exit_code: ExitCode::Usage,
        text,
    };
    for path in reproducers(Path::new(folder)).map_err(unreadable)? {
        let kept = Reproducer::<CaseRun<A>>::read(&path);
        let kept = kept.map_err(|error| unreadable(error.to_string()))?;
        let judged = trials.judge(
            &kept.payload.case(),
            &mut Coverage::default(),
            &mut Trace::hashed(),
        );
        let name = path.display();
        judged.map_err(|ending| match ending {
            Ending::Found(found) => TestFailed {
                exit_code: found.violation.exit_code(),
                text: format!(
                    "{name}: {}: {}",
                    found.violation.invariant, found.violation.detail
                ),
            },
            Ending::Infrastructure(reason) => TestFailed {
                exit_code: ExitCode::Infrastructure,
                text: format!("{name}: {reason}"),
            },
        })?;
    }
    Ok(())
}
