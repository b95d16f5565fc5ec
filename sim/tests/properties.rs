//! Property tests: core equals the oracle in every scenario under every configuration.
//!
//! The scenarios come from the project's one generator, whose choices are proptest's bytes.

use lockstep_core::config::{Config, ExecutionPath, HashSeed};
use lockstep_core::model::Genesis;
use lockstep_harness::choice::FromBytes;
use lockstep_harness::coverage::Coverage;
use lockstep_harness::digest::Digest;
use lockstep_harness::violation::Failure;
use lockstep_sim::canary::{Canary, CanaryBug};
use lockstep_sim::generate::{self, Size};
use lockstep_sim::reproducer::Reproducer;
use lockstep_sim::scenario::Scenario;
use lockstep_sim::subject::{Core, Subject, SubjectError};
use lockstep_sim::trial;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{TestCaseResult, TestError, TestRunner};

/// Configuration of a node: the settings of its operator, and the hash seed.
#[derive(Clone, Debug, PartialEq)]
struct Choice {
    enabled: bool,
    threshold: usize,
    workers: usize,
    test_mode: bool,
    stateful_ns: u64,
    forced: Option<ExecutionPath>,
    hash_seed: u64,
}

impl Choice {
    fn config(&self, genesis: &Genesis) -> Config {
        let mut config = Config::for_network(genesis.rules.network);
        config.hash_seed = HashSeed::Fixed(self.hash_seed);
        config.parallel.enabled = self.enabled;
        config.parallel.threshold = self.threshold;
        config.parallel.workers = Some(self.workers);
        config.parallel.test_mode = self.test_mode;
        config.parallel.stateful_ns = self.stateful_ns;
        config.parallel.forced = self.forced;
        config
    }
}

fn choice() -> impl Strategy<Value = Choice> {
    let forced = prop_oneof![
        3 => Just(None),
        1 => Just(Some(ExecutionPath::ParallelValidation)),
        1 => Just(Some(ExecutionPath::Graph)),
    ];
    (
        prop::bool::weighted(0.9),
        0..40usize,
        1..=16usize,
        prop::bool::weighted(0.2),
        prop_oneof![Just(0u64), Just(100_000)],
        forced,
        any::<u64>(),
    )
        .prop_map(
            |(enabled, threshold, workers, test_mode, stateful_ns, forced, hash_seed)| Choice {
                enabled,
                threshold,
                workers,
                test_mode,
                stateful_ns,
                forced,
                hash_seed,
            },
        )
}

fn scenario() -> impl Strategy<Value = Scenario> {
    vec(any::<u8>(), 0..1_500)
        .prop_map(|bytes| generate::scenario(&mut FromBytes(&bytes), Size::SMALL).1)
}

fn runner(cases: u32) -> TestRunner {
    TestRunner::new_with_rng(
        ProptestConfig {
            cases,
            failure_persistence: None,
            // Bytes shrink badly; `lockstep shrink` is for findings.
            max_shrink_iters: 64,
            ..ProptestConfig::default()
        },
        proptest::test_runner::TestRng::deterministic_rng(
            proptest::test_runner::RngAlgorithm::ChaCha,
        ),
    )
}

type Subjects = Vec<Box<dyn Subject>>;

/// Judges a scenario on these subjects against the oracle.
fn judge(
    scenario: &Scenario,
    subjects: impl Fn(&Genesis) -> Result<Subjects, SubjectError>,
) -> Result<Digest, TestCaseError> {
    let outcome = trial::run(
        scenario,
        &|genesis, _| subjects(genesis),
        &mut Coverage::default(),
    );
    outcome.map_err(|failure| match failure {
        Failure::Violation(violation) => {
            let text = Reproducer::new(violation.invariant.name, scenario.clone())
                .to_text(&violation.detail)
                .expect("a scenario can be written");
            TestCaseError::fail(format!(
                "{} by {}\n{text}",
                violation.invariant, violation.subject
            ))
        }
        Failure::Infrastructure(reason) => panic!("the machine failed: {reason}"),
    })
}

fn configured(scenario: &Scenario, choices: &[Choice]) -> TestCaseResult {
    judge(scenario, |genesis| {
        choices
            .iter()
            .enumerate()
            .map(|(number, choice)| {
                let name = format!("core {number}, {choice:?}");
                let core = Core::configured(name, genesis, choice.config(genesis))?;
                Ok(Box::new(core) as Box<dyn Subject>)
            })
            .collect()
    })
    .map(|_| ())
}

#[test]
fn blocks_have_the_serial_result_under_every_configuration() {
    let done = runner(150).run(&(scenario(), vec(choice(), 1..4)), |(scenario, choices)| {
        configured(&scenario, &choices)
    });
    assert_eq!(done, Ok(()));
}

#[test]
fn a_file_keeps_the_bytes_of_memory_under_every_configuration() {
    let done = runner(25).run(
        &(scenario(), choice(), choice()),
        |(scenario, one, other)| {
            let folder = tempfile::tempdir().expect("there is room for a file");
            let path = folder.path().join("ledger.redb");
            judge(&scenario, |genesis| {
                let memory = Core::configured("memory".to_owned(), genesis, one.config(genesis))?;
                let config = other.config(genesis);
                let file = Core::configured_in_file(&path, "file".to_owned(), genesis, config)?;
                Ok(vec![Box::new(memory), Box::new(file)])
            })
            .map(|_| ())
        },
    );
    assert_eq!(done, Ok(()));
}

/// Self-check: the same property fails for every canary.
#[test]
fn a_seeded_bug_is_found_by_the_same_property() {
    for bug in CanaryBug::ALL {
        let found = runner(300).run(&scenario(), |scenario| {
            judge(&scenario, |genesis| {
                Ok(vec![
                    Box::new(Canary::new(genesis, bug)?) as Box<dyn Subject>
                ])
            })
            .map(|_| ())
        });
        assert!(matches!(found, Err(TestError::Fail(..))), "{bug:?}");
    }
}
