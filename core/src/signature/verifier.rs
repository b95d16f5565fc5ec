//! The source of the verdicts about signatures.

use super::{Claim, verify, verify_all};

/// A source of verdicts about signatures, passed to a ledger like its clock
/// ([`Chain::with_verifier`](crate::chain::Chain::with_verifier)).
///
/// A node has [`Zip215`]. Another one is for callers that have the verdicts already: a simulation that
/// executes one block on many ledgers, a replay of blocks that were verified before. A verifier that
/// accepts a forged signature lets its owner's money be spent, so it must answer as [`Zip215`] does.
pub trait Verifier: Send + Sync {
    /// Returns whether one claim holds.
    fn verify(&self, claim: &Claim) -> bool;

    /// Returns for each claim whether it holds, as [`Verifier::verify`] does: as many verdicts as claims,
    /// in their order.
    fn verify_all(&self, claims: &[Claim]) -> Vec<bool> {
        claims.iter().map(|claim| self.verify(claim)).collect()
    }
}

/// The verifier of a node: every signature is verified under ZIP-215, many of them in batches.
#[derive(Clone, Copy, Debug, Default)]
pub struct Zip215;

impl Verifier for Zip215 {
    fn verify(&self, claim: &Claim) -> bool {
        verify(claim)
    }

    fn verify_all(&self, claims: &[Claim]) -> Vec<bool> {
        verify_all(claims)
    }
}

impl<F: Fn(&Claim) -> bool + Send + Sync> Verifier for F {
    fn verify(&self, claim: &Claim) -> bool {
        self(claim)
    }
}
