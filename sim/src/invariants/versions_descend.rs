//! A walk back through the history of a cell always ends.

use lockstep_harness::invariant;

use super::{Check, Evidence};

invariant! {
    /// The versions of a cell link strictly downwards, none is above the tip, and none repeats the
    /// value before it.
    pub static INVARIANT: "versions-descend", exits Violated, catches "self-linked-version";
}

pub(super) const CHECK: Check = Check {
    invariant: &INVARIANT,
    violation,
};

fn violation(evidence: &Evidence<'_>) -> Option<String> {
    evidence.after.cells.iter().find_map(|(cell, versions)| {
        let mut before = None;
        for version in versions {
            if version.previous != before {
                return Some(format!(
                    "{cell:?}: the version at height {} follows {:?}, the one before it has {before:?}",
                    version.height, version.previous
                ));
            }
            if before.is_some_and(|before| before >= version.height) {
                return Some(format!(
                    "{cell:?}: a version at height {} comes after one at {before:?}",
                    version.height
                ));
            }
            before = Some(version.height);
        }
        if before > Some(evidence.after.height) {
            return Some(format!(
                "{cell:?} has a version at height {before:?}, the tip is at {}",
                evidence.after.height
            ));
        }
        let repeated = versions.windows(2).find(|pair| pair[0].value == pair[1].value)?;
        Some(format!(
            "{cell:?} has a version at height {} with the value it had before",
            repeated[1].height
        ))
    })
}
