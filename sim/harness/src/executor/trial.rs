//! Trial: one case executed by the reference and by the contender, and judged.
//!
//! Block after block, the observations are compared part by part. What the two agree on is given to the
//! adapter's own invariants. In a share of the cases that their content decides, the reference is asked
//! again (an adapter that depends on anything but its arguments blames every executor), and two
//! neighbours are swapped under it (transactions that do not conflict test nothing).

use std::time::Duration;

use crate::coverage::Coverage;
use crate::invariant::{FINISHES_IN_TIME, Invariant, NEVER_PANICS, PROCESS_SURVIVES};
use crate::panic;
use crate::point;
use crate::signature::without_numbers;
use crate::trace::Trace;
use crate::violation::Violation;
use crate::watchdog::{self, Silence};

use super::adapter::Adapter;
use super::answer::{Answer, CONTENDER, Contender};
use super::case::Case;
use super::class::{Class, Kind};
use super::observation::{Executed, Key, Observation, Part, first_difference};

crate::invariant! {
    /// A block executed by the contender is observed as the same block executed by the reference is, part by part.
    pub static SAME_AS_REFERENCE: "same-as-reference", exits Differs, catches "validation-skipped";

    /// The contender refuses a block if and only if the reference does, for the same reason.
    pub static REFUSES_AS_REFERENCE: "refuses-as-reference", exits Differs, catches "refuses-full-blocks";

    /// The invariants of the adapter's own hold.
    pub static OWN_INVARIANTS_HOLD: "own-invariants-hold", exits Violated, catches "unit-minted-by-both";

    /// The contender stays within its memory limit.
    pub static STAYS_WITHIN_MEMORY: "stays-within-memory", exits Violated, catches "memory-eaten";

    /// An observation is canonical: sorted by part and key, each key once.
    pub static OBSERVATIONS_ARE_CANONICAL: "observations-are-canonical", exits Unreliable, catches "observation-unsorted";

    /// Cases, transactions and the reference's results depend on their arguments alone, and cases survive
    /// their JSON form.
    pub static ADAPTER_AGREES_WITH_ITSELF: "adapter-agrees-with-itself", exits Unreliable, catches "reference-forgets";

    /// The reference executes every case, without a panic and in time.
    pub static REFERENCE_ANSWERS: "reference-answers", exits Unreliable, catches "reference-panics";
}

/// The subject of findings about the reference.
const REFERENCE: &str = "the reference";

/// The subject of findings about the adapter.
const ADAPTER: &str = "the adapter";

/// A finding, and its class.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The class.
    pub class: Class,
    /// The violation.
    pub violation: Violation,
}

/// A trial that did not end well.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// A finding.
    Found(Box<Found>),
    /// The machine failed; nothing is known about the contender.
    Infrastructure(String),
}

impl Ending {
    fn new(
        class: impl Into<Class>,
        invariant: &'static Invariant,
        block: usize,
        subject: &str,
        detail: impl Into<String>,
    ) -> Self {
        Ending::Found(Box::new(Found {
            class: class.into(),
            violation: Violation::of(invariant, block, subject, detail),
        }))
    }
}

/// The violation of a run that fell silent in the process of a campaign.
#[must_use]
pub fn of_silence(silence: &Silence) -> Violation {
    let violation = silence.violation();
    match silence.subject.as_str() {
        REFERENCE => Violation::of(
            &REFERENCE_ANSWERS,
            violation.step,
            REFERENCE,
            violation.detail,
        ),
        _ => violation,
    }
}

