//! The specimen on trial, with a defect that the environment names: not a search for what nobody
//! knows, but a measure of how soon a fuzzer finds what is known.

use std::sync::OnceLock;

use lockstep_harness::choice::FromBytes;
use lockstep_sim::from_bytes::{self, SIGNATURES, SIZE, assert_nothing_is_violated};
use lockstep_sim::scenario::Scenario;

use crate::specimen::{Defect, Specimen};

/// The variable that names a defect of the specimen. Without it, the specimen is right.
pub const SPECIMEN_BUG: &str = "LOCKSTEP_FUZZ_BUG";

/// A small scenario that these bytes choose happens to the specimen, which has the defect that
/// [`SPECIMEN_BUG`] names. The bytes mean what they mean to the target `execute_block`, so that its
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

/// The same with this defect, whatever the environment says.
///
/// # Panics
///
/// If an invariant is violated.
pub fn with_defect(defect: Option<Defect>, data: &[u8]) {
    assert_nothing_is_violated(specimen_scenario(data), |genesis, _| {
        Ok(Box::new(Specimen::new(genesis, defect)?))
    });
}

/// What happens to the specimen with these bytes.
#[must_use]
pub fn specimen_scenario(data: &[u8]) -> Scenario {
    let mut choices = FromBytes(data);
    // The specimen has one way to execute.
    from_bytes::execution(&mut choices);
    from_bytes::scenario(&mut choices, SIZE, SIGNATURES)
}
