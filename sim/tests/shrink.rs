//! Shrunk scenarios are small and violate the same invariant.

use std::cell::Cell;
use std::time::Instant;

use lockstep_core::model::{Block, Effect, Genesis, Height, Outcome};
use lockstep_core::storage::MemoryStorage;
use lockstep_harness::choice::Seeded;
use lockstep_harness::coverage::Coverage;
use lockstep_harness::shrink::WEIGHT_OF_ONE;
use lockstep_harness::violation::{Failure, Violation};
use lockstep_sim::campaign;
use lockstep_sim::canary::{Canary, CanaryBug};
use lockstep_sim::generate::{self, Dimension, Size};
use lockstep_sim::invariants::SAME_AS_SERIAL;
use lockstep_sim::scenario::{Action, Holding, Scenario, Sending, Step};
use lockstep_sim::shrink::{self, BUDGET, Judge, Shrunk};
use lockstep_sim::subject::{Core, StoredBlock, Subject, SubjectError};
use lockstep_sim::trial;
use lockstep_sim::world::{BlockResult, World};

const SENT: &str = "seven-sends-little-after-a-rewind";

/// Draws the first scenario of 200 transactions for which the judge names this invariant.
fn drawn(invariant: &str, judge: &Judge<'_>) -> Scenario {
    let size = Size {
        blocks: 12,
        transactions: 64,
        accounts: 16,
    };
    (0..1_000)
        .map(|run| generate::scenario(&mut Seeded::new(1, run), size).1)
        .filter(|scenario| scenario.transactions() >= 200)
        .map(with_200_transactions)
        .find(|scenario| judge(scenario).as_deref() == Some(invariant))
        .expect("a scenario of 200 transactions shows it")
}

fn with_200_transactions(mut scenario: Scenario) -> Scenario {
    let mut left = 200;
    for step in &mut scenario.steps {
        if let Step::Block(block) = step {
            block.transactions.truncate(left);
            left -= block.transactions.len();
        }
    }
    assert_eq!(scenario.transactions(), 200);
    scenario
}

/// Judge that names one invariant if account 7 sends more than 100 after a rewind, another otherwise.
fn seven_sends_much(scenario: &Scenario) -> Option<String> {
    let rewind = scenario
        .steps
        .iter()
        .position(|step| matches!(step, Step::Rewind(_)));
    let sends_much = rewind.is_some_and(|rewind| {
        scenario.steps[rewind..].iter().any(|step| {
            let Step::Block(block) = step else {
                return false;
            };
            block.transactions.iter().any(|transaction| {
                let Action::Send(sendings) = &transaction.action else {
                    return false;
                };
                transaction.from == 7 && sendings.iter().any(|Sending(_, _, amount)| *amount > 100)
            })
        })
    });
    Some(if sends_much { SENT } else { "another" }.to_owned())
}

#[test]
fn a_violation_that_needs_one_transaction_shrinks_to_one() {
    let scenario = drawn(SENT, &seven_sends_much);
    let shrunk = shrink::shrink(&scenario, SENT, BUDGET, &seven_sends_much);
    assert!(shrunk.before.starts_with("200 transactions in "));
    assert!(!shrunk.is_cut_short());
    let steps = &shrunk.smallest.steps;
    let [Step::Rewind(0), Step::Block(block)] = steps.as_slice() else {
        panic!("a rewind and a block are enough: {steps:?}");
    };
    assert_eq!(block.transactions.len(), 1);
    let transaction = &block.transactions[0];
    assert_eq!((transaction.nonce, transaction.fee), (0, 0));
    assert_eq!(transaction.action, Action::Send(vec![Sending(7, 0, 101)]));
    assert_eq!(shrunk.smallest.genesis.balances, []);
}

/// A violation that needs an odd number: neither one nor three of seven transactions can be removed.
#[test]
fn transactions_that_can_only_be_removed_in_pairs_are_removed_in_pairs() {
    const ODD: &str = "an-odd-body";
    let is_odd = |scenario: &Scenario| {
        let is_odd =
            |step: &Step| matches!(step, Step::Block(block) if block.transactions.len() % 2 == 1);
        let shows = scenario.transactions() >= 3 && scenario.steps.iter().all(is_odd);
        shows.then(|| ODD.to_owned())
    };
    let mut scenario = drawn(SENT, &seven_sends_much);
    scenario
        .steps
        .retain(|step| matches!(step, Step::Block(block) if block.transactions.len() > 7));
    scenario.steps.truncate(1);
    let Step::Block(block) = &mut scenario.steps[0] else {
        panic!("only blocks are left");
    };
    block.transactions.truncate(7);
    assert_eq!(is_odd(&scenario).as_deref(), Some(ODD));
    let shrunk = shrink::shrink(&scenario, ODD, BUDGET, &is_odd);
    assert_eq!(shrunk.smallest.transactions(), 3);
}

