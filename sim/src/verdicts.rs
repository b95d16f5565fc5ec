//! Verdicts about signatures: computed once by the oracle's own verification, and answered from then on.
//!
//! Most of a campaign would be curve arithmetic: the same signatures, verified by the oracle and by ten
//! subjects. Whether a signature holds is a function of the claim alone, so a trial remembers what the
//! oracle decided about each claim, and offers the verdicts to its subjects
//! ([`Subject::take_verdicts`](crate::subject::Subject::take_verdicts)). A claim that the oracle was never
//! asked about is verified by core's [`Zip215`], once as well; the oracle never sees that verdict.
//!
//! Verification itself must be tested too, batches and forgeries included: where
//! [`is_verified_everywhere`], nothing is remembered, and the oracle and every subject verify every
//! signature themselves, each time.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use lockstep_core::model::{Hash, PublicKey, Signature};
use lockstep_core::signature::{Claim, Verifier, Zip215};

use crate::oracle::{SignatureCheck, signature_holds};
use crate::scenario::Scenario;

/// One large scenario of N is executed without shared verdicts, on average.
const VERIFIED_EVERYWHERE_ONE_IN: u64 = 24;

/// A scenario of at most N transactions is executed without shared verdicts: its signatures cost little, and
/// what a shrinker makes of a violation by a wrong verification still has the violation.
const VERIFIED_EVERYWHERE_MOST: usize = 8;

/// Returns whether the oracle and every subject verify every signature of this scenario themselves. Decided
/// by its hash seed, which an edit of anything else keeps, and for the seed 0 and small scenarios always
/// so.
#[must_use]
pub fn is_verified_everywhere(scenario: &Scenario) -> bool {
    let seed = scenario.judge_seed();
    let hash = blake3::derive_key("lockstep sim signatures", &seed.to_le_bytes());
    let drawn = u64::from_le_bytes(hash[..8].try_into().expect("a hash has more than 8 bytes"));
    seed == 0 || drawn.is_multiple_of(VERIFIED_EVERYWHERE_ONE_IN) || has_few_transactions(scenario)
}

/// Returns whether a scenario is so small that all of its signatures are verified everywhere for that reason.
#[must_use]
pub fn has_few_transactions(scenario: &Scenario) -> bool {
    scenario.transactions() <= VERIFIED_EVERYWHERE_MOST
}

/// The verdicts about the signatures that the oracle, or core in its place, has verified; a clone shares
/// them.
#[derive(Clone, Debug, Default)]
pub struct Verdicts(Arc<Mutex<Known>>);

#[derive(Debug, Default)]
struct Known {
    by_oracle: BTreeMap<Key, bool>,
    /// Claims that the oracle was never asked about.
    by_core: BTreeMap<Key, bool>,
}

/// A claim. The signature comes first: it differs from others within a few bytes.
type Key = ([u8; 64], PublicKey, Hash);

/// Maximum number of verdicts; a full table is cleared.
const MOST: usize = 1 << 16;

thread_local! {
    /// The verdicts of this thread's trials: a repetition and the candidates of a shrinker have the same
    /// signatures.
    static OF_THIS_THREAD: RefCell<Verdicts> = RefCell::default();
}

impl Verdicts {
    /// Returns the verdicts of this thread's trials.
    #[must_use]
    pub fn of_this_thread() -> Self {
        OF_THIS_THREAD.with_borrow(Verdicts::clone)
    }

    /// Returns a check for an oracle that verifies each claim once, by the oracle's own rule.
    #[must_use]
    pub fn remembering_check(&self) -> SignatureCheck {
        let verdicts = self.clone();
        SignatureCheck::of(move |signer, message, signature| {
            verdicts.of_the_oracle(signer, message, signature)
        })
    }

