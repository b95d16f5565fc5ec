//! Trial: one scenario, executed on subjects and on the oracle, with every step judged.

mod bytes;
mod changed;
mod encoding;
pub mod faults;
mod pool;
mod reads;
mod unexplained;

pub use bytes::difference_from_rebuilt;
pub use unexplained::{recovers_from_nothing, unexplained};

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::sync::Arc;

use lockstep_core::codec;
use lockstep_core::model::{Block, Genesis, Height, Refusal};
use lockstep_harness::digest::Digest;
use lockstep_harness::invariant;
use lockstep_harness::invariant::{Invariant, NEVER_PANICS};
use lockstep_harness::panic;
use lockstep_harness::shrink::counted;
use lockstep_harness::trace::Trace;
use lockstep_harness::violation::{Failure, Violation};
use lockstep_harness::watchdog;

use crate::coverage::{count_block, count_rewind, count_workers, point};
use crate::entries;
use crate::invariants::{self, Check, Event, Evidence, SAME_AS_SERIAL, first_violation_of};
use crate::oracle::{NaiveMempool, Oracle};
use crate::scenario::build::{self, Keys};
use crate::scenario::{BlockFlaw, BlockRecipe, Fault, Scenario, Step};
use crate::subject::{Subject, SubjectError};
use crate::verdicts::{Verdicts, has_few_transactions, is_verified_everywhere};
use crate::world::{BlockResult, World};
use changed::Agreed;
use encoding::NotDecoded;
use faults::Asked;
use lockstep_harness::coverage::Coverage;

invariant! {
    /// The bytes of a block are the one encoding of what they decode to, and a block that was built
    /// decodes.
    pub static ONE_ENCODING: "one-encoding", exits Violated, catches "TrailingBytesTaken";

    /// A subject answers every operation, and its ledger can be read.
    pub static MAKES_SENSE: "makes-sense", exits Violated, catches "io-error-is-rejection";

    /// Ledgers at one block store the same bytes, on every storage and in every execution mode.
    pub static SAME_ON_EVERY_STORAGE: "same-on-every-storage", exits Violated, catches "reorg-not-undone";
}

/// Creates the subjects of a run, all on the same genesis, with the same seed for their hash maps.
pub type Setup<'s> = dyn Fn(&Genesis, u64) -> Result<Vec<Box<dyn Subject>>, SubjectError> + 's;

/// Runs a scenario, judges every step, and counts its coverage points.
///
/// Returns the hash of all observations, which is a function of the scenario.
///
/// # Errors
///
/// [`Failure::Violation`] at the first step after which an invariant does not hold,
/// [`Failure::Infrastructure`] if the machine failed.
pub fn run(
    scenario: &Scenario,
    setup: &Setup<'_>,
    coverage: &mut Coverage,
) -> Result<Digest, Failure> {
    run_traced(scenario, setup, coverage, &mut Trace::default())
}

/// Runs a scenario as [`run`] does and checks only these invariants, beside those that a trial
/// always checks: [`MAKES_SENSE`], [`NEVER_PANICS`], and those of [`unexplained`] errors.
///
/// # Errors
///
/// As [`run`].
pub fn run_asking(
    checks: &[Check],
    scenario: &Scenario,
    setup: &Setup<'_>,
    coverage: &mut Coverage,
) -> Result<Digest, Failure> {
    run_all(checks, scenario, setup, coverage, &mut Trace::default())
}

/// Runs a scenario as [`run`] does and records every observation in `trace`, up to a failure.
///
/// # Errors
///
/// As [`run`].
pub fn run_traced(
    scenario: &Scenario,
    setup: &Setup<'_>,
    coverage: &mut Coverage,
    trace: &mut Trace,
) -> Result<Digest, Failure> {
    run_all(&invariants::ALL, scenario, setup, coverage, trace)
}