#[test]
fn a_scenario_that_shows_another_invariant_is_not_kept() {
    // Everything else violates `another`: a search that does not compare names ends with nothing.
    let scenario = drawn(SENT, &seven_sends_much);
    for budget in [1, 10, 30, 100, BUDGET] {
        let shrunk = shrink::shrink(&scenario, SENT, budget, &seven_sends_much);
        assert_eq!(
            seven_sends_much(&shrunk.smallest).as_deref(),
            Some(SENT),
            "with {budget} candidates"
        );
    }
}

#[test]
fn the_same_scenario_shrinks_to_the_same() {
    let scenario = drawn(SENT, &seven_sends_much);
    let shrunk = || shrink::shrink(&scenario, SENT, BUDGET, &seven_sends_much);
    assert_eq!(shrunk(), shrunk());
}

#[test]
fn no_more_candidates_are_judged_than_the_budget_has() {
    let scenario = drawn(SENT, &seven_sends_much);
    let asked = Cell::new(0);
    let shrunk = shrink::shrink(&scenario, SENT, 20, &|candidate| {
        asked.set(asked.get() + 1);
        seven_sends_much(candidate)
    });
    assert_eq!(asked.get(), shrunk.candidates);
    assert!(shrunk.is_cut_short() && shrunk.spent <= 20, "{shrunk}");
    assert!(shrunk.candidates < 20, "the first ones are large: {shrunk}");
}

/// Draws a scenario with a block of more than 4,200 transactions.
fn with_a_large_block() -> Scenario {
    let drawn = |run| generate::with_tail(&mut Seeded::new(2, run), Dimension::Transactions).1;
    (0..20)
        .map(drawn)
        .find(|scenario| longest_block(scenario) > 4_200)
        .expect("most runs of this dimension have one")
}

fn longest_block(scenario: &Scenario) -> usize {
    let lengths = scenario.steps.iter().map(|step| match step {
        Step::Block(block) => block.transactions.len(),
        _ => 0,
    });
    lengths.max().unwrap_or(0)
}

#[test]
fn a_violation_that_needs_thousands_of_transactions_ends_early() {
    let executed = Cell::new(0);
    let shrunk = shrink::shrink(&with_a_large_block(), "large", BUDGET, &|candidate| {
        executed.set(executed.get() + candidate.transactions() as u64);
        (longest_block(candidate) >= 4_097).then(|| "large".to_owned())
    });
    assert_eq!(longest_block(&shrunk.smallest), 4_097, "{shrunk}");
    assert!(shrunk.is_cut_short(), "{shrunk}");
    assert!(
        executed.get() <= BUDGET * WEIGHT_OF_ONE,
        "{}",
        executed.get()
    );
    assert!(shrunk.candidates < 150, "{shrunk}");
}

#[test]
fn one_transaction_of_thousands_is_found_at_little_cost() {
    let whole = with_a_large_block();
    let Some(Step::Block(block)) = whole.steps.iter().max_by_key(|step| step.recipes().len())
    else {
        panic!("a block is the longest step");
    };
    let wanted = block.transactions[3_001].action.clone();
    let shrunk = shrink::shrink(&whole, "wanted", BUDGET, &|candidate| {
        let mut recipes = candidate.steps.iter().flat_map(Step::recipes);
        let shows = recipes.any(|recipe| recipe.action == wanted);
        shows.then(|| "wanted".to_owned())
    });
    assert_eq!(shrunk.smallest.transactions(), 1, "{shrunk}");
    assert!(!shrunk.is_cut_short(), "{shrunk}");
}

#[test]
fn a_scenario_that_cannot_be_smaller_stays() {
    let scenario = drawn(SENT, &seven_sends_much);
    let smallest = shrink::shrink(&scenario, SENT, BUDGET, &seven_sends_much).smallest;
    let again = shrink::shrink(&smallest, SENT, BUDGET, &seven_sends_much);
    assert_eq!(again.smallest, smallest);
    let untouched = shrink::shrink(&scenario, SENT, BUDGET, &|_| None);
    assert_eq!(untouched.smallest, scenario);
}

fn shown_by(
    scenario: &Scenario,
    subject: impl Fn(&Genesis) -> Result<Box<dyn Subject>, SubjectError>,
) -> Option<String> {
    let outcome = trial::run(
        scenario,
        &|genesis, _| Ok(vec![subject(genesis)?]),
        &mut Coverage::default(),
    );
    match outcome {
        Err(Failure::Violation(violation)) => Some(violation.invariant.name.to_owned()),
        _ => None,
    }
}

