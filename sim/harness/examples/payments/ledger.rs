//! A ledger of its own rules and its parallel executor, in the place of yours: it knows nothing of the harness.
//!
//! Accounts pay each other and a fee of 1 to the miner. In a batch of payments no two touch one account, so
//! workers execute a batch at once. With a seeded bug the executor forgets that the miner is an account too.

use std::collections::{BTreeMap, BTreeSet};
use std::thread;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Account {
    pub(crate) balance: u64,
    pub(crate) nonce: u64,
}

pub(crate) type Accounts = BTreeMap<u8, Account>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Payment {
    pub(crate) from: u8,
    pub(crate) to: u8,
    pub(crate) amount: u64,
    pub(crate) nonce: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Paid,
    WrongNonce,
    NoFunds,
}

const FEE: u64 = 1;

/// Executes a payment on some accounts, the fee aside.
fn pay(accounts: &mut Accounts, payment: &Payment) -> Outcome {
    let from = accounts.entry(payment.from).or_default();
    if from.nonce != payment.nonce {
        return Outcome::WrongNonce;
    }
    let Some(left) = from.balance.checked_sub(payment.amount + FEE) else {
        return Outcome::NoFunds;
    };
    from.balance = left;
    from.nonce += 1;
    accounts.entry(payment.to).or_default().balance += payment.amount;
    Outcome::Paid
}

fn reward(accounts: &mut Accounts, miner: u8, outcome: Outcome) {
    if outcome == Outcome::Paid {
        accounts.entry(miner).or_default().balance += FEE;
    }
}

/// One payment after another.
pub(crate) fn serial(accounts: &mut Accounts, miner: u8, block: &[Payment]) -> Vec<Outcome> {
    let mut outcomes = Vec::new();
    for payment in block {
        let outcome = pay(accounts, payment);
        reward(accounts, miner, outcome);
        outcomes.push(outcome);
    }
    outcomes
}

/// Batches of payments that share no account, each on up to `workers` threads; returns the outcomes, and the
/// largest number of threads at once.
pub(crate) fn parallel(
    accounts: &mut Accounts,
    miner: u8,
    block: &[Payment],
    workers: usize,
    forgets_the_miner: bool,
) -> (Vec<Outcome>, usize) {
    let (mut outcomes, mut at_once) = (Vec::new(), 0);
    let mut rest = block;
    while !rest.is_empty() {
        let (batch, after) = rest.split_at(batch(rest, miner, workers, forgets_the_miner));
        rest = after;
        at_once = at_once.max(batch.len());
        let before = &*accounts;
        let work = |payment: &Payment| {
            let touched = [payment.from, payment.to];
            let mut own: Accounts = touched
                .iter()
                .filter_map(|name| before.get(name).map(|account| (*name, *account)))
                .collect();
            (pay(&mut own, payment), own)
        };
        let done: Vec<(Outcome, Accounts)> = thread::scope(|scope| {
            let spawned: Vec<_> = batch
                .iter()
                .map(|payment| scope.spawn(move || work(payment)))
                .collect();
            let joined = spawned
                .into_iter()
                .map(|worker| worker.join().expect("a payment never panics"));
            joined.collect()
        });
        // The fees come last, on top of what the payments left.
        let paid: Vec<Outcome> = done.iter().map(|(outcome, _)| *outcome).collect();
        accounts.extend(done.into_iter().flat_map(|(_, own)| own));
        for outcome in paid {
            reward(accounts, miner, outcome);
            outcomes.push(outcome);
        }
    }
    (outcomes, at_once)
}

/// Number of payments at the head of a block that share no account: the next batch, at least 1.
fn batch(block: &[Payment], miner: u8, workers: usize, forgets_the_miner: bool) -> usize {
    let mut touched = BTreeSet::new();
    let shares = |payment: &&Payment| {
        let miner_waits = !forgets_the_miner && [payment.from, payment.to].contains(&miner);
        let is_first = touched.is_empty();
        let is_new = touched.insert(payment.from)
            & (payment.to == payment.from || touched.insert(payment.to));
        is_first || is_new && !miner_waits
    };
    let free = block.iter().take(workers.max(1)).take_while(shares).count();
    free.max(1)
}
