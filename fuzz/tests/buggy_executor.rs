//! The fuzz target of the buggy executor, over inputs that the target `execute_block` begins with.

use lockstep_bugs::buggy_executor::ExecutorBug;
use lockstep_bugs::fuzz_target::{buggy_executor, with_bug};
use lockstep_fuzz::targets::seed;

fn inputs() -> impl Iterator<Item = Vec<u8>> {
    (0..60).map(|number| seed("execute_block", number).expect("it is a target"))
}

#[test]
fn the_executor_without_a_bug_violates_nothing() {
    inputs().for_each(|input| buggy_executor(&input));
}

#[test]
#[should_panic(expected = "is violated in step")]
fn a_bug_is_found_in_what_another_target_begins_with() {
    inputs().for_each(|input| with_bug(Some(ExecutorBug::FeeNotDebited), &input));
}
