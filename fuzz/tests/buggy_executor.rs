//! The fuzz target of the buggy executor, over inputs that the target `execute_block` begins with.

use lockstep_bugs::fuzz_target::{specimen, with_defect};
use lockstep_bugs::specimen::Defect;
use lockstep_fuzz::targets::seed;

fn inputs() -> impl Iterator<Item = Vec<u8>> {
    (0..60).map(|number| seed("execute_block", number).expect("it is a target"))
}

#[test]
fn the_right_specimen_violates_nothing() {
    inputs().for_each(|input| specimen(&input));
}

#[test]
#[should_panic(expected = "is violated in step")]
fn a_defect_is_found_in_what_another_target_begins_with() {
    inputs().for_each(|input| with_defect(Some(Defect::FeeNotDebited), &input));
}