/// Shrinks a scenario of 200 transactions that violates this invariant, and prints the cost.
fn shrunk_from_200(what: &str, invariant: &str, judge: &Judge<'_>) -> Shrunk {
    let scenario = drawn(invariant, judge);
    let begun = Instant::now();
    let shrunk = shrink::shrink(&scenario, invariant, BUDGET, judge);
    println!(
        "{what}: {shrunk}, in {:.3} s",
        begun.elapsed().as_secs_f64()
    );
    assert_eq!(judge(&shrunk.smallest).as_deref(), Some(invariant));
    assert!(!shrunk.is_cut_short(), "{shrunk}");
    shrunk
}

#[test]
fn every_canary_is_detected_by_three_transactions_or_fewer() {
    for bug in CanaryBug::ALL {
        let shrunk = shrunk_from_200(&format!("{bug:?}"), bug.named_by().name, &|scenario| {
            shown_by(scenario, |genesis| Ok(Box::new(Canary::new(genesis, bug)?)))
        });
        let left = (shrunk.smallest.transactions(), shrunk.smallest.steps.len());
        let expected = match bug {
            CanaryBug::UnitLost => (0, 1),
            CanaryBug::FeeMisreported => (1, 1),
            CanaryBug::RewindForgotten => (0, 2),
        };
        assert_eq!(left, expected, "{bug:?}: {:?}", shrunk.smallest);
    }
}

/// Buggy subject that misreports a fee after three applied transactions in a row that pass money on:
/// none of them can be removed, and each needs the one before it.
struct MisreportsChains(Core<MemoryStorage>);

impl Subject for MisreportsChains {
    fn name(&self) -> &str {
        "misreports chains"
    }

    fn add_block(&mut self, block: &Block) -> Result<BlockResult, SubjectError> {
        let mut result = self.0.add_block(block)?;
        let mut length = 0;
        let mut holder = None;
        for (transaction, receipt) in block.transactions.iter().zip(&mut result.receipts) {
            let Outcome::Applied { fee, effects } = &mut receipt.outcome else {
                continue;
            };
            length = if holder == Some(transaction.source) {
                length + 1
            } else {
                1
            };
            holder = effects.iter().find_map(|effect| match effect {
                Effect::Credit { account, .. } => Some(*account),
                _ => None,
            });
            if length == 3 {
                fee.0 ^= 1;
            }
        }
        Ok(result)
    }

    fn rewind_to(&mut self, height: Height) -> Result<(), SubjectError> {
        self.0.rewind_to(height)
    }

    fn reopen(&mut self) -> Result<(), SubjectError> {
        self.0.reopen()
    }

    fn world(&self) -> Result<World, SubjectError> {
        self.0.world()
    }

    fn stored(&self, height: Height) -> Result<Option<StoredBlock>, SubjectError> {
        self.0.stored(height)
    }

    fn bytes_kept(&self) -> Result<blake3::Hash, SubjectError> {
        self.0.bytes_kept()
    }
}

#[test]
fn a_violation_that_needs_a_chain_of_three_shrinks_to_three() {
    let shrunk = shrunk_from_200("MisreportsChains", "reads-back", &|scenario| {
        shown_by(scenario, |genesis| {
            let core = Core::in_memory(genesis, 0)?;
            Ok(Box::new(MisreportsChains(core)))
        })
    });
    let [Step::Block(block)] = shrunk.smallest.steps.as_slice() else {
        panic!("a block is enough: {:?}", shrunk.smallest);
    };
    let [first, second, third] = block.transactions.as_slice() else {
        panic!("three are a chain: {block:?}");
    };
    let mut holder = first.from;
    for transaction in [first, second, third] {
        assert_eq!(
            transaction.from, holder,
            "it sends on the amount that it received"
        );
        let Action::Send(sendings) = &transaction.action else {
            panic!("it sends: {transaction:?}");
        };
        let [Sending(to, 0, 1)] = sendings.as_slice() else {
            panic!("one of the native asset is enough: {sendings:?}");
        };
        holder = *to;
    }
    assert_eq!(
        shrunk.smallest.genesis.balances,
        [Holding(first.from, 0, 1)]
    );
}

#[test]
fn a_run_that_passes_on_core_is_returned_unchanged() {
    let scenario = generate::scenario(&mut Seeded::new(1, 0), Size::SMALL).1;
    let folder = tempfile::tempdir().expect("there is room for a temporary folder");
    let violation = Violation::of(&SAME_AS_SERIAL, 0, "core in memory: serial", "");
    let shrunk = campaign::shrink(&scenario, &violation, folder.path(), 10);
    assert_eq!(shrunk.smallest, scenario);
    assert!(shrunk.is_cut_short() && shrunk.candidates > 0, "{shrunk}");
}
