//! A fuzzer's bytes as a case, everything in one process.
//!
//! A libFuzzer target is three lines:
//!
//! ```ignore
//! libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
//!     lockstep_harness::executor::fuzz::check_bytes(&MyExecutor::default(), bytes);
//! });
//! ```
//!
//! and so is a property of proptest, over `vec(any::<u8>(), 0..1_000)`. The bytes are choices, and any bytes make
//! a case. [`Case`] is [`Arbitrary`](arbitrary::Arbitrary) over the same choices.

use crate::coverage::Coverage;
use crate::trace::Trace;

use super::adapter::Adapter;
use super::answer::InProcess;
use super::case::Case;
use super::shrinking::Limits;
use super::trial::{Ending, judge};

/// Executes the case that bytes make, with the contender in this process. A hang is the fuzzer's to find.
///
/// # Panics
///
/// With the finding, if there is one.
pub fn check_bytes<A: Adapter>(adapter: &A, bytes: &[u8]) {
    let case = Case::from_bytes(adapter, bytes);
    let (mut coverage, mut trace) = (Coverage::default(), Trace::hashed());
    let limit = Limits::DEFAULT.long;
    match judge(
        adapter,
        &case,
        &mut InProcess,
        limit,
        &mut coverage,
        &mut trace,
    ) {
        Ok(()) => {}
        Err(Ending::Found(found)) => {
            panic!(
                "{}: {}\n{}\n{case:?}",
                found.violation.invariant, found.violation.detail, found.class
            )
        }
        Err(Ending::Infrastructure(reason)) => panic!("the machine failed: {reason}"),
    }
}
