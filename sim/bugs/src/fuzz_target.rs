//! The buggy executor on trial, with a bug that the environment names: not a search for what nobody
//! knows, but a measure of how soon a fuzzer finds what is known.

use std::sync::OnceLock;

use lockstep_harness::choice::FromBytes;
use lockstep_sim::from_bytes::{self, SIGNATURES, SIZE, assert_nothing_is_violated};
use lockstep_sim::scenario::Scenario;

use crate::buggy_executor::{BuggyExecutor, ExecutorBug};

/// The variable that names a bug of the buggy executor. Without it, the buggy executor is right.
pub const EXECUTOR_BUG: &str = "LOCKSTEP_FUZZ_BUG";

/// A small scenario that these bytes choose happens to the buggy executor, which has the bug that
/// [`EXECUTOR_BUG`] names. The bytes mean what they mean to the target `execute_block`, so that its
/// corpus is one of this target as well.
///
/// # Panics
///
/// On a finding, and where the variable names no bug.
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

/// The same with this bug, whatever the environment says.
///
/// # Panics
///
/// If an invariant is violated.
pub fn with_bug(bug: Option<ExecutorBug>, data: &[u8]) {
    assert_nothing_is_violated(executor_scenario(data), |genesis, _| {
        Ok(Box::new(BuggyExecutor::new(genesis, bug)?))
    });
}

/// What happens to the buggy executor with these bytes.
#[must_use]
pub fn executor_scenario(data: &[u8]) -> Scenario {
    let mut choices = FromBytes(data);
    // The buggy executor has one way to execute.
    from_bytes::execution(&mut choices);
    from_bytes::scenario(&mut choices, SIZE, SIGNATURES)
}
