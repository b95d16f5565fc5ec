//! Baseline: the executor as the review describes it, made correct.
//!
//! Transactions are put into batches greedily, one after another, a new batch with the first that
//! touches an account of the current one; each is a task of its own that verifies its signatures and
//! executes; all of a batch are waited for before the next one begins.
//!
//! (The review lets a transaction look for the first batch that has none of its accounts, and so
//! overtake one that it conflicts with.)

use std::collections::HashSet;
use std::hash::BuildHasher;
use std::sync::Mutex;

use lockstep_core::model::{Network, Outcome, PublicKey, Transaction};
use lockstep_core::parallel::ParallelChainState;
use lockstep_core::schedule::accesses;
use lockstep_core::storage::Storage;
use lockstep_core::transition::{check, transition};
use rayon::ThreadPool;

/// Executes these transactions; returns the outcome of each, at its own index.
///
/// # Panics
///
/// If the storage fails.
pub fn execute<S, H>(
    pool: &ThreadPool,
    state: &ParallelChainState<S, H>,
    network: Network,
    transactions: &[Transaction],
) -> Vec<Outcome>
where
    S: Storage,
    H: BuildHasher + Clone + Send + Sync,
{
    let outcomes: Vec<Mutex<Option<Outcome>>> =
        transactions.iter().map(|_| Mutex::new(None)).collect();
    for batch in greedy_batches(transactions) {
        pool.scope(|scope| {
            for index in batch {
                let outcomes = &outcomes;
                scope.spawn(move |_| {
                    let outcome = one(state, network, &transactions[index]);
                    *outcomes[index].lock().expect("no thread panics with it") = Some(outcome);
                });
            }
        });
    }
    outcomes
        .into_iter()
        .map(|outcome| {
            let outcome = outcome.into_inner().expect("no thread panicked with it");
            outcome.expect("every task has ended")
        })
        .collect()
}

fn one<S, H>(
    state: &ParallelChainState<S, H>,
    network: Network,
    transaction: &Transaction,
) -> Outcome
where
    S: Storage,
    H: BuildHasher + Clone + Send + Sync,
{
    if let Err(rejection) = check(transaction, network) {
        return Outcome::Rejected(rejection);
    }
    let outcome = transition(transaction, &mut state.view()).expect("memory does not fail");
    if let Outcome::Applied { effects, .. } = &outcome {
        state.apply(effects).expect("memory does not fail");
    }
    outcome
}

/// The batches, with a set of the accounts of the current one.
#[must_use]
pub fn greedy_batches(transactions: &[Transaction]) -> Vec<Vec<usize>> {
    batches(transactions, HashSet::new(), |touched, account| {
        touched.contains(account)
    })
}

/// The same batches, looking through a list of the accounts of the current one, as the review
/// literally has it: quadratic where nothing conflicts.
#[must_use]
pub fn batches_by_list(transactions: &[Transaction]) -> Vec<Vec<usize>> {
    batches(transactions, Vec::new(), |touched, account| {
        touched.contains(account)
    })
}

fn batches<T: Default + Extend<PublicKey>>(
    transactions: &[Transaction],
    mut touched: T,
    contains: impl Fn(&T, &PublicKey) -> bool,
) -> Vec<Vec<usize>> {
    let mut batches: Vec<Vec<usize>> = Vec::new();
    let mut accounts = Vec::new();
    for (index, transaction) in transactions.iter().enumerate() {
        accounts.clear();
        accesses(transaction, |access| {
            let account = access.key.account();
            // Accesses to one account stand beside each other.
            if accounts.last() != Some(&account) {
                accounts.push(account);
            }
        });
        if batches.is_empty() || accounts.iter().any(|account| contains(&touched, account)) {
            batches.push(Vec::new());
            touched = T::default();
        }
        touched.extend(accounts.iter().copied());
        batches.last_mut().expect("there is one").push(index);
    }
    batches
}
