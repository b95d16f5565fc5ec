//! The executor as the review describes it, made correct: what a user would otherwise have.
//!
//! Transactions are put into batches greedily, one after another, a new batch with the first that
//! touches an account of the current one; each is a task of its own that verifies its signatures and
//! executes; all of a batch are waited for before the next one begins.

use std::collections::HashSet;
use std::hash::BuildHasher;
use std::sync::Mutex;

use lockstep_core::model::{Network, Outcome, PublicKey, Transaction};
use lockstep_core::parallel::ParallelChainState;
use lockstep_core::schedule::accesses;
use lockstep_core::storage::Storage;
use lockstep_core::transition::{check, transition};
use rayon::ThreadPool;

/// Executes these transactions; gives what became of each, at its own index.
///
/// # Panics
///
/// Where the storage fails.
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
    for batch in batches(transactions) {
        pool.scope(|scope| {
            for index in batch {
                let outcomes = &outcomes;
                scope.spawn(move |_| {
                    let outcome = one(state, network, &transactions[index]);
                    *outcomes[index].lock().expect("nobody panics with it") = Some(outcome);
                });
            }
        });
    }
    outcomes
        .into_iter()
        .map(|outcome| {
            let outcome = outcome.into_inner().expect("nobody panicked with it");
            outcome.expect("every task has ended")
        })
        .collect()
}

fn one<S, H>(
    mut state: &ParallelChainState<S, H>,
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
    let outcome = transition(transaction, &mut state).expect("memory does not fail");
    if let Outcome::Applied { changes, .. } = &outcome {
        state.apply(changes).expect("memory does not fail");
    }
    outcome
}

fn batches(transactions: &[Transaction]) -> Vec<Vec<usize>> {
    let mut batches: Vec<Vec<usize>> = Vec::new();
    let mut touched: HashSet<PublicKey> = HashSet::new();
    for (index, transaction) in transactions.iter().enumerate() {
        let mut accounts = Vec::new();
        accesses(transaction, |access| accounts.push(access.key.account()));
        if batches.is_empty() || accounts.iter().any(|account| touched.contains(account)) {
            batches.push(Vec::new());
            touched.clear();
        }
        touched.extend(accounts);
        batches.last_mut().expect("there is one").push(index);
    }
    batches
}
