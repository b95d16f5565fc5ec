//! Tests of the source of verdicts about signatures, which a ledger and a mempool are given.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use crate::common::{NETWORK, all_applied, forge, from, key, keys, ledger, rejection};
use lockstep_core::chain::{ChainError, Mempool, MempoolError, MempoolLimits};
use lockstep_core::config::ExecutionPath;
use lockstep_core::model::{Rejection, Transaction};
use lockstep_core::parallel::ParallelExecutor;
use lockstep_core::signature::{Claim, Verifier, Zip215, verify};
use lockstep_core::transition::{check, check_all, check_all_with, check_with};

const ACCOUNTS: usize = 40;

/// A path, and whether core compares all of them.
const MODES: [(ExecutionPath, bool); 4] = [
    (ExecutionPath::Serial, false),
    (ExecutionPath::ParallelValidation, false),
    (ExecutionPath::Graph, false),
    (ExecutionPath::Serial, true),
];

/// A verifier that accepts every signature.
fn credulous(_: &Claim) -> bool {
    true
}

/// A payment of each account, the third forged.
fn with_a_forged_one() -> Vec<Transaction> {
    let mut payments: Vec<Transaction> = keys(ACCOUNTS)
        .iter()
        .map(|account| from(account, 0).pay(&key("bob"), 1).sign())
        .collect();
    payments[2] = forge(payments[2].clone());
    payments
}

/// Adds these transactions to a ledger in this mode, with this verifier in place of its own if there is
/// one.
fn add(
    (path, test_mode): (ExecutionPath, bool),
    verifier: Option<Arc<dyn Verifier>>,
    transactions: Vec<Transaction>,
) -> Result<Vec<Option<Rejection>>, ChainError> {
    let accounts = keys(ACCOUNTS);
    let mut setup = accounts
        .iter()
        .fold(ledger(), |setup, account| setup.has(account, 10));
    setup.config.parallel.forced = Some(path);
    setup.config.parallel.workers = Some(2);
    setup.config.parallel.test_mode = test_mode;
    let mut ledger = setup.open();
    if let Some(verifier) = verifier {
        ledger.chain = ledger.chain.with_verifier(verifier);
    }
    let block = ledger.block(transactions);
    let added = ledger.try_add(&block)?;
    assert!(ledger.chain.trusts_parallel());
    Ok(added
        .receipts
        .iter()
        .map(|receipt| (!receipt.is_applied()).then(|| rejection(receipt)))
        .collect())
}

#[test]
fn a_ledger_verifies_signatures_itself_unless_it_is_told_otherwise() {
    let forger = with_a_forged_one()[2].source;
    for mode in MODES {
        let own = add(mode, None, with_a_forged_one()).expect("the block extends the chain");
        assert_eq!(own[2], Some(Rejection::Signature { signer: forger }));
        assert_eq!(own.iter().flatten().count(), 1, "{mode:?}");
        let given = add(mode, Some(Arc::new(Zip215)), with_a_forged_one());
        assert_eq!(given.expect("the block extends the chain"), own);
    }
}

#[test]
fn a_verifier_that_accepts_a_forged_signature_shows_in_the_receipts_of_every_mode() {
    for mode in MODES {
        let outcomes = add(mode, Some(Arc::new(credulous)), with_a_forged_one());
        let outcomes = outcomes.expect("the block extends the chain");
        assert_eq!(outcomes, vec![None; ACCOUNTS], "{mode:?}");
    }
}

#[test]
fn every_claim_is_asked_about_in_every_mode() {
    for mode in MODES {
        let asked = Arc::new(Mutex::new(Vec::new()));
        let recorder = {
            let asked = Arc::clone(&asked);
            move |claim: &Claim| {
                asked.lock().expect("no test panics here").push(*claim);
                verify(claim)
            }
        };
        add(mode, Some(Arc::new(recorder)), with_a_forged_one()).expect("the block is added");
        let asked = asked.lock().expect("no test panics here");
        for transaction in with_a_forged_one() {
            let is_about = |claim: &&Claim| {
                claim.signer == transaction.source && claim.signature == transaction.signature
            };
            let times = if mode.1 { 3 } else { 1 };
            assert_eq!(asked.iter().filter(is_about).count(), times, "{mode:?}");
        }
    }
}

#[test]
fn a_verifier_without_a_verdict_for_a_claim_adds_nothing() {
    /// Answers all claims but the last.
    struct OneTooFew;
    impl Verifier for OneTooFew {
        fn verify(&self, claim: &Claim) -> bool {
            verify(claim)
        }
        fn verify_all(&self, claims: &[Claim]) -> Vec<bool> {
            claims.iter().skip(1).map(verify).collect()
        }
    }
    for mode in MODES {
        let added = add(mode, Some(Arc::new(OneTooFew)), with_a_forged_one());
        let Err(ChainError::Panicked { message }) = added else {
            panic!("{mode:?}: {added:?}");
        };
        assert!(
            message.contains("a verifier answers every claim"),
            "{message}"
        );
    }
}

#[test]
fn checks_of_one_and_of_many_take_the_verdicts_of_the_verifier() {
    let transactions = with_a_forged_one();
    let forger = Rejection::Signature {
        signer: transactions[2].source,
    };
    assert_eq!(check(&transactions[2], NETWORK), Err(forger.clone()));
    assert_eq!(check_with(&credulous, &transactions[2], NETWORK), Ok(()));
    assert_eq!(check_all(&transactions, NETWORK)[2], Err(forger));
    let accepted = check_all_with(&credulous, &transactions, NETWORK);
    assert!(accepted.iter().all(Result::is_ok));
    let executor = ParallelExecutor::new(2).expect("the system has threads");
    let checked = executor.check_all_with(&credulous, NETWORK, &transactions);
    assert!(checked.iter().all(|one| one.verdict.is_ok()));
    assert!(
        executor.check_all(NETWORK, &transactions)[2]
            .verdict
            .is_err()
    );
}

#[test]
fn a_mempool_takes_the_verdicts_of_its_verifier() {
    let forged = with_a_forged_one().swap_remove(2);
    let empty = || Mempool::new(NETWORK, MempoolLimits::default());
    let refused = empty().insert(forged.clone());
    assert!(matches!(refused, Err(MempoolError::Rejected(_))));
    let asked = Arc::new(AtomicUsize::new(0));
    let counting = {
        let asked = Arc::clone(&asked);
        move |_: &Claim| asked.fetch_add(1, Ordering::SeqCst) == 0
    };
    let mut mempool = empty().with_verifier(Arc::new(counting));
    assert!(mempool.insert(forged).is_ok());
    assert_eq!(asked.load(Ordering::SeqCst), 1);
    let other = with_a_forged_one().swap_remove(0);
    assert!(matches!(
        mempool.insert(other),
        Err(MempoolError::Rejected(_))
    ));
}

#[test]
fn a_ledger_with_another_verifier_is_otherwise_the_same() {
    let alice = key("alice");
    let mut ledger = ledger().has(&alice, 100).open();
    let before = ledger.tip();
    ledger.chain = ledger.chain.with_verifier(Arc::new(Zip215));
    assert_eq!(ledger.tip(), before);
    all_applied(&ledger.add([from(&alice, 0).pay(&key("bob"), 1).sign()]));
}
