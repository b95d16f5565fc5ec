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

use crate::oracle::{Point, SignatureCheck};
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
    by_oracle: Table,
    /// Claims that the oracle was never asked about.
    by_core: Table,
    /// The points of the signers, as the oracle decodes them: accounts sign many times.
    points: BTreeMap<PublicKey, Option<Point>>,
}

type Table = BTreeMap<Key, bool>;

/// A claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    /// A few bytes that differ from claim to claim: the message's, and for cosigners the signature's. Most
    /// comparisons end here.
    first: u64,
    signature: [u8; 64],
    signer: PublicKey,
    message: Hash,
}

impl Key {
    fn of(claim: &Claim) -> Self {
        let first = |bytes: &[u8]| u64::from_le_bytes(bytes[..8].try_into().expect("8 of more"));
        Key {
            first: first(&claim.message.0) ^ first(&claim.signature.0),
            signature: claim.signature.0,
            signer: claim.signer,
            message: claim.message,
        }
    }
}

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
        let key = Key::of(&Claim {
            signer,
            message,
            signature,
        });
        let mut known = self.known();
        let Known {
            by_oracle, points, ..
        } = &mut *known;
        remembered(by_oracle, key, || {
            if points.len() >= MOST {
                points.clear();
            }
            let point = points.entry(signer).or_insert_with(|| Point::of(signer));
            point.is_some_and(|point| point.has_signed(message, signature))
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
        let Known {
            by_oracle, by_core, ..
        } = &mut *known;
        let mut verdict = |claim: &Claim| {
            let key = Key::of(claim);
            let by_core = || remembered(by_core, key, || Zip215.verify(claim));
            by_oracle.get(&key).copied().unwrap_or_else(by_core)
        };
        claims.iter().map(&mut verdict).collect()
    }
}

fn remembered(known: &mut Table, key: Key, verify: impl FnOnce() -> bool) -> bool {
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
            let is_lie = claim == &forged;
            verdicts.known().by_oracle.insert(Key::of(claim), is_lie);
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
        verdicts.known().by_core.insert(Key::of(&own), false);
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
