//! Stored bytes without a memory of operations.

use lockstep_harness::invariant;

use super::{Check, Event, Evidence};

invariant! {
    /// A ledger stores the bytes that the blocks of its chain give from the genesis on: rewinds, refused
    /// blocks, failures and restarts leave nothing in them.
    pub static INVARIANT: "bytes-depend-on-blocks-alone", exits StorageDiffers, catches "undone-history-kept";
}

pub(super) const CHECK: Check = Check {
    invariant: &INVARIANT,
    violation,
};

fn violation(evidence: &Evidence<'_>) -> Option<String> {
    let Event::Kept {
        got,
        rebuilt,
        difference,
    } = evidence.event
    else {
        return None;
    };
    (got != rebuilt).then(|| {
        let difference = difference.map(|difference| format!("{difference}\n"));
        format!(
            "{}its stored bytes hash to {got}, those of a ledger built of the {} blocks of its chain to \
             {rebuilt}",
            difference.unwrap_or_default(),
            evidence.after.height
        )
    })
}
