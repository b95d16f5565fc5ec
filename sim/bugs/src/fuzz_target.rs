//! The fuzz target of the buggy executor, with a bug that the environment names. It does not search for
//! unknown bugs: it measures the time in which a fuzzer detects a known one.

use std::sync::OnceLock;

use lockstep_harness::choice::FromBytes;
use lockstep_sim::from_bytes::{self, SIGNATURES, SIZE, assert_nothing_is_violated};
use lockstep_sim::scenario::Scenario;

use crate::buggy_executor::{BuggyExecutor, ExecutorBug};

/// Environment variable with the id of a bug of the buggy executor. Without it there is no bug.
pub const EXECUTOR_BUG: &str = "LOCKSTEP_FUZZ_BUG";

/// Executes the small scenario that these bytes choose on the buggy executor with the bug of
/// [`EXECUTOR_BUG`]. The bytes have the meaning of the target `execute_block`, so its corpus serves
/// this target as well.
///
/// # Panics
///
/// If an invariant is violated, or the variable names no bug.
pub fn buggy_executor(data: &[u8]) {
    static BUG: OnceLock<Option<ExecutorBug>> = OnceLock::new();
    let bug = *BUG.get_or_init(|| {
        let name = std::env::var(EXECUTOR_BUG).ok()?;
        let bug = ExecutorBug::named(&name);
        assert!(bug.is_some(), "{EXECUTOR_BUG} names a bug, not {name}");
        bug
    });
    with_bug(bug, data);
}

/// Executes the scenario of these bytes with this bug, whatever the environment says.
///
/// # Panics
///
/// If an invariant is violated.
pub fn with_bug(bug: Option<ExecutorBug>, data: &[u8]) {
    assert_nothing_is_violated(executor_scenario(data), |genesis, _| {
        Ok(Box::new(BuggyExecutor::new(genesis, bug)?))
    });
}

/// Returns the scenario that these bytes choose.
#[must_use]
pub fn executor_scenario(data: &[u8]) -> Scenario {
    let mut choices = FromBytes(data);
    // The bytes begin with a way to execute, and the buggy executor has one.
    from_bytes::execution(&mut choices);
    from_bytes::scenario(&mut choices, SIZE, SIGNATURES)
}
