//! Levels and edges of the dependency graph.

use lockstep_harness::invariant;

use super::{Check, Event, Evidence};
use crate::reads::{Answer, Question};

invariant! {
    /// The graph and the levels of a list of transactions order exactly those that conflict, and those
    /// that conflicts connect.
    pub static INVARIANT: "levels-follow-conflicts", exits Violated, catches "level-of-the-one-before";
}

pub(super) const CHECK: Check = Check {
    invariant: &INVARIANT,
    violation,
};

fn violation(evidence: &Evidence<'_>) -> Option<String> {
    let Event::Read {
        question: Question::Conflicts(transactions),
        got,
        expected,
    } = evidence.event
    else {
        return None;
    };
    let (Answer::Conflicts(got), Answer::Conflicts(expected)) = (got, expected) else {
        return Some(format!(
            "{} transactions: answered {got}",
            transactions.len()
        ));
    };
    if got == expected {
        return None;
    }
    let of = format!("of {} transactions", transactions.len());
    for index in 0..transactions.len() {
        for (what, got, expected) in [
            ("level", got.levels.get(index), expected.levels.get(index)),
            (
                "critical path length",
                got.critical_path_lengths.get(index),
                expected.critical_path_lengths.get(index),
            ),
        ] {
            if got != expected {
                return Some(format!(
                    "{of} number {index} has the {what} {got:?}, expected {expected:?}"
                ));
            }
        }
        let (got, expected) = (got.before.get(index), expected.before.get(index));
        if got != expected {
            return Some(format!(
                "{of} those before number {index} are the set {got:x?}, expected {expected:x?}"
            ));
        }
    }
    Some(match got.groups != expected.groups {
        true => format!(
            "{of} the levels are {:?}, expected {:?}",
            got.groups, expected.groups
        ),
        false => format!("{of} the counts of edges are not those of the edges"),
    })
}