/// Executes a case and judges it.
///
/// # Errors
///
/// The first finding, or the failure of the machine.
pub fn judge<A: Adapter>(
    adapter: &A,
    case: &Case<A>,
    contender: &mut dyn Contender<A>,
    limit: Duration,
    coverage: &mut Coverage,
    trace: &mut Trace,
) -> Result<(), Ending> {
    let json = case.to_json().map_err(disagrees)?;
    let share = blake3::hash(json.as_bytes()).as_bytes().to_owned();
    let expected = by_reference(adapter, case)?;
    count(adapter, case, &expected, coverage);
    for (block, done) in expected.iter().enumerate() {
        let bytes = serde_json::to_vec(&done.observation).expect("it is names and texts");
        trace.observe(block, "a block", &bytes);
    }
    let answer = contender
        .execute(adapter, case, &json, limit)
        .map_err(Ending::Infrastructure)?;
    let ending = compare(adapter, case, &expected, answer, coverage);
    // Before anything is said about the contender, and in one case of four.
    if ending.is_err() || share[0].is_multiple_of(4) {
        agrees_with_itself(adapter, case, &expected)?;
    }
    ending?;
    if share[1].is_multiple_of(2) {
        swap(adapter, case, &expected, [share[2], share[3]], coverage);
    }
    Ok(())
}

/// One block by the reference.
struct ByReference<A: Adapter> {
    before: A::State,
    transactions: Vec<A::Transaction>,
    observation: Observation,
}

fn by_reference<A: Adapter>(adapter: &A, case: &Case<A>) -> Result<Vec<ByReference<A>>, Ending> {
    let mut block = 0;
    watchdog::note(block, REFERENCE);
    let executed = panic::catch_panic(|| {
        let mut state = adapter.state(&case.environment);
        let mut done = Vec::new();
        for intents in &case.blocks {
            block = done.len();
            watchdog::note(block, REFERENCE);
            let before = state.clone();
            let transactions = adapter.lower(&state, &case.environment, intents);
            let observation = adapter.reference(&mut state, &case.environment, &transactions);
            done.push(ByReference {
                before,
                transactions,
                observation,
            });
        }
        done
    });
    let executed = executed.map_err(|message| {
        let detail = panic::with_place(message);
        Ending::new(
            Kind::ReferenceFails,
            &REFERENCE_ANSWERS,
            block,
            REFERENCE,
            detail,
        )
    })?;
    for (block, done) in executed.iter().enumerate() {
        canonical(&done.observation, block, REFERENCE)?;
    }
    Ok(executed)
}

fn canonical(observation: &Observation, block: usize, subject: &str) -> Result<(), Ending> {
    match observation.objection() {
        None => Ok(()),
        Some(objection) => Err(Ending::new(
            Kind::NotCanonical,
            &OBSERVATIONS_ARE_CANONICAL,
            block,
            subject,
            objection,
        )),
    }
}

fn disagrees(detail: impl Into<String>) -> Ending {
    Ending::new(
        Kind::AdapterDisagrees,
        &ADAPTER_AGREES_WITH_ITSELF,
        0,
        ADAPTER,
        detail,
    )
}

/// The finding of a case that two identical streams of choices draw differently.
#[must_use]
pub(super) fn draws_differently() -> Ending {
    disagrees(
        "one stream of choices draws two cases; environment and intent must depend on it alone",
    )
}

fn agrees_with_itself<A: Adapter>(
    adapter: &A,
    case: &Case<A>,
    expected: &[ByReference<A>],
) -> Result<(), Ending> {
    let again = by_reference(adapter, case)?;
    for (block, (first, second)) in expected.iter().zip(&again).enumerate() {
        let pairs = first.transactions.iter().zip(&second.transactions);
        let mut pairs = pairs.enumerate();
        if let Some((index, (one, other))) = pairs.find(|(_, (one, other))| one != other) {
            return Err(disagrees(format!(
                "block {block}, transaction {index} is lowered to two things: first {one:?}, then {other:?}"
            )));
        }
        if first.observation != second.observation {
            let difference = first_difference(&first.observation, &second.observation);
            let detail = difference.map_or_else(
                || "it refuses and accepts".to_owned(),
                |difference| difference.to_string(),
            );
            return Err(disagrees(format!(
                "the reference observes two things in block {block}: {detail}"
            )));
        }
    }
    Ok(())
}

