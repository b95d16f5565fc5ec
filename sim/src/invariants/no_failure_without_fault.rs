//! Memory and a simulated disk fail when a fault was injected into them, and never otherwise.

use lockstep_harness::invariant;

invariant! {
    /// A subject on memory or on a simulated disk fails only if a fault was injected into it. On a real
    /// medium the same error may be the machine's, and the run has no verdict.
    pub static INVARIANT: "no-failure-without-fault", exits Violated, catches "error-without-fault";
}
