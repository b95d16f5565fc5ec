//! Seeded bugs of the machine of registers, one for each class of finding.

use crate::executor::trial::{
    ADAPTER_AGREES_WITH_ITSELF, OBSERVATIONS_ARE_CANONICAL, OWN_INVARIANTS_HOLD, REFERENCE_ANSWERS,
    REFUSES_AS_REFERENCE, SAME_AS_REFERENCE, STAYS_WITHIN_MEMORY,
};
use crate::invariant::{FINISHES_IN_TIME, NEVER_PANICS, PROCESS_SURVIVES};

crate::seeded_bugs! {
    /// A seeded bug of the machine of registers.
    pub enum RegisterBug in "register machine": "a small parallel executor of rules of its own, the canary of executor trials" {
        ValidationSkipped = "validation-skipped" in Invented:
            "speculative results are committed without validation",
            named by [SAME_AS_REFERENCE];
        WrongNowAndThen = "wrong-now-and-then" in Invented:
            "every fifth block is committed without validation",
            named by [SAME_AS_REFERENCE];
        RefusesFullBlocks = "refuses-full-blocks" in Invented:
            "the contender refuses a block of more than half of the transactions that there may be",
            named by [REFUSES_AS_REFERENCE];
        UnitMintedByBoth = "unit-minted-by-both" in Invented:
            "a move to the same register mints, in reference and contender",
            named by [OWN_INVARIANTS_HOLD];
        WorkerPanics = "worker-panics" in Invented: "a worker panics on a register that is absent",
            named by [NEVER_PANICS];
        WorkerAborts = "worker-aborts" in Invented: "a worker aborts its process",
            named by [PROCESS_SURVIVES];
        WorkerExits = "worker-exits" in Invented: "a worker ends its process with exit code 0",
            named by [PROCESS_SURVIVES];
        PipeGarbled = "pipe-garbled" in Invented: "a worker writes to the pipe of its process",
            named by [PROCESS_SURVIVES];
        MemoryEaten = "memory-eaten" in Invented: "a worker allocates without end",
            named by [STAYS_WITHIN_MEMORY];
        WorkerWaits = "worker-waits" in Invented: "a worker waits for a transaction that does not come",
            named by [FINISHES_IN_TIME];
        ObservationUnsorted = "observation-unsorted" in Invented:
            "the changes of a block are observed in the order of their transactions",
            named by [OBSERVATIONS_ARE_CANONICAL];
        ReferenceForgets = "reference-forgets" in Invented:
            "every fifth execution of the reference refuses the block",
            named by [ADAPTER_AGREES_WITH_ITSELF];
        ReferencePanics = "reference-panics" in Invented:
            "the reference panics on a block of more than 3 transactions",
            named by [REFERENCE_ANSWERS];
        ReferenceWaits = "reference-waits" in Invented:
            "the reference does not end on a block of more than 3 transactions",
            named by [REFERENCE_ANSWERS];
        DrawForgets = "draw-forgets" in Invented:
            "one stream of choices draws another case the next time",
            named by [ADAPTER_AGREES_WITH_ITSELF];
        NothingConflicts = "nothing-conflicts" in Invented:
            "the adapter draws operations that commute";
        AlwaysSerial = "always-serial" in Invented:
            "the contender executes every block on one thread";
    }
}
