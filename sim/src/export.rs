//! Export of a reproducer as a plain Rust test, to step through it, or to replace core by another
//! subject.

use std::fmt::Write as _;

use crate::reproducer::{Reproducer, ScheduledReproducer};
use crate::scenario::{
    Action, BlockFlaw, BlockRecipe, Fault, GenesisRecipe, Holding, NetworkName, Scenario, Sending,
    Step, TransactionFlaw, TransactionRecipe,
};

/// Returns the source of a file for `sim/tests`. The test is named after `name`.
#[must_use]
pub fn as_test(reproducer: &Reproducer, name: &str) -> String {
    let mut text = format!(
        "{}
use lockstep_harness::coverage::Coverage;
use lockstep_sim::campaign;
use lockstep_sim::scenario::*;

#[test]
#[rustfmt::skip]
fn {}() {{
    let scenario = ",
        head(reproducer),
        identifier(name)
    );
    write_scenario(&mut text, &reproducer.payload.scenario);
    text.push_str(
        ";
    let folder = tempfile::tempdir().expect(\"there is room for a temporary folder\");
    let outcome = campaign::on_core(&scenario, folder.path(), &mut Coverage::default());
    assert!(outcome.is_ok(), \"{outcome:?}\");
}
",
    );
    text
}

/// Returns the source of a file for `sim/tests` that needs the feature `shuttle`.
#[must_use]
pub fn as_scheduled_test(reproducer: &ScheduledReproducer, name: &str) -> String {
    let schedule = &reproducer.payload.schedule;
    let mut text = format!(
        "{}
use std::sync::Arc;

use lockstep_harness::schedule::{{Schedule, Switch}};
use lockstep_sim::explore::{{self, CoreLedger}};
use lockstep_sim::scenario::*;

#[test]
#[rustfmt::skip]
fn {}() {{
    let scenario = ",
        head(reproducer),
        identifier(name)
    );
    write_scenario(&mut text, &reproducer.payload.scenario);
    let _ = write!(
        text,
        ";
    let schedule = Schedule {{
        workers: {},
        over_graph: {},
        block: {},
        switches: vec!{:?},
    }};
    let replayed = explore::replay(&scenario, &schedule, &Arc::new(CoreLedger));
    let (violation, preemptions) = replayed.expect(\"memory does not fail\");
    assert!(violation.is_none(), \"{{violation:?}} with {{preemptions:?}}\");
}}
",
        schedule.workers, schedule.over_graph, schedule.block, schedule.switches,
    );
    text
}

/// Returns the first line of an exported file. A seeded bug of the subject is named there: the test
/// executes core, which does not have it.
#[must_use]
pub fn head<P>(kept: &lockstep_harness::reproducer::Reproducer<P>) -> String {
    let shown = match (kept.shows.as_str(), &kept.seeded_bug) {
        ("", _) => String::new(),
        // A file may say anything here; a comment ends with its line.
        (invariant, None) => format!(" It showed {}.", invariant.escape_debug()),
        (invariant, Some(bug)) => format!(
            " It showed {} with the seeded bug {}, which core does not have.",
            invariant.escape_debug(),
            bug.escape_debug()
        ),
    };
    format!("//! Printed by `lockstep export`.{shown}\n")
}

/// Turns a file name into a name for a function: `0007-a.b` becomes `reproducer_0007_a_b`.
#[must_use]
pub fn identifier(name: &str) -> String {
    let letters = name.chars().map(|letter| match letter {
        'a'..='z' | '0'..='9' => letter,
        'A'..='Z' => letter.to_ascii_lowercase(),
        _ => '_',
    });
    format!("reproducer_{}", letters.collect::<String>())
}

fn write_scenario(text: &mut String, scenario: &Scenario) {
    let _ = write!(
        text,
        "Scenario {{
        genesis: {},
        hash_seed: {},
        workers: {:?},
        steps: vec![
",
        genesis(&scenario.genesis),
        scenario.hash_seed,
        scenario.workers,
    );
    for step in &scenario.steps {
        match step {
            Step::Block(recipe) => {
                let _ = writeln!(text, "            Step::Block({}),", block(recipe));
            }
            Step::Rewind(depth) => {
                let _ = writeln!(text, "            Step::Rewind({depth}),");
            }
            Step::Reapply => text.push_str("            Step::Reapply,\n"),
            Step::Reopen => text.push_str("            Step::Reopen,\n"),
            Step::Fault(fault) => {
                let _ = writeln!(text, "            Step::Fault({}),", written_fault(*fault));
            }
            Step::Pool(limits) => {
                let _ = writeln!(text, "            Step::Pool({limits:?}),");
            }
            Step::Submit(recipes) => {
                text.push_str("            Step::Submit(vec![\n");
                for recipe in recipes {
                    write_transaction(text, recipe);
                }
                text.push_str("            ]),\n");
            }
            Step::Template(template) => {
                let _ = writeln!(text, "            Step::Template({template:?}),");
            }
        }
    }
    text.push_str("        ],\n    }");
}

/// Returns the source of a genesis, in the names of [`scenario`](crate::scenario).
#[must_use]
pub fn genesis(genesis: &GenesisRecipe) -> String {
    let balances: Vec<String> = genesis
        .balances
        .iter()
        .map(|Holding(account, asset, amount)| format!("Holding({account}, {asset}, {amount})"))
        .collect();
    format!(
        "GenesisRecipe {{
            network: {},
            reward: {},
            native_limit: {},
            max_block_bytes: {},
            balances: vec![{}],
        }}",
        network(genesis.network),
        genesis.reward,
        genesis.native_limit,
        genesis.max_block_bytes,
        balances.join(", "),
    )
}

/// Returns the source of a block, in the names of [`scenario`](crate::scenario).
#[must_use]
pub fn block(block: &BlockRecipe) -> String {
    let flaw = block.flaw.map(|flaw| match flaw {
        BlockFlaw::Network(name) => format!("BlockFlaw::Network({})", network(name)),
        // Variants of numbers, or of nothing, are written as they are debugged.
        other => format!("BlockFlaw::{other:?}"),
    });
    let mut text = format!(
        "BlockRecipe {{
                miner: {},
                later_ms: {},
                flaw: {},
                transactions: vec![
",
        block.miner,
        block.later_ms,
        option(flaw),
    );
    for transaction in &block.transactions {
        write_transaction(&mut text, transaction);
    }
    text.push_str("                ],\n            }");
    text
}

fn write_transaction(text: &mut String, transaction: &TransactionRecipe) {
    let action = match &transaction.action {
        Action::Send(sendings) => {
            let sendings: Vec<String> = sendings
                .iter()
                .map(|Sending(to, asset, amount)| format!("Sending({to}, {asset}, {amount})"))
                .collect();
            format!("Action::Send(vec![{}])", sendings.join(", "))
        }
        Action::Burn(asset, amount) => format!("Action::Burn({asset}, {amount})"),
        Action::Multisig(threshold, participants) => {
            format!("Action::Multisig({threshold}, vec!{participants:?})")
        }
    };
    let flaw = transaction.flaw.map(|flaw| match flaw {
        TransactionFlaw::Network(name) => format!("TransactionFlaw::Network({})", network(name)),
        other => format!("TransactionFlaw::{other:?}"),
    });
    let _ = writeln!(
        text,
        "                    TransactionRecipe {{ from: {}, nonce: {}, fee: {}, action: {action}, \
         cosigners: vec!{:?}, flaw: {} }},",
        transaction.from,
        transaction.nonce,
        transaction.fee,
        transaction.cosigners,
        option(flaw),
    );
}

fn written_fault(fault: Fault) -> String {
    match fault {
        Fault::Crash { at, loss } => {
            format!("Fault::Crash {{ at: {at}, loss: lockstep_sim::disk::Loss::{loss:?} }}")
        }
        Fault::DiskFails { call, at, count } => format!(
            "Fault::DiskFails {{ call: lockstep_sim::disk::Call::{call:?}, at: {at}, count: {count} \
             }}"
        ),
        Fault::Cancel(point) => format!("Fault::Cancel(InjectionPoint::{point:?})"),
        Fault::ConcurrentRequest(point, request) => {
            format!(
                "Fault::ConcurrentRequest(InjectionPoint::{point:?}, ConcurrentRequest::{request:?})"
            )
        }
        // Variants of numbers and claims are written as they are debugged.
        Fault::DiskFull { .. }
        | Fault::ReadFails { .. }
        | Fault::Panic { .. }
        | Fault::PanicAtRead { .. }
        | Fault::PanicInCommit { .. }
        | Fault::Clock { .. } => format!("Fault::{fault:?}"),
    }
}

fn network(name: NetworkName) -> String {
    format!("NetworkName::{name:?}")
}

fn option(text: Option<String>) -> String {
    text.map_or_else(|| "None".to_owned(), |text| format!("Some({text})"))
}
