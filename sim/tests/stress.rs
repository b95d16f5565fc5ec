//! One large block in every execution mode, here with a few hundred transactions: results and
//! verdicts. No test depends on times.

use lockstep_core::model::{Amount, Block, Genesis, Height};
use lockstep_harness::exit::ExitCode;
use lockstep_harness::invariant::{Invariant, NEVER_PANICS};
use lockstep_harness::violation::Failure;
use lockstep_sim::buggy_core::PathBug;
use lockstep_sim::canary::{Canary, CanaryBug};
use lockstep_sim::conflict_pattern::ConflictPattern;
use lockstep_sim::invariants::{BYTES_DEPEND_ON_BLOCKS_ALONE, SAME_AS_SERIAL};
use lockstep_sim::stress::{self, NotTimed, Report, Signatures, StressPlan};
use lockstep_sim::subject::{Core, Execution, StoredBlock, Subject, SubjectError};
use lockstep_sim::verdicts::is_verified_everywhere;
use lockstep_sim::world::{BlockResult, World};

fn plan(pattern: ConflictPattern, workers: usize, signatures: Signatures) -> StressPlan {
    StressPlan {
        pattern,
        transactions: 300,
        accounts: 40,
        workers,
        seed: 5,
        signatures,
    }
}

fn check_passes(signatures: Signatures, paths: usize) {
    for pattern in ConflictPattern::ALL {
        for workers in 1..=3 {
            let report = stress::run(&plan(pattern, workers, signatures));
            let timings = report
                .outcome
                .unwrap_or_else(|failure| panic!("{pattern}, {workers} workers: {failure:?}"));
            assert_eq!(timings.len(), paths);
            assert_eq!(report.applied, 300, "{pattern}");
            assert!(report.parties <= 40, "{pattern}: {}", report.parties);
            assert!(report.widest * report.levels >= 300, "{pattern}");
        }
    }
}

#[test]
fn every_pattern_passes_in_every_mode_with_1_to_3_workers() {
    check_passes(Signatures::Verified, 3);
}

#[test]
fn every_pattern_passes_with_known_verdicts_with_1_to_3_workers() {
    check_passes(Signatures::KnownToHold, 3);
}

#[test]
fn levels_are_those_of_the_pattern() {
    let levels = |pattern, accounts| {
        let report = stress::run(&StressPlan {
            accounts,
            ..plan(pattern, 1, Signatures::KnownToHold)
        });
        (report.levels, report.widest)
    };
    assert_eq!(levels(ConflictPattern::Independent, 600), (1, 300));
    // 20 pairs, each 15 times.
    assert_eq!(levels(ConflictPattern::Independent, 40), (15, 20));
    assert_eq!(levels(ConflictPattern::Chain, 40), (300, 1));
    assert_eq!(levels(ConflictPattern::OneSender, 40), (300, 1));
    assert_eq!(levels(ConflictPattern::Hot, 301), (1, 300));
}

/// Executes the block on this subject in place of core.
fn run_on(subject: impl Fn(&Genesis) -> Result<Box<dyn Subject>, SubjectError>) -> Report {
    let plan = plan(ConflictPattern::Zipf, 1, Signatures::Verified);
    stress::run_on(&plan, &|genesis, _| Ok(vec![subject(genesis)?]))
}

/// Invariant and exit code of the violation of a subject.
fn found(
    subject: impl Fn(&Genesis) -> Result<Box<dyn Subject>, SubjectError>,
) -> (&'static Invariant, ExitCode) {
    match run_on(subject).outcome {
        Err(NotTimed::Failed(Failure::Violation(violation))) => {
            (violation.invariant, violation.exit_code())
        }
        other => panic!("something is found, and not {other:?}"),
    }
}

fn same_as_serial() -> (&'static Invariant, ExitCode) {
    (&SAME_AS_SERIAL, ExitCode::Differs)
}

#[test]
fn a_wrong_receipt_or_world_differs_from_serial() {
    for bug in [CanaryBug::FeeMisreported, CanaryBug::UnitLost] {
        let found = found(|genesis| Ok(Box::new(Canary::new(genesis, bug)?)));
        assert_eq!(found, same_as_serial(), "{bug:?}");
    }
}

/// Core with a changed result of a block.
struct WrongResult {
    core: Core<lockstep_core::storage::MemoryStorage>,
    tamper: fn(BlockResult) -> Result<BlockResult, SubjectError>,
}

impl Subject for WrongResult {
    fn name(&self) -> &str {
        "wrong result"
    }

    fn add_block(&mut self, block: &Block) -> Result<BlockResult, SubjectError> {
        (self.tamper)(self.core.add_block(block)?)
    }

    fn rewind_to(&mut self, height: Height) -> Result<(), SubjectError> {
        self.core.rewind_to(height)
    }

    fn reopen(&mut self) -> Result<(), SubjectError> {
        self.core.reopen()
    }

    fn world(&self) -> Result<World, SubjectError> {
        self.core.world()
    }

    fn stored(&self, height: Height) -> Result<Option<StoredBlock>, SubjectError> {
        self.core.stored(height)
    }

    fn bytes_kept(&self) -> Result<blake3::Hash, SubjectError> {
        self.core.bytes_kept()
    }
}

