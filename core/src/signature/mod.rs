//! Signing and verifying: one rule for one signature and for many.
//!
//! The rule is [ZIP-215](https://zips.z.cash/zip-0215): points may be encoded in any way and have a
//! part of small order, the scalar must be canonical, and the equation is multiplied by the
//! cofactor. Only so do a batch and each of its signatures alone always agree; libraries whose
//! single verification leaves the cofactor out accept in a batch, by chance of its random weights,
//! what they refuse alone, and that forks a chain.

mod verifier;

pub use verifier::{Verifier, Zip215};

use ed25519_zebra as ed25519;
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};

use crate::codec;
use crate::model::{Cosignature, Hash, PublicKey, Signature, Transaction};

/// The number of signatures that are verified together. Twice as many save another 3 percent, and one
/// forged signature makes all of its batch be looked at one by one.
pub const BATCH: usize = 128;

/// One signature to be verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The account that is said to have signed.
    pub signer: PublicKey,
    /// The message that is said to be signed, [`codec::signing_hash`].
    pub message: Hash,
    /// The signature.
    pub signature: Signature,
}

/// Returns whether one claim holds. Costs about 35 microseconds.
#[must_use]
pub fn verify(claim: &Claim) -> bool {
    holds(&claim.into())
}

/// Returns for each claim whether it holds, as [`verify`] does. Costs about half as much a claim, in
/// full batches of [`BATCH`]; one and a half times as much if each batch has a forged one.
#[must_use]
pub fn verify_all(claims: &[Claim]) -> Vec<bool> {
    let statements: Vec<Statement> = claims.iter().map(Statement::from).collect();
    which_hold(&statements)
}

/// A claim about a message of any length: the ledger signs hashes only, published test vectors
/// other things too.
#[derive(Clone, Copy, Debug)]
struct Statement<'a> {
    signer: &'a PublicKey,
    message: &'a [u8],
    signature: &'a Signature,
}

impl<'a> From<&'a Claim> for Statement<'a> {
    fn from(claim: &'a Claim) -> Self {
        Statement {
            signer: &claim.signer,
            message: &claim.message.0,
            signature: &claim.signature,
        }
    }
}

fn holds(statement: &Statement) -> bool {
    ed25519::VerificationKey::try_from(statement.signer.0).is_ok_and(|key| {
        key.verify(&statement.signature.0.into(), statement.message)
            .is_ok()
    })
}

fn which_hold(statements: &[Statement]) -> Vec<bool> {
    let mut verdicts = Vec::with_capacity(statements.len());
    for batch in statements.chunks(BATCH) {
        if batch.len() > 1 && hold_together(batch) {
            verdicts.resize(verdicts.len() + batch.len(), true);
        } else {
            verdicts.extend(batch.iter().map(holds));
        }
    }
    verdicts
}

fn hold_together(batch: &[Statement]) -> bool {
    let mut verifier = ed25519::batch::Verifier::new();
    for statement in batch {
        verifier.queue((
            statement.signer.0.into(),
            statement.signature.0.into(),
            statement.message,
        ));
    }
    verifier.verify(weights(batch)).is_ok()
}

/// Returns the random weights of a batch, drawn from everything in it: a signature cannot be chosen
/// to fit its weight, and the same batch always draws the same ones. (Which signature gets which is
/// up to a hash map inside of the library, and no verdict depends on it.)
fn weights(batch: &[Statement]) -> ChaCha20Rng {
    let mut hasher = blake3::Hasher::new_derive_key("lockstep 1 batch weights");
    for statement in batch {
        hasher.update(&statement.signer.0);
        hasher.update(statement.message);
        hasher.update(&statement.signature.0);
    }
    ChaCha20Rng::from_seed(hasher.finalize().into())
}

/// A secret key, to sign with.
#[derive(Clone)]
pub struct Keypair {
    signing: ed25519::SigningKey,
    public: PublicKey,
}

impl Keypair {
    /// Creates the key with this secret of 32 random bytes (RFC 8032, 5.1.5).
    #[must_use]
    pub fn from_secret(secret: [u8; 32]) -> Self {
        let signing = ed25519::SigningKey::from(secret);
        let public = PublicKey(ed25519::VerificationKeyBytes::from(&signing).into());
        Keypair { signing, public }
    }

    /// Returns the public half.
    #[must_use]
    pub const fn public(&self) -> PublicKey {
        self.public
    }

    /// Returns the signature of this key over a message.
    #[must_use]
    pub fn sign(&self, message: &Hash) -> Signature {
        self.sign_bytes(&message.0)
    }

    fn sign_bytes(&self, message: &[u8]) -> Signature {
        Signature(self.signing.sign(message).to_bytes())
    }

    /// Puts this key's signature into a transaction as its source's.
    pub fn sign_transaction(&self, transaction: &mut Transaction) {
        transaction.signature = self.sign(&codec::signing_hash(transaction));
    }

    /// Adds this key's signature to a transaction as a cosigner's.
    pub fn cosign_transaction(&self, transaction: &mut Transaction) {
        let signature = self.sign(&codec::signing_hash(transaction));
        transaction.cosignatures.push(Cosignature {
            signer: self.public,
            signature,
        });
    }
}

impl std::fmt::Debug for Keypair {
    /// Writes the public half only.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Keypair").field(&self.public).finish()
    }
}

#[cfg(test)]
mod tests;