fn compare<A: Adapter>(
    adapter: &A,
    case: &Case<A>,
    expected: &[ByReference<A>],
    answer: Answer,
    coverage: &mut Coverage,
) -> Result<(), Ending> {
    let ended = |kind: Kind, invariant, block, detail: String| {
        Err(Ending::new(kind, invariant, block, CONTENDER, detail))
    };
    let with_last = |detail: String, last: &[String]| {
        let last = last.iter().map(|line| format!("\nit wrote last {line}"));
        detail + &last.collect::<String>()
    };
    match answer {
        Answer::Executed(blocks) => {
            if blocks.len() != expected.len() {
                let detail = format!(
                    "it answered for {} blocks, expected {}",
                    blocks.len(),
                    expected.len()
                );
                return ended(Kind::BrokenPipe, &PROCESS_SURVIVES, 0, detail);
            }
            for (block, (expected, got)) in expected.iter().zip(&blocks).enumerate() {
                compare_block(block, &expected.observation, got)?;
                check(adapter, case, block, expected)?;
                count_parallelism(got, coverage);
            }
            Ok(())
        }
        Answer::Panicked { block, message } => ended(Kind::Panic, &NEVER_PANICS, block, message),
        Answer::Hung { block, last } => {
            let detail = with_last("no end of a block, expected one".to_owned(), &last);
            ended(Kind::Hang, &FINISHES_IN_TIME, block, detail)
        }
        Answer::Ended {
            status,
            signal,
            last,
        } => {
            let detail = with_last(
                format!("its process ended in the middle of a case: {status}"),
                &last,
            );
            let kind = signal.map_or(Kind::Ended, Kind::Signal);
            ended(kind, &PROCESS_SURVIVES, 0, detail)
        }
        Answer::OutOfMemory { limit, last } => {
            let detail = with_last(
                format!("it used more memory than its limit, {limit}"),
                &last,
            );
            ended(Kind::OutOfMemory, &STAYS_WITHIN_MEMORY, 0, detail)
        }
        Answer::BrokenPipe { reason } => ended(Kind::BrokenPipe, &PROCESS_SURVIVES, 0, reason),
    }
}

fn compare_block(block: usize, expected: &Observation, got: &Executed) -> Result<(), Ending> {
    let got = &got.observation;
    canonical(got, block, CONTENDER)?;
    let refuses = |kind: Kind, refused: Option<&String>, detail: String| {
        let class = Class {
            refused_by_reference: refused.map(|kind| without_numbers(kind)),
            ..Class::from(kind)
        };
        Err(Ending::new(
            class,
            &REFUSES_AS_REFERENCE,
            block,
            CONTENDER,
            detail,
        ))
    };
    let accepted = "an executed block";
    match (expected, got) {
        (Observation::Refused(expected), Observation::Refused(got)) => match expected == got {
            true => Ok(()),
            false => refuses(
                Kind::RefusesOtherwise(without_numbers(got)),
                Some(expected),
                format!("the block: got the refusal {got}, expected the refusal {expected}"),
            ),
        },
        (Observation::Refused(expected), Observation::Executed(_)) => refuses(
            Kind::OnlyReferenceRefuses,
            Some(expected),
            format!("the block: got {accepted}, expected the refusal {expected}"),
        ),
        (Observation::Executed(_), Observation::Refused(got)) => refuses(
            Kind::OnlyContenderRefuses,
            None,
            format!("the block: got the refusal {got}, expected {accepted}"),
        ),
        (Observation::Executed(_), Observation::Executed(_)) => {
            let Some(difference) = first_difference(expected, got) else {
                return Ok(());
            };
            let index = match (difference.part.is_by_transaction(), &difference.key) {
                (true, Key::Index(index)) => Some(*index),
                _ => None,
            };
            let class = Class {
                outcome: index
                    .and_then(|index| expected.outcome(index))
                    .map(without_numbers),
                ..Class::from(Kind::Differs(difference.part))
            };
            let parts: Vec<String> = difference.parts.iter().map(Part::to_string).collect();
            let detail = format!("{difference}\nparts that differ: {}", parts.join(", "));
            Err(Ending::new(
                class,
                &SAME_AS_REFERENCE,
                block,
                CONTENDER,
                detail,
            ))
        }
    }
}