fn with_wrong_result(
    tamper: fn(BlockResult) -> Result<BlockResult, SubjectError>,
) -> impl Fn(&Genesis) -> Result<Box<dyn Subject>, SubjectError> {
    move |genesis| {
        let core = Core::in_memory(genesis, 0)?;
        Ok(Box::new(WrongResult { core, tamper }))
    }
}

#[test]
fn any_part_of_a_result_that_is_another_differs_from_serial() {
    type Tamper = fn(BlockResult) -> Result<BlockResult, SubjectError>;
    let parts: [(&str, Tamper); 5] = [
        ("receipts", |mut result| {
            result.receipts.pop();
            Ok(result)
        }),
        ("state diff", |mut result| {
            result.state_diff.pop();
            Ok(result)
        }),
        ("fees", |mut result| {
            result.fees = Amount(result.fees.0 + 1);
            Ok(result)
        }),
        ("reward", |mut result| {
            result.reward = Amount(result.reward.0 - 1);
            Ok(result)
        }),
        ("digest", |mut result| {
            result.digest.0[0] ^= 1;
            Ok(result)
        }),
    ];
    for (part, tamper) in parts {
        assert_eq!(found(with_wrong_result(tamper)), same_as_serial(), "{part}");
    }
}

#[test]
fn an_unchanged_result_passes() {
    assert!(run_on(with_wrong_result(Ok)).outcome.is_ok());
}

#[test]
fn a_failure_of_memory_is_a_finding() {
    let failing = with_wrong_result(|_| Err(SubjectError::Failed("full".to_owned())));
    let (invariant, exit_code) = found(failing);
    assert_eq!(invariant.name, "no-failure-without-fault");
    assert_eq!(exit_code, ExitCode::Violated);
}

#[test]
fn a_panic_is_a_finding() {
    let found = found(with_wrong_result(|_| panic!("on purpose")));
    assert_eq!(found, (&NEVER_PANICS, ExitCode::Violated));
}

#[test]
fn recorded_phases_of_a_block_come_with_its_time() {
    let report = run_on(with_wrong_result(|result| {
        metrics::histogram!("lockstep_phase_seconds", "phase" => "tamper").record(0.25);
        Ok(result)
    }));
    let timings = report.outcome.expect("the result is right");
    let tamper = timings[0]
        .phases
        .iter()
        .find(|phase| phase.name == "tamper")
        .expect("it was recorded");
    assert_eq!(tamper.took.as_millis(), 250);
}

#[test]
fn the_mixed_run_has_applied_and_rejected_transactions_on_every_pattern() {
    for pattern in ConflictPattern::ALL {
        let plan = plan(pattern, 2, Signatures::Verified);
        let mixed = stress::run_mixed(&plan, &|genesis, hash_seed| {
            stress::on_every_mode(2, genesis, hash_seed)
        });
        let mixed = mixed.unwrap_or_else(|failure| panic!("{pattern}: {failure:?}"));
        assert_eq!((mixed.blocks, mixed.rewinds), (3, 1));
        assert_eq!(mixed.applied + mixed.rejected, 900, "{pattern}");
        // A third of the kinds is rejected, and the block comes twice.
        assert!(mixed.rejected > 100, "{pattern}: {mixed:?}");
        assert!(mixed.applied > 500, "{pattern}: {mixed:?}");
    }
}

#[test]
fn the_mixed_run_verifies_its_signatures_everywhere_unless_they_are_known_to_hold() {
    let scenario = |signatures| StressPlan {
        seed: 1,
        ..plan(ConflictPattern::Zipf, 1, signatures)
    };
    let is_everywhere = |signatures| is_verified_everywhere(&scenario(signatures).mixed_scenario());
    assert!(is_everywhere(Signatures::Verified));
    assert!(!is_everywhere(Signatures::KnownToHold));
}

#[test]
fn a_rewind_that_leaves_a_trace_is_found_in_the_mixed_run_alone() {
    let plan = plan(ConflictPattern::Zipf, 1, Signatures::Verified);
    let setup = |genesis: &Genesis, hash_seed| {
        let serial = Core::executed(Execution::Serial, genesis, hash_seed)?;
        let buggy = PathBug::RewindLeavesMark.subject(genesis, hash_seed)?;
        Ok(vec![Box::new(serial) as Box<dyn Subject>, buggy])
    };
    assert!(stress::run_on(&plan, &setup).outcome.is_ok());
    match stress::run_mixed(&plan, &setup) {
        Err(NotTimed::Failed(Failure::Violation(violation))) => {
            assert_eq!(violation.invariant.name, "same-on-every-storage");
        }
        other => panic!("something is found, and not {other:?}"),
    }
    let alone = |genesis: &Genesis, hash_seed| {
        Ok(vec![PathBug::RewindLeavesMark.subject(genesis, hash_seed)?])
    };
    match stress::run_mixed(&plan, &alone) {
        Err(NotTimed::Failed(Failure::Violation(violation))) => {
            assert_eq!(violation.invariant, &BYTES_DEPEND_ON_BLOCKS_ALONE);
        }
        other => panic!("something is found, and not {other:?}"),
    }
}
