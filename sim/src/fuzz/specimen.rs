//! The specimen on trial, with a defect that the environment names: not a search for what nobody
//! knows, but a measure of how soon a fuzzer finds what is known.

use std::sync::OnceLock;

use super::drawn;
use super::execute_block::{SIGNATURES, SIZE, nothing_is_violated};
use crate::choice::FromBytes;
use crate::scenario::Scenario;
use crate::specimen::{Defect, Specimen};

/// The variable that names a defect of the specimen. Without it, the specimen is right.
pub const SPECIMEN_BUG: &str = "LOCKSTEP_FUZZ_BUG";

/// A small scenario that these bytes choose happens to the specimen, which has the defect that
/// [`SPECIMEN_BUG`] names. The bytes mean what they mean to [`super::execute_block()`], so that its
/// corpus is one of this target as well.
///
/// # Panics
///
/// On a finding, and where the variable names no defect.
pub fn specimen(data: &[u8]) {
    static DEFECT: OnceLock<Option<Defect>> = OnceLock::new();
    let defect = *DEFECT.get_or_init(|| {
        let name = std::env::var(SPECIMEN_BUG).ok()?;
        let defect = Defect::named(&name);
        assert!(
            defect.is_some(),
            "{SPECIMEN_BUG} names a defect, not {name}"
        );
        defect
    });
    with_defect(defect, data);
}

fn with_defect(defect: Option<Defect>, data: &[u8]) {
    nothing_is_violated(specimen_scenario(data), |genesis, _| {
        Ok(Box::new(Specimen::new(genesis, defect)?))
    });
}

/// What happens to the specimen with these bytes.
#[must_use]
pub fn specimen_scenario(data: &[u8]) -> Scenario {
    let mut choices = FromBytes(data);
    // The specimen has one way to execute.
    drawn::execution(&mut choices);
    drawn::scenario(&mut choices, SIZE, SIGNATURES)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fuzz::seed;

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
}