fn run_all(
    checks: &[Check],
    scenario: &Scenario,
    setup: &Setup<'_>,
    coverage: &mut Coverage,
    trace: &mut Trace,
) -> Result<Digest, Failure> {
    let mut keys = Keys::default();
    let genesis = build::genesis(&scenario.genesis, &mut keys);
    let subjects = match (setup(&genesis, scenario.hash_seed), Oracle::new(&genesis)) {
        (Ok(subjects), Ok(oracle)) => (subjects, oracle),
        (Err(SubjectError::Failed(reason)), _) => return Err(Failure::Infrastructure(reason)),
        (Err(_), Err(_)) => {
            coverage.count(point!("impossible genesis", rare));
            return Ok(Digest::ZERO);
        }
        (Err(error), Ok(_)) => {
            return Err(violation(
                &SAME_AS_SERIAL,
                0,
                "the subjects",
                format!("the genesis is refused because {error}; expected to be accepted"),
            ));
        }
        (Ok(_), Err(reason)) => {
            return Err(violation(
                &SAME_AS_SERIAL,
                0,
                "the subjects",
                format!("the genesis is accepted; expected to be refused because {reason}"),
            ));
        }
    };
    let (mut subjects, mut oracle) = subjects;
    let is_thorough = is_verified_everywhere(scenario);
    if has_few_transactions(scenario) {
        coverage.count(point!("signatures: few, verified by every subject", rare));
    } else if is_thorough {
        coverage.count(point!("signatures: verified by every subject", rare));
    } else {
        coverage.count(point!("signatures: verdicts of the oracle offered"));
        let verdicts = Verdicts::of_this_thread();
        oracle = oracle.with_signature_check(verdicts.remembering_check());
        for subject in &mut subjects {
            subject.take_verdicts(Arc::new(verdicts.clone()));
        }
    }
    let mut trial = Trial {
        genesis,
        hash_seed: scenario.hash_seed,
        judge_seed: scenario.judge_seed(),
        is_thorough,
        keys,
        oracle,
        checks,
        on_real_media: subjects
            .iter()
            .filter(|subject| subject.is_on_real_medium())
            .map(|subject| subject.name().to_owned())
            .collect(),
        subjects: Vec::new(),
        recorded: Vec::new(),
        blocks: Vec::new(),
        undone: Vec::new(),
        armed: Vec::new(),
        pool: None,
        with_body: BTreeSet::new(),
        trace,
        coverage,
        step: 0,
        label: "the genesis",
    };
    let begun = trial.oracle_world();
    trial.recorded.push(Rc::clone(&begun));
    for subject in subjects {
        let before = trial.look(&*subject)?;
        trial.judge(subject.name(), &before, &before, Event::Reopened)?;
        let before = match before == *begun {
            true => Rc::clone(&begun),
            false => Rc::new(before),
        };
        trial.subjects.push(SubjectHistory::new(subject, before));
    }
    count_workers(trial.coverage, scenario.workers);
    for (index, step) in scenario.steps.iter().enumerate() {
        trial.step = index;
        trial.label = label(step);
        watchdog::note_step(index, || label(step).to_owned());
        trial.step(step)?;
    }
    trial.read_the_rest()?;
    trial.ask_public_reads(true)?;
    if bytes::leaves_the_straight_path(scenario) {
        trial.compare_with_rebuilt_at_the_end()?;
    }
    trial.label = "what is kept at the end";
    trial.compare_bytes()?;
    Ok(trial.trace.digest())
}