fn check<A: Adapter>(
    adapter: &A,
    case: &Case<A>,
    block: usize,
    done: &ByReference<A>,
) -> Result<(), Ending> {
    let checked = adapter.check(
        &done.before,
        &case.environment,
        &done.transactions,
        &done.observation,
    );
    checked.map_err(|broken| {
        Ending::new(
            Kind::OwnInvariant(broken.invariant.to_owned()),
            &OWN_INVARIANTS_HOLD,
            block,
            "the reference and the contender",
            format!("{}: {}", broken.invariant, broken.detail),
        )
    })
}

fn count<A: Adapter>(
    adapter: &A,
    case: &Case<A>,
    expected: &[ByReference<A>],
    coverage: &mut Coverage,
) {
    coverage.count(point!("executor", "cases", total));
    coverage.count_many(
        point!("executor", "blocks", total),
        case.blocks.len() as u64,
    );
    coverage.count_many(
        point!("executor", "transactions", total),
        case.transactions() as u64,
    );
    if case.blocks.iter().any(|block| block.len() > 1) && case.workers > 1 {
        coverage.count(
            point!("executor", "case: several transactions on several workers", in ["parallel"]),
        );
    }
    for done in expected {
        match done.observation {
            Observation::Refused(_) => coverage.count(point!("executor", "block: refused", rare)),
            Observation::Executed(_) => {
                coverage.count(point!("executor", "block: executed", in ["parallel"]));
            }
        }
        adapter.cover(&done.transactions, &done.observation, coverage);
    }
}

fn count_parallelism(executed: &Executed, coverage: &mut Coverage) {
    let Some(workers) = executed.workers_at_once else {
        return;
    };
    coverage.count(point!("executor", "parallelism: measured", rare, in ["parallel"]));
    if workers > 1 {
        coverage.count(
            point!("executor", "parallelism: several workers at once", rare, in ["parallel"]),
        );
    }
}

/// Swaps two neighbours in a block under the reference, and counts if that changed anything but their
/// places.
fn swap<A: Adapter>(
    adapter: &A,
    case: &Case<A>,
    expected: &[ByReference<A>],
    [of_block, of_index]: [u8; 2],
    coverage: &mut Coverage,
) {
    let with_neighbours: Vec<usize> = (0..case.blocks.len())
        .filter(|block| case.blocks[*block].len() > 1)
        .collect();
    if with_neighbours.is_empty() {
        return;
    }
    let block = with_neighbours[usize::from(of_block) % with_neighbours.len()];
    let index = usize::from(of_index) % (case.blocks[block].len() - 1);
    let mut swapped = case.clone();
    swapped.blocks.truncate(block + 1);
    swapped.blocks[block].swap(index, index + 1);
    let Ok(swapped) = by_reference(adapter, &swapped) else {
        return;
    };
    let in_place = in_places(&swapped[block].observation, index as u64);
    match in_place == expected[block].observation {
        true => coverage.count(point!("executor", "swap: changed nothing", rare)),
        false => coverage.count(point!("executor", "swap: changed the result", in ["parallel"])),
    }
}

/// An observation with the numbers of two neighbours exchanged, sorted.
fn in_places(observation: &Observation, index: u64) -> Observation {
    let mut observation = observation.clone();
    if let Observation::Executed(entries) = &mut observation {
        for entry in entries
            .iter_mut()
            .filter(|entry| entry.0.is_by_transaction())
        {
            match entry.1 {
                Key::Index(at) if at == index => entry.1 = Key::Index(index + 1),
                Key::Index(at) if at == index + 1 => entry.1 = Key::Index(index),
                _ => {}
            }
        }
    }
    observation.sorted()
}
