//! Invariants of several nodes, beside those of each ledger.

use lockstep_harness::invariant;

invariant! {
    /// After a failed call or a crash a ledger is as it was before the call, or as it is after it.
    pub static BEFORE_OR_AFTER: "before-or-after", exits StorageDiffers, catches "lying-disk";

    /// When nothing goes wrong any more, all nodes get to one tip, the best there is.
    pub static NODES_CONVERGE: "nodes-converge", exits Hang, catches "asks-for-nothing";
}
