//! Equivalence to the serial oracle, the claim for which this project exists.

use lockstep_harness::invariant;

use super::{Check, Event, Evidence, difference};

invariant! {
    /// Every receipt, change, supply, version and digest is that of the serial oracle.
    pub static INVARIANT: "same-as-serial", exits Differs, catches "overtaking-batch";
}

pub(super) const CHECK: Check = Check {
    invariant: &INVARIANT,
    violation,
};

fn violation(evidence: &Evidence<'_>) -> Option<String> {
    if let Event::Block { got, expected, .. } = evidence.event {
        match (got, expected) {
            (Ok(got), Ok(expected)) => {
                for (index, (got, expected)) in
                    got.receipts.iter().zip(&expected.receipts).enumerate()
                {
                    if got != expected {
                        return Some(format!(
                            "transaction {index}: got {got:?}, expected {expected:?}"
                        ));
                    }
                }
                for (got, expected) in got.state_diff.iter().zip(&expected.state_diff) {
                    if got != expected {
                        return Some(format!("changed {got:?}, expected {expected:?}"));
                    }
                }
                if got != expected {
                    return Some(format!(
                        "{} receipts, {} cells changed, fees {}, reward {}, digest {}; expected {}, {}, \
                         {}, {}, {}",
                        got.receipts.len(),
                        got.state_diff.len(),
                        got.fees,
                        got.reward,
                        got.digest,
                        expected.receipts.len(),
                        expected.state_diff.len(),
                        expected.fees,
                        expected.reward,
                        expected.digest
                    ));
                }
            }
            (Err(got), Err(expected)) if got == expected => {}
            (Err(got), Err(expected)) => {
                return Some(format!(
                    "refused because {got}; expected because {expected}"
                ));
            }
            (Ok(_), Err(expected)) => {
                return Some(format!(
                    "accepted; expected to be refused because {expected}"
                ));
            }
            (Err(got), Ok(_)) => {
                return Some(format!("refused because {got}; expected to be accepted"));
            }
        }
    }
    match evidence.event {
        // The oracle completed an operation that the subject may not have completed, or that a concurrent
        // request may have undone.
        Event::Interrupted { .. } | Event::ConcurrentRequest { .. } => None,
        // The answer of the same operation is judged as well.
        Event::Recovered { .. } => None,
        _ => difference(evidence.expected, evidence.after),
    }
}