struct Trial<'t> {
    genesis: Genesis,
    hash_seed: u64,
    /// Seed of the questions about public reads, and of the steps after which everything is read.
    judge_seed: u64,
    /// True if everything is verified and read everywhere, after every step.
    is_thorough: bool,
    keys: Keys,
    oracle: Oracle,
    /// Invariants that are checked after every step.
    checks: &'t [Check],
    /// Names of the subjects whose errors may be the machine's.
    on_real_media: BTreeSet<String>,
    subjects: Vec<SubjectHistory>,
    /// The oracle's world at each height of the chain.
    recorded: Vec<Rc<World>>,
    /// The blocks of the chain, from height 1.
    blocks: Vec<Block>,
    /// Blocks that the last rewind undid, the lowest first, unless a block was added since.
    undone: Vec<Block>,
    /// Faults of the next step.
    armed: Vec<Fault>,
    /// The naive mempool, once one was begun.
    pool: Option<NaiveMempool>,
    /// The subjects that have the body of the next block from a template: they get its header alone.
    with_body: BTreeSet<usize>,
    trace: &'t mut Trace,
    coverage: &'t mut Coverage,
    step: usize,
    label: &'static str,
}

/// A subject with the worlds that were read of it.
struct SubjectHistory {
    subject: Box<dyn Subject>,
    /// World after the last step.
    world: Rc<World>,
    /// World at each height, when the subject was there last.
    recorded: BTreeMap<Height, Rc<World>>,
    /// True if the last step read only what it may have changed.
    is_read_in_part: bool,
}

impl SubjectHistory {
    fn new(subject: Box<dyn Subject>, world: Rc<World>) -> Self {
        SubjectHistory {
            subject,
            recorded: BTreeMap::from([(world.height, Rc::clone(&world))]),
            is_read_in_part: false,
            world,
        }
    }

    /// Records the world after a step.
    fn note(&mut self, world: Rc<World>) {
        self.recorded.insert(world.height, Rc::clone(&world));
        self.world = world;
    }
}

