//! Campaigns of ledgers: they are deterministic, and every failure has its verdict.

use lockstep_core::model::{Block, Genesis, Height};
use lockstep_harness::campaign::{
    self, Enough, Plan, RunId, Runs, Shard, Summary, Unwatched, Verdict,
};
use lockstep_harness::choice::{Choices, FromBytes, Seeded};
use lockstep_harness::coverage::Coverage;
use lockstep_harness::digest::Digest;
use lockstep_harness::exit::ExitCode;
use lockstep_harness::violation::Failure;
use lockstep_sim::campaign::{CoreSubjects, Ledgers, SubjectFactory};
use lockstep_sim::generate::{self, Preset, Size};
use lockstep_sim::reproducer::Reproducer;
use lockstep_sim::scenario::Scenario;
use lockstep_sim::subject::{Core, StoredBlock, Subject, SubjectError};
use lockstep_sim::trial;
use lockstep_sim::world::{BlockResult, World};

use std::ops::Range;

fn drawn(seed: u64) -> Scenario {
    generate::scenario(&mut Seeded::new(seed, 0), Size::SMALL).1
}

#[test]
fn one_stream_of_choices_makes_one_scenario() {
    assert_eq!(drawn(7), drawn(7));
    assert_ne!(drawn(7), drawn(8));
    assert_ne!(
        drawn(7),
        generate::scenario(&mut Seeded::new(7, 1), Size::SMALL).1
    );
}

#[test]
fn any_bytes_are_a_scenario_that_can_be_run() {
    let mut outcomes = std::collections::BTreeSet::new();
    for first in 0..=40u8 {
        let bytes: Vec<u8> = (0..400u32)
            .map(|index| (index.wrapping_mul(u32::from(first) * 2 + 1) >> 3).to_le_bytes()[0])
            .collect();
        let (_, scenario) = generate::scenario(&mut FromBytes(&bytes), Size::SMALL);
        outcomes.insert(in_memory(&scenario).expect("core is right about any scenario"));
    }
    assert!(
        outcomes.len() > 20,
        "only {} different runs",
        outcomes.len()
    );
}

#[test]
fn no_bytes_are_a_stream_of_zeros() {
    let mut nothing = FromBytes(&[]);
    assert_eq!(nothing.below(u64::MAX), 0);
    assert_eq!(nothing.between(3, 9), 3);
}

#[test]
fn choices_stay_below_their_bound_and_reach_every_number() {
    let mut seeded = Seeded::new(1, 1);
    let mut seen = [false; 5];
    for _ in 0..200 {
        seen[usize::try_from(seeded.below(5)).expect("it is below 5")] = true;
    }
    assert_eq!(seen, [true; 5]);
    assert_eq!(seeded.weighted(&[('a', 0), ('b', 0)]), None);
    assert_eq!(seeded.weighted(&[('a', 0), ('b', 3), ('c', 0)]), Some('b'));
}

#[test]
fn a_drawn_scenario_is_text_and_back() {
    for seed in 0..200 {
        let reproducer = Reproducer::new("same-as-serial", drawn(seed));
        let text = reproducer.to_text("drawn").expect("it can be written");
        let again = Reproducer::from_text(&text, "memory").expect("what was written can be read");
        assert_eq!(again, reproducer, "seed {seed}");
    }
}

fn in_memory(scenario: &Scenario) -> Result<Digest, Failure> {
    trial::run(
        scenario,
        &|genesis, hash_seed| {
            Ok(vec![
                Box::new(Core::in_memory(genesis, hash_seed)?) as Box<dyn Subject>
            ])
        },
        &mut Coverage::default(),
    )
}

#[test]
fn two_hash_seeds_give_one_outcome() {
    for seed in 0..50 {
        let scenario = drawn(seed);
        let other = Scenario {
            hash_seed: scenario.hash_seed ^ 0xdead_beef,
            ..scenario.clone()
        };
        assert_eq!(in_memory(&scenario), in_memory(&other), "seed {seed}");
    }
}

/// Core in memory, after a check of each block that may fail.
struct FailsSomeBlocks<F> {
    inner: Core<lockstep_core::storage::MemoryStorage>,
    add: F,
}

