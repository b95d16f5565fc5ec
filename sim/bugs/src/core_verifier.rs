//! Core with a verifier of its own that is wrong. It shows only in runs in which every subject verifies
//! every signature itself; in all others core is given the oracle's verdicts.

use std::sync::Arc;

use lockstep_core::model::Genesis;
use lockstep_core::signature::{Claim, Verifier};
use lockstep_sim::subject::{Core, Execution, Subject, SubjectError};

use crate::buggy_executor::signatures;

lockstep_harness::seeded_bugs! {
    /// A seeded bug of core's own verifier.
    pub enum VerifierBug in "core's verifier":
        "core in memory, over the graph on two workers, with a wrong verifier of its own"
    {
        VerifierAcceptsForged = "verifier-accepts-forged" in Authorization:
            "the verifier of an executor accepts every signature";
        VerifierWithoutCofactor = "verifier-without-cofactor" in Authorization:
            "the verifier of an executor leaves the cofactor out of a batch";
    }
}

impl VerifierBug {
    /// Creates core in memory with this bug.
    ///
    /// # Errors
    ///
    /// [`SubjectError::Damaged`] if the genesis is impossible.
    pub(crate) fn subject(
        self,
        genesis: &Genesis,
        hash_seed: u64,
    ) -> Result<Box<dyn Subject>, SubjectError> {
        let mut core = Core::executed(Execution::Graph(2), genesis, hash_seed)?;
        // Verdicts that a trial offers come in the place of this verifier.
        core.take_verdicts(Arc::new(self));
        Ok(Box::new(core))
    }
}

impl Verifier for VerifierBug {
    fn verify(&self, claim: &Claim) -> bool {
        self.verify_all(std::slice::from_ref(claim))[0]
    }

    fn verify_all(&self, claims: &[Claim]) -> Vec<bool> {
        match self {
            VerifierBug::VerifierAcceptsForged => vec![true; claims.len()],
            VerifierBug::VerifierWithoutCofactor => signatures::accepted(claims),
        }
    }
}
