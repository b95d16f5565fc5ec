//! Blocks and receipts that are kept are those that were answered.

use lockstep_harness::invariant;

use super::{Check, Event, Evidence};

invariant! {
    /// An accepted block reads back with the receipts that were answered.
    pub static INVARIANT: "reads-back", exits Violated, catches "fee-misreported";
}

pub(super) const CHECK: Check = Check {
    invariant: &INVARIANT,
    violation,
};

fn violation(evidence: &Evidence<'_>) -> Option<String> {
    let Event::Block {
        block,
        got: Ok(result),
        stored,
        ..
    } = evidence.event
    else {
        return None;
    };
    let height = block.header.height;
    let Some((stored_block, stored_receipts)) = stored else {
        return Some(format!("nothing is kept at height {height}"));
    };
    if stored_block != block {
        return Some(format!("another block is kept at height {height}"));
    }
    if let Some(index) = (0..result.receipts.len().max(stored_receipts.len()))
        .find(|index| result.receipts.get(*index) != stored_receipts.get(*index))
    {
        return Some(format!(
            "at height {height} the receipt {index} is kept as {:?}, it was answered as {:?}",
            stored_receipts.get(index),
            result.receipts.get(index)
        ));
    }
    (evidence.after.digest != result.digest).then(|| {
        format!(
            "the digest {} was answered, {} is kept",
            result.digest, evidence.after.digest
        )
    })
}