impl<F: FnMut(&Block) -> Result<(), SubjectError>> Subject for FailsSomeBlocks<F> {
    fn name(&self) -> &str {
        "odd"
    }
    fn add_block(&mut self, block: &Block) -> Result<BlockResult, SubjectError> {
        (self.add)(block)?;
        self.inner.add_block(block)
    }
    fn rewind_to(&mut self, height: Height) -> Result<(), SubjectError> {
        self.inner.rewind_to(height)
    }
    fn reopen(&mut self) -> Result<(), SubjectError> {
        self.inner.reopen()
    }
    fn world(&self) -> Result<World, SubjectError> {
        self.inner.world()
    }
    fn stored(&self, height: Height) -> Result<Option<StoredBlock>, SubjectError> {
        self.inner.stored(height)
    }
    fn bytes_kept(&self) -> Result<blake3::Hash, SubjectError> {
        self.inner.bytes_kept()
    }
}

fn with(add: impl Fn(&Block) -> Result<(), SubjectError> + Copy + 'static) -> Failure {
    let outcome = trial::run(
        &drawn(3),
        &|genesis, hash_seed| {
            let inner = Core::in_memory(genesis, hash_seed)?;
            Ok(vec![
                Box::new(FailsSomeBlocks { inner, add }) as Box<dyn Subject>
            ])
        },
        &mut Coverage::default(),
    );
    outcome.expect_err("an odd subject does not pass")
}

#[test]
fn a_panic_is_a_finding() {
    let Failure::Violation(violation) = with(|_| panic!("on purpose")) else {
        panic!("a panic is the subject's fault");
    };
    assert_eq!(
        (violation.invariant.name, violation.exit_code()),
        ("never-panics", ExitCode::Violated)
    );
    assert_eq!(violation.detail, "on purpose");
}

#[test]
fn a_failure_of_memory_is_a_finding() {
    let failure = with(|_| Err(SubjectError::Failed("the disk is full".to_owned())));
    let Failure::Violation(violation) = failure else {
        panic!("memory is no disk: {failure:?}");
    };
    assert_eq!(
        (violation.invariant.name, violation.detail.as_str()),
        ("no-failure-without-fault", "the disk is full")
    );
}

#[test]
fn a_ledger_that_makes_no_sense_is_a_finding() {
    let Failure::Violation(violation) =
        with(|_| Err(SubjectError::Damaged("a balance is gone".to_owned())))
    else {
        panic!("no test damages it");
    };
    assert_eq!(violation.invariant, "makes-sense");
}

fn plan(seeds: Range<u64>) -> Plan {
    Plan {
        repeat_every: 1,
        ..Plan::of(Runs::Seeds(seeds))
    }
}

fn chosen_by_hand(run: u64) -> Plan {
    Plan {
        runs: Runs::One(RunId { seed: 5, run }),
        ..plan(0..1)
    }
}

/// A campaign of these subjects.
fn run(plan: &Plan, subjects: &dyn SubjectFactory) -> Summary<Scenario> {
    run_with_hash_seed(plan, subjects, 0)
}

fn run_with_hash_seed(
    plan: &Plan,
    subjects: &dyn SubjectFactory,
    hash_seed: u64,
) -> Summary<Scenario> {
    let ledgers = Ledgers {
        preset: Preset::Default,
        hash_seed,
        subjects,
    };
    campaign::run(plan, &ledgers, &mut Unwatched)
}

/// Core in memory alone: these tests are about the campaign.
fn core(genesis: &Genesis, hash_seed: u64) -> Result<Vec<Box<dyn Subject>>, SubjectError> {
    Ok(vec![Box::new(Core::in_memory(genesis, hash_seed)?)])
}

#[test]
fn a_campaign_depends_on_its_seed_alone() {
    let folder = tempfile::tempdir().expect("there is room for a temporary folder");
    let on_core = CoreSubjects {
        folder: folder.path().to_path_buf(),
    };
    let once = run(&chosen_by_hand(1), &on_core);
    assert_eq!(once.verdict, Verdict::Passed);
    assert_eq!((once.runs, once.repeated), (1, 1));

    let elsewhere = tempfile::tempdir().expect("there is room for a temporary folder");
    let other_folder = CoreSubjects {
        folder: elsewhere.path().to_path_buf(),
    };
    let again = run_with_hash_seed(&chosen_by_hand(1), &other_folder, 99);
    assert_eq!(again.digest, once.digest);

    let other_run = run(&chosen_by_hand(2), &on_core);
    assert_ne!(other_run.digest, once.digest);
}

