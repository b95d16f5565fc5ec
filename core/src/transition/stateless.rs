//! The checks that need the transaction alone.

use std::collections::BTreeSet;

use crate::codec;
use crate::model::{
    Amount, MAX_COSIGNATURES, MAX_PARTICIPANTS, MAX_TRANSFERS, Multisig, Network, Payload,
    Rejection, Transaction,
};
use crate::signature::{Claim, Verifier, Zip215};

/// Checks one transaction, its signatures one by one. Costs about 35 microseconds a signature.
///
/// # Errors
///
/// [`Rejection`]: the first stateless reason to reject it, in the order of the variants.
pub fn check(transaction: &Transaction, network: Network) -> Result<(), Rejection> {
    check_with(&Zip215, transaction, network)
}

/// Checks one transaction as [`check`] does, with the verdicts of this verifier.
///
/// # Errors
///
/// As [`check`].
pub fn check_with(
    verifier: &dyn Verifier,
    transaction: &Transaction,
    network: Network,
) -> Result<(), Rejection> {
    check_well_formed(transaction, network)?;
    match claims(transaction).find(|claim| !verifier.verify(claim)) {
        Some(Claim { signer, .. }) => Err(Rejection::Signature { signer }),
        None => Ok(()),
    }
}

/// Checks many transactions, their signatures in batches; each gets the answer of [`check`] at its
/// own index, at about half the cost.
#[must_use]
pub fn check_all(transactions: &[Transaction], network: Network) -> Vec<Result<(), Rejection>> {
    check_all_with(&Zip215, transactions, network)
}

/// Checks many transactions as [`check_all`] does, with the verdicts of this verifier.
///
/// # Panics
///
/// If the verifier has more or fewer verdicts than there are claims.
#[must_use]
pub fn check_all_with(
    verifier: &dyn Verifier,
    transactions: &[Transaction],
    network: Network,
) -> Vec<Result<(), Rejection>> {
    let mut verdicts: Vec<Result<(), Rejection>> = transactions
        .iter()
        .map(|transaction| check_well_formed(transaction, network))
        .collect();
    let (owners, claims): (Vec<usize>, Vec<Claim>) = transactions
        .iter()
        .enumerate()
        .filter(|(index, _)| verdicts[*index].is_ok())
        .flat_map(|(index, transaction)| claims(transaction).map(move |claim| (index, claim)))
        .unzip();
    let holds = verifier.verify_all(&claims);
    // A claim without a verdict would count as verified.
    assert_eq!(holds.len(), claims.len(), "a verifier answers every claim");
    for ((owner, claim), holds) in owners.into_iter().zip(&claims).zip(holds) {
        if !holds && verdicts[owner].is_ok() {
            verdicts[owner] = Err(Rejection::Signature {
                signer: claim.signer,
            });
        }
    }
    verdicts
}

/// Checks everything of a transaction but its signatures. Costs less than a microsecond.
///
/// # Errors
///
/// [`Rejection`]: the first reason to reject it, in the order of the variants.
pub fn check_well_formed(transaction: &Transaction, network: Network) -> Result<(), Rejection> {
    if transaction.network != network {
        return Err(Rejection::Network {
            expected: network,
            got: transaction.network,
        });
    }
    match &transaction.payload {
        Payload::Transfers(transfers) => {
            if transfers.is_empty() || transfers.len() > MAX_TRANSFERS {
                return Err(Rejection::TransferCount {
                    got: count(transfers.len()),
                });
            }
            check_amounts(transfers.iter().map(|transfer| transfer.amount))?;
        }
        Payload::Burn { amount, .. } => check_amounts([*amount])?,
        Payload::Multisig(multisig) => check_multisig(multisig)?,
    }
    if transaction.cosignatures.len() > MAX_COSIGNATURES {
        return Err(Rejection::CosignatureCount {
            got: count(transaction.cosignatures.len()),
        });
    }
    Ok(())
}

fn check_amounts(amounts: impl IntoIterator<Item = Amount>) -> Result<(), Rejection> {
    match amounts.into_iter().position(Amount::is_zero) {
        Some(index) => Err(Rejection::ZeroAmount {
            index: count(index),
        }),
        None => Ok(()),
    }
}

fn check_multisig(multisig: &Multisig) -> Result<(), Rejection> {
    let Multisig {
        threshold,
        participants,
    } = multisig;
    if participants.len() > MAX_PARTICIPANTS {
        return Err(Rejection::ParticipantCount {
            got: count(participants.len()),
        });
    }
    let least = usize::from(!participants.is_empty());
    if !(least..=participants.len()).contains(&usize::from(*threshold)) {
        return Err(Rejection::Threshold {
            threshold: *threshold,
            participants: u8::try_from(participants.len())
                .expect("at most 255 participants were counted"),
        });
    }
    let mut seen = BTreeSet::new();
    match participants.iter().find(|one| !seen.insert(**one)) {
        Some(&participant) => Err(Rejection::DuplicateParticipant { participant }),
        None => Ok(()),
    }
}

/// Returns the claims of a transaction about its signatures: its source's, then its cosigners' in their
/// order.
fn claims(transaction: &Transaction) -> impl Iterator<Item = Claim> + '_ {
    let message = codec::signing_hash(transaction);
    std::iter::once((transaction.source, transaction.signature))
        .chain(
            transaction
                .cosignatures
                .iter()
                .map(|cosignature| (cosignature.signer, cosignature.signature)),
        )
        .map(move |(signer, signature)| Claim {
            signer,
            message,
            signature,
        })
}

fn count(length: usize) -> u32 {
    u32::try_from(length).expect("a list that was decoded or encoded has at most u32::MAX items")
}
