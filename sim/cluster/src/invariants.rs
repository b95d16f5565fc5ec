//! Invariants of a cluster, in addition to those of each ledger.

use lockstep_harness::invariant;

invariant! {
    /// After a failed call or a crash a ledger is in the state before the operation, or in the one after.
    pub static BEFORE_OR_AFTER: "before-or-after", exits StorageDiffers, catches "lying-disk";

    /// After the last fault all nodes reach one tip, the best there is.
    pub static NODES_CONVERGE: "nodes-converge", exits Hang, catches "asks-for-nothing";
}