    fn of_the_oracle(&self, signer: PublicKey, message: Hash, signature: Signature) -> bool {
        let key = (signature.0, signer, message);
        remembered(&mut self.known().by_oracle, key, || {
            signature_holds(signer, message, signature)
        })
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        // No code panics half way through a change of it.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Answers from the table; verifies what the oracle was never asked about.
impl Verifier for Verdicts {
    fn verify(&self, claim: &Claim) -> bool {
        self.verify_all(std::slice::from_ref(claim))[0]
    }

    fn verify_all(&self, claims: &[Claim]) -> Vec<bool> {
        let mut known = self.known();
        let Known { by_oracle, by_core } = &mut *known;
        let mut verdict = |claim: &Claim| {
            let key = (claim.signature.0, claim.signer, claim.message);
            let by_core = || remembered(by_core, key, || Zip215.verify(claim));
            by_oracle.get(&key).copied().unwrap_or_else(by_core)
        };
        claims.iter().map(&mut verdict).collect()
    }
}

fn remembered(known: &mut BTreeMap<Key, bool>, key: Key, verify: impl FnOnce() -> bool) -> bool {
    if known.len() >= MOST {
        known.clear();
    }
    *known.entry(key).or_insert_with(verify)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::build::Keys;
    use lockstep_core::signature::Keypair;

    fn claims() -> [Claim; 2] {
        let mut keys = Keys::default();
        let message = Hash([7; 32]);
        let claim = |signer: &Keypair, signature| Claim {
            signer: signer.public(),
            message,
            signature,
        };
        let signature = keys.sign(1, message);
        [
            claim(keys.of(1), signature),
            claim(&keys.of(2).clone(), signature),
        ]
    }

    fn ask(check: &SignatureCheck, claim: &Claim) -> bool {
        check.holds(claim.signer, claim.message, claim.signature)
    }

    #[test]
    fn a_verdict_is_the_one_of_the_oracle() {
        let verdicts = Verdicts::default();
        let check = verdicts.remembering_check();
        for (claim, holds) in claims().iter().zip([true, false]) {
            assert_eq!(ask(&check, claim), holds);
            assert_eq!(ask(&check, claim), holds);
        }
        assert_eq!(verdicts.known().by_oracle.len(), 2);
        assert_eq!(verdicts.verify_all(&claims()), [true, false]);
    }

    #[test]
    fn a_remembered_verdict_is_not_computed_again() {
        let verdicts = Verdicts::default();
        let [own, forged] = claims();
        // A lie, so that an answer from the table is told from one that was computed.
        for claim in [&own, &forged] {
            let key = (claim.signature.0, claim.signer, claim.message);
            verdicts.known().by_oracle.insert(key, claim == &forged);
        }
        assert_eq!(verdicts.verify_all(&[own, forged]), [false, true]);
        let check = verdicts.remembering_check();
        assert!(!ask(&check, &own) && ask(&check, &forged));
    }

    #[test]
    fn a_claim_that_the_oracle_was_not_asked_about_is_verified_by_core_and_not_for_the_oracle() {
        let verdicts = Verdicts::default();
        assert_eq!(verdicts.verify_all(&claims()), [true, false]);
        assert!(verdicts.known().by_oracle.is_empty());
        let [own, _] = claims();
        // A lie, so that an answer from the table is told from one that was computed.
        let key = (own.signature.0, own.signer, own.message);
        verdicts.known().by_core.insert(key, false);
        assert!(!verdicts.verify(&own));
        assert!(ask(&verdicts.remembering_check(), &own));
        assert!(verdicts.verify(&own));
    }

    #[test]
    fn a_share_of_the_scenarios_is_verified_everywhere() {
        let transaction = crate::scenario::TransactionRecipe {
            from: 0,
            nonce: 0,
            fee: 0,
            action: crate::scenario::Action::Burn(0, 0),
            cosigners: Vec::new(),
            flaw: None,
        };
        let scenario = |hash_seed, transactions| Scenario {
            genesis: crate::scenario::GenesisRecipe {
                network: crate::scenario::NetworkName::Devnet,
                reward: 0,
                native_limit: 0,
                max_block_bytes: 0,
                balances: Vec::new(),
            },
            hash_seed,
            workers: None,
            steps: vec![crate::scenario::Step::Block(crate::scenario::BlockRecipe {
                miner: 0,
                later_ms: 0,
                flaw: None,
                transactions: vec![transaction.clone(); transactions],
            })],
        };
        let share = |transactions| {
            let seeds = 1..=2_400;
            seeds
                .filter(|seed| is_verified_everywhere(&scenario(*seed, transactions)))
                .count()
        };
        assert!(is_verified_everywhere(&scenario(0, 9)));
        assert_eq!(share(8), 2_400);
        // At most one of twenty.
        assert!((60..=120).contains(&share(9)), "{} of 2,400", share(9));
    }
}
