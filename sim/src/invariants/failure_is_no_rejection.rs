//! Only the rules reject a transaction.

use lockstep_harness::invariant;

use super::{Check, Event, Evidence};
use crate::subject::SubjectError;

invariant! {
    /// A failure of the machine is a typed error: it refuses no block, rejects no transaction and
    /// changes no receipt.
    pub static INVARIANT: "failure-is-no-rejection", exits Violated, catches "io-error-is-rejection";
}

pub(super) const CHECK: Check = Check {
    invariant: &INVARIANT,
    violation,
};

fn violation(evidence: &Evidence<'_>) -> Option<String> {
    let Event::Interrupted {
        answer, expected, ..
    } = evidence.event
    else {
        return None;
    };
    match (answer, expected) {
        (Err(SubjectError::Refused(refusal)), Some(Ok(_))) => Some(format!(
            "the block is refused because {refusal}; expected to be accepted, or a typed error"
        )),
        (Err(SubjectError::Refused(refusal)), Some(Err(expected))) if refusal != expected => Some(
            format!("the block is refused because {refusal}; expected because {expected}"),
        ),
        (Err(SubjectError::Damaged(reason)), _) => Some(format!(
            "the ledger is reported as damaged, and no fault damages one: {reason}"
        )),
        (Ok(Some(_)), Some(Err(expected))) => Some(format!(
            "the block is accepted; expected to be refused because {expected}"
        )),
        (Ok(Some(got)), Some(Ok(expected))) => {
            let first = got
                .receipts
                .iter()
                .zip(&expected.receipts)
                .position(|(got, expected)| got != expected);
            first.map(|index| {
                format!(
                    "transaction {index}: got {:?}, expected {:?}",
                    got.receipts[index], expected.receipts[index]
                )
            })
        }
        _ => None,
    }
}