impl Trial<'_> {
    fn step(&mut self, step: &Step) -> Result<(), Failure> {
        if let Step::Fault(fault) = step {
            self.armed.push(*fault);
            return Ok(());
        }
        let outcome = self.unarmed_step(step);
        // A fault that met no operation does not wait for a later step.
        self.armed.clear();
        outcome?;
        self.compare_with_rebuilt_after(step)?;
        self.ask_public_reads(false)
    }

    fn unarmed_step(&mut self, step: &Step) -> Result<(), Failure> {
        match step {
            Step::Fault(_) => Ok(()),
            Step::Block(recipe) => self.arrive(recipe),
            Step::Rewind(depth) => self.rewind(*depth),
            Step::Reapply => {
                for block in std::mem::take(&mut self.undone) {
                    self.coverage
                        .count(point!("block: reapplied after a rewind", in ["reorg"]));
                    self.add(&block)?;
                }
                Ok(())
            }
            Step::Reopen => self.reopen(),
            Step::Pool(limits) => self.begin_pool(*limits),
            Step::Submit(recipes) => self.submit(recipes),
            Step::Template(recipe) => self.propose(recipe),
        }
    }

    fn arrive(&mut self, recipe: &BlockRecipe) -> Result<(), Failure> {
        let rules = &self.genesis.rules;
        let bytes = build::block(recipe, rules, self.oracle.world(), &mut self.keys);
        let decoded = catch_panic(self.step, "core codec", || {
            encoding::decoded(&bytes, |bytes| codec::decode_block(bytes, u64::MAX))
        })?;
        match decoded {
            Ok(block) => self.add(&block),
            Err(NotDecoded::Violation(detail)) => {
                Err(violation(&ONE_ENCODING, self.step, "core codec", detail))
            }
            Err(NotDecoded::NoBlock(error)) => {
                let damaged = matches!(
                    recipe.flaw,
                    Some(BlockFlaw::Truncated(_) | BlockFlaw::Extended | BlockFlaw::FlippedBit(_))
                );
                self.coverage.count(point!("undecodable block"));
                self.observe(error.as_bytes());
                if damaged {
                    return Ok(());
                }
                Err(violation(&ONE_ENCODING, self.step, "core codec", error))
            }
        }
    }

    fn add(&mut self, block: &Block) -> Result<(), Failure> {
        watchdog::note_step(self.step, || {
            let (height, transactions) = (block.header.height.0, block.transactions.len());
            format!(
                "block {height}, of {}",
                counted(transactions, "transaction")
            )
        });
        let armed = std::mem::take(&mut self.armed);
        let earlier = faults::need_the_past(&armed).then(|| self.oracle.clone());
        let expected = self.oracle.add_block(block);
        let before = self.recorded.last().expect("the genesis is recorded");
        let rules = &self.genesis.rules;
        count_block(self.coverage, rules, block, &expected, Some(before));
        let (before, after) = (Rc::clone(before), self.oracle_world());
        let mut agreed = match self.is_read_whole() || !armed.is_empty() {
            true => Agreed::whole(before, after),
            false => Agreed::of_block(before, after, block, expected.as_ref()),
        };
        let mut subjects = std::mem::take(&mut self.subjects);
        let with_body = std::mem::take(&mut self.with_body);
        for (index, one) in subjects.iter_mut().enumerate() {
            let (subject, world) = (&mut one.subject, &one.world);
            let name = subject.name().to_owned();
            if let Some(earlier) = &earlier {
                self.templates(&armed, &mut **subject, world, earlier, block)?;
            }
            let asked = Asked::Block {
                block,
                expected: expected.as_ref(),
                earlier: earlier.as_ref(),
            };
            let got = match self.under_faults(&armed, &mut **subject, world, &asked)? {
                Some(Some(result)) => Ok(result),
                // It is done, and the answer is lost.
                Some(None) => expected.clone(),
                None => self.ask(&name, || {
                    match added(&mut **subject, block, &with_body, index) {
                        Ok(result) => Ok(Ok(result)),
                        Err(SubjectError::Refused(refusal)) => Ok(Err(refusal)),
                        Err(error) => Err(error),
                    }
                })?,
            };
            let stored = self.ask(&name, || subject.stored(block.header.height))?;
            let at_work = subject.at_work();
            let is_answer_expected = got == expected;
            let after = self.world_after(one, &agreed, is_answer_expected)?;
            self.recovered(&mut *one.subject, &one.world, &after, false)?;
            let event = Event::Block {
                block,
                got: got.as_ref(),
                expected: expected.as_ref(),
                stored: stored.as_ref(),
                at_work,
            };
            let is_stored_expected = match (&expected, &stored) {
                (Ok(expected), Some((stored, receipts))) => {
                    stored == block && *receipts == expected.receipts
                }
                (Ok(_), None) => false,
                // Nothing is claimed about it.
                (Err(_), _) => true,
            };
            let agrees = is_answer_expected && is_stored_expected && at_work.is_none();
            self.judge_unless_agreed(one, &after, event, &mut agreed, agrees)?;
            one.note(after);
        }
        self.subjects = subjects;
        self.keep(block, &expected, agreed.after);
        if let Ok(result) = &expected {
            self.tell_pool(result)?;
        }
        if armed.is_empty() {
            Ok(())
        } else {
            self.compare_bytes()
        }
    }

    fn keep(&mut self, block: &Block, expected: &Result<BlockResult, Refusal>, after: Rc<World>) {
        match expected {
            Ok(result) => {
                self.observe(&result.digest.0);
                self.blocks.push(block.clone());
                self.recorded.push(after);
                self.undone.clear();
            }
            Err(refusal) => self.observe(refusal.to_string().as_bytes()),
        }
    }

    fn rewind(&mut self, depth: u64) -> Result<(), Failure> {
        let depth = usize::try_from(depth).map_or(self.blocks.len(), |d| d.min(self.blocks.len()));
        let target = self.blocks.len() - depth;
        let height = Height(target as u64);
        self.coverage.count(match (depth, target) {
            (0, _) => point!("rewind: no block", rare),
            (_, 0) => point!("rewind: to the genesis", in ["reorg"]),
            _ => point!("rewind: some blocks", in ["calm", "reorg"]),
        });
        count_rewind(self.coverage, depth);
        self.oracle.rewind_to(height).map_err(|reason| {
            Failure::Infrastructure(format!("the oracle does not rewind: {reason}"))
        })?;
        let before = self.recorded.last().expect("the genesis is recorded");
        let mut agreed = Agreed::whole(Rc::clone(before), Rc::clone(&self.recorded[target]));
        let armed = std::mem::take(&mut self.armed);
        let mut subjects = std::mem::take(&mut self.subjects);
        for one in &mut subjects {
            let (subject, world) = (&mut one.subject, &one.world);
            let name = subject.name().to_owned();
            let asked = Asked::Rewind(height);
            if self
                .under_faults(&armed, &mut **subject, world, &asked)?
                .is_none()
                && height <= world.height
            {
                self.ask(&name, || subject.rewind_to(height))?;
            }
            let after = self.world_after(one, &agreed, true)?;
            // A subject that never had this height is compared with the oracle only.
            let recorded = Rc::clone(one.recorded.get(&height).unwrap_or(&after));
            let agrees = Rc::ptr_eq(&recorded, &agreed.after);
            let event = Event::Rewound {
                recorded: &recorded,
            };
            self.judge_unless_agreed(one, &after, event, &mut agreed, agrees)?;
            one.note(after);
        }
        self.subjects = subjects;
        self.undone = self.blocks.split_off(target);
        self.recorded.truncate(target + 1);
        let digest = self.oracle.world().digest;
        self.observe(&digest.0);
        self.give_back()?;
        self.compare_bytes()
    }

    fn reopen(&mut self) -> Result<(), Failure> {
        self.coverage.count(point!("reopen", in ["calm", "reorg"]));
        let mut agreed = Agreed::whole(self.oracle_world(), self.oracle_world());
        let armed = std::mem::take(&mut self.armed);
        let mut subjects = std::mem::take(&mut self.subjects);
        for one in &mut subjects {
            let (subject, world) = (&mut one.subject, &one.world);
            let name = subject.name().to_owned();
            if self
                .under_faults(&armed, &mut **subject, world, &Asked::Reopen)?
                .is_none()
            {
                self.ask(&name, || subject.reopen())?;
            }
            let after = self.world_after(one, &agreed, true)?;
            self.judge_unless_agreed(one, &after, Event::Reopened, &mut agreed, true)?;
            one.note(after);
        }
        self.subjects = subjects;
        self.compare_bytes()
    }

    /// Checks that all subjects store the same bytes, on every storage.
    fn compare_bytes(&mut self) -> Result<(), Failure> {
        let mut first: Option<(&SubjectHistory, blake3::Hash)> = None;
        for one in &self.subjects {
            let (subject, name) = (&one.subject, one.subject.name().to_owned());
            let bytes = self.ask(&name, || subject.bytes_kept())?;
            match &first {
                Some((other, expected)) if *expected != bytes => {
                    let other = &other.subject;
                    let expected_of = other.name();
                    let mut detail = format!(
                        "its stored bytes hash to {bytes}, those of {expected_of} to {expected}"
                    );
                    let [got, expected] = [subject, other].map(|one| one.entries());
                    if let (Ok(Some(got)), Ok(Some(expected))) = (got, expected)
                        && let Some(difference) = entries::difference(&got, &expected)
                    {
                        detail = format!("{difference}\n{detail}");
                    }
                    let invariant = &SAME_ON_EVERY_STORAGE;
                    return Err(violation(invariant, self.step, &name, detail));
                }
                Some(_) => {}
                None => first = Some((one, bytes)),
            }
        }
        if let Some((_, bytes)) = first {
            self.observe(bytes.as_bytes());
        }
        Ok(())
    }

    /// Judges the panic from which the last operation of a subject recovered, if there is one.
    fn recovered(
        &mut self,
        subject: &mut dyn Subject,
        before: &World,
        after: &World,
        was_injected: bool,
    ) -> Result<(), Failure> {
        let Some(from) = subject.take_recovered_panic() else {
            return Ok(());
        };
        if was_injected {
            self.coverage.count(point!("panic: another path taken"));
        }
        let event = Event::Recovered {
            from: &from,
            was_injected,
        };
        self.judge(subject.name(), before, after, event)
    }

    fn look(&self, subject: &dyn Subject) -> Result<World, Failure> {
        self.ask(subject.name(), || subject.world())
    }

    /// Judges a step of a subject, unless it agrees with the oracle in everything, as an earlier one
    /// of the same step did: the evidence is the same.
    fn judge_unless_agreed(
        &self,
        one: &SubjectHistory,
        after: &Rc<World>,
        event: Event<'_>,
        agreed: &mut Agreed,
        agrees: bool,
    ) -> Result<(), Failure> {
        let agrees =
            agrees && Rc::ptr_eq(&one.world, &agreed.before) && Rc::ptr_eq(after, &agreed.after);
        if !(agrees && agreed.is_judged) {
            self.judge(one.subject.name(), &one.world, after, event)?;
        }
        agreed.is_judged |= agrees;
        Ok(())
    }

    fn judge(
        &self,
        subject: &str,
        before: &World,
        after: &World,
        event: Event<'_>,
    ) -> Result<(), Failure> {
        self.judge_against(self.oracle.world(), subject, before, after, event)
    }

    fn judge_against(
        &self,
        expected: &World,
        subject: &str,
        before: &World,
        after: &World,
        event: Event<'_>,
    ) -> Result<(), Failure> {
        let evidence = Evidence {
            rules: &self.genesis.rules,
            before,
            after,
            expected,
            event,
        };
        match first_violation_of(self.checks, &evidence) {
            None => Ok(()),
            Some((invariant, detail)) => Err(violation(invariant, self.step, subject, detail)),
        }
    }

    /// Executes an operation of a subject. A panic is a finding, and so is an inconsistent ledger.
    fn ask<T>(
        &self,
        subject: &str,
        question: impl FnOnce() -> Result<T, SubjectError>,
    ) -> Result<T, Failure> {
        match catch_panic(self.step, subject, question)? {
            Ok(answer) => Ok(answer),
            Err(error) => {
                let is_on_real_medium = self.on_real_media.contains(subject);
                Err(unexplained(self.step, subject, is_on_real_medium, &error))
            }
        }
    }

    fn observe(&mut self, bytes: &[u8]) {
        self.trace.observe(self.step, self.label, bytes);
    }
}