#[test]
fn a_whole_campaign_that_reached_little_is_vacuous() {
    let short = Plan {
        runs: Runs::OfSeed(5),
        enough: Enough::Totals(vec![("blocks", 1), ("transactions", 1)]),
        ..plan(0..1)
    };
    let summary = run(&short, &core);
    let Verdict::Vacuous { missing } = &summary.verdict else {
        panic!(
            "a campaign of one run reaches little: {:?}",
            summary.verdict
        );
    };
    assert!(missing.contains(&"rejected: cosignature count"));
    assert_eq!(summary.verdict.exit_code(), ExitCode::Vacuous);
    // A shard or a single run need not reach what only the whole campaign reaches.
    let shard = Plan {
        shard: Shard { index: 0, of: 2 },
        ..short
    };
    for little in [shard, chosen_by_hand(1)] {
        let summary = run(&little, &core);
        assert_eq!(summary.verdict, Verdict::Passed);
    }
}

#[test]
fn a_campaign_that_applied_nothing_is_vacuous_however_it_was_chosen() {
    let nothing = Plan {
        shard: Shard { index: 3, of: 4 },
        ..plan(5..7)
    };
    let summary = run(&nothing, &core);
    assert_eq!(summary.runs, 0);
    assert_eq!(summary.verdict.exit_code(), ExitCode::Vacuous);
}

#[test]
fn a_folder_that_is_not_there_is_the_machines_fault() {
    let nowhere = CoreSubjects {
        folder: "/nowhere/at/all".into(),
    };
    let summary = run(&chosen_by_hand(1), &nowhere);
    assert_eq!(summary.verdict.exit_code(), ExitCode::Infrastructure);
    assert!(summary.verdict.to_string().contains("/nowhere/at/all"));
}

/// A subject whose stored bytes differ each time: two executions of a run cannot agree.
struct KeepsTheTime {
    inner: Core<lockstep_core::storage::MemoryStorage>,
    time: u64,
}

impl Subject for KeepsTheTime {
    fn name(&self) -> &str {
        "keeps the time"
    }
    fn add_block(&mut self, block: &Block) -> Result<BlockResult, SubjectError> {
        self.inner.add_block(block)
    }
    fn rewind_to(&mut self, height: Height) -> Result<(), SubjectError> {
        self.inner.rewind_to(height)
    }
    fn reopen(&mut self) -> Result<(), SubjectError> {
        self.inner.reopen()
    }
    fn world(&self) -> Result<World, SubjectError> {
        self.inner.world()
    }
    fn stored(&self, height: Height) -> Result<Option<StoredBlock>, SubjectError> {
        self.inner.stored(height)
    }
    fn bytes_kept(&self) -> Result<blake3::Hash, SubjectError> {
        Ok(blake3::hash(&self.time.to_le_bytes()))
    }
}

#[test]
fn a_run_that_goes_two_ways_ends_a_campaign_with_the_first_difference() {
    let time = std::cell::Cell::new(0);
    let keeps_the_time = |genesis: &Genesis, hash_seed| {
        time.set(time.get() + 1);
        let inner = Core::in_memory(genesis, hash_seed)?;
        let time = time.get();
        Ok(vec![
            Box::new(KeepsTheTime { inner, time }) as Box<dyn Subject>
        ])
    };
    let summary = run(&chosen_by_hand(1), &keeps_the_time);
    assert_eq!(summary.verdict.exit_code(), ExitCode::Unreliable);
    let Verdict::NotDeterministic { difference, .. } = &summary.verdict else {
        panic!("it kept two things: {:?}", summary.verdict);
    };
    assert_ne!(difference.observed[0], difference.observed[1]);
    let text = summary.verdict.to_string();
    assert!(
        text.contains("two executions of run 1 of seed 5 differ"),
        "{text}"
    );
    assert!(text.contains("first      step "), "{text}");

    // Executed once, the difference stays hidden: that is the reason for repetitions.
    let once = Plan {
        repeat_every: 0,
        ..chosen_by_hand(1)
    };
    assert_eq!(run(&once, &keeps_the_time).verdict, Verdict::Passed);
}

#[test]
fn findings_of_one_kind_are_counted_and_kept_once() {
    let broken = |genesis: &Genesis, hash_seed| {
        let inner = Core::in_memory(genesis, hash_seed)?;
        let add = |block: &Block| match block.header.height.0 {
            2 => panic!("block {} on purpose", block.header.height.0),
            _ => Ok(()),
        };
        Ok(vec![
            Box::new(FailsSomeBlocks { inner, add }) as Box<dyn Subject>
        ])
    };
    let long = Plan {
        most_findings: 3,
        repeat_every: 0,
        ..plan(5..30)
    };
    let summary = run(&long, &broken);
    let findings = summary.verdict.findings();
    assert_eq!(findings.len(), 1);
    assert_eq!(findings[0].times, 3);
    assert_eq!(findings[0].violation.invariant, "never-panics");
    assert_eq!(summary.verdict.exit_code(), ExitCode::Violated);
}