/// Adds a block to a subject, by its header alone if the subject has the body.
fn added(
    subject: &mut dyn Subject,
    block: &Block,
    with_body: &BTreeSet<usize>,
    index: usize,
) -> Result<BlockResult, SubjectError> {
    match subject.pooled() {
        Some(pooled) if with_body.contains(&index) => pooled.add_header(&block.header),
        _ => subject.add_block(block),
    }
}

fn label(step: &Step) -> &'static str {
    match step {
        Step::Block(_) => "a block",
        Step::Rewind(_) => "a rewind",
        Step::Reapply => "undone blocks again",
        Step::Reopen => "closed and opened",
        Step::Fault(_) => "what goes wrong",
        Step::Pool(_) => "a new mempool",
        Step::Submit(_) => "transactions for the mempool",
        Step::Template(_) => "a template",
    }
}

/// Executes an operation of a subject; its panic is a finding.
///
/// # Errors
///
/// [`Failure::Violation`] of `never-panics`, with the panic's message.
pub fn catch_panic<T>(
    step: usize,
    subject: &str,
    question: impl FnOnce() -> T,
) -> Result<T, Failure> {
    watchdog::note(step, subject);
    panic::catch_panic(question).map_err(|message| {
        let detail = panic::with_place(message);
        violation(&NEVER_PANICS, step, subject, detail)
    })
}

fn violation(
    invariant: &'static Invariant,
    step: usize,
    subject: &str,
    detail: impl Into<String>,
) -> Failure {
    Violation::of(invariant, step, subject, detail).into()
}
