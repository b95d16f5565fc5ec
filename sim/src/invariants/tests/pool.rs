//! Answers of a mempool.

use lockstep_core::model::{Amount, Nonce, Transaction};

use super::{SENDER, Step};
use crate::invariants::{Event, PoolAnswer};
use crate::oracle::{NaiveMempool, NotAccepted, Oracle};
use crate::scenario::build::{self, Keys};
use crate::scenario::{Action, Sending, TransactionRecipe};

/// A signed transfer of an account.
fn transfer(from: u32, nonce: u64, fee: u64) -> Transaction {
    let recipe = TransactionRecipe {
        from,
        nonce,
        fee,
        action: Action::Send(vec![Sending(9, 0, 1)]),
        cosigners: Vec::new(),
        flaw: None,
    };
    build::transaction(&recipe, &Step::honest().genesis.rules, &mut Keys::default())
}

fn oracle() -> Oracle {
    Oracle::new(&Step::honest().genesis).expect("the genesis is possible")
}

/// Returns the name of the invariant that such an answer violates.
fn violated_by(got: &PoolAnswer, expected: &PoolAnswer) -> Option<&'static str> {
    let step = Step::honest();
    let step = Step {
        before: step.after.clone(),
        ..step
    };
    let call = "a call";
    step.judged(Event::Pool {
        call,
        got,
        expected,
    })
}

/// A mempool of two, with two transactions of fee 2 and 3.
fn full() -> NaiveMempool {
    let mut pool = NaiveMempool::new(2, u64::MAX);
    for offered in [transfer(SENDER, 0, 2), transfer(1, 0, 3)] {
        pool.insert(&offered, &oracle()).expect("there is room");
    }
    pool
}

#[test]
fn a_mempool_that_accepts_without_room_is_named() {
    let cheap = transfer(2, 0, 2);
    let refused = full().insert(&cheap, &oracle());
    assert_eq!(refused, Err(NotAccepted::Full));
    let expected = PoolAnswer::Offered(refused);
    assert_eq!(violated_by(&expected, &expected), None);
    let got = PoolAnswer::Offered(Ok(lockstep_core::codec::transaction_id(&cheap)));
    assert_eq!(violated_by(&got, &expected), Some("mempool-keeps-by-rule"));
}

#[test]
fn a_mempool_of_another_size_is_named() {
    let (count, bytes) = full().size();
    assert_eq!(count, 2);
    let expected = PoolAnswer::Size(count, bytes);
    let got = PoolAnswer::Size(count, bytes + 1);
    assert_eq!(violated_by(&expected, &expected), None);
    assert_eq!(violated_by(&got, &expected), Some("mempool-keeps-by-rule"));
}

#[test]
fn the_cheapest_gives_way_and_the_dearest_is_chosen_first() {
    let mut pool = full();
    let best = transfer(2, 0, 4);
    assert!(pool.insert(&best, &oracle()).is_ok());
    let fees = |chosen: &[Transaction]| chosen.iter().map(|one| one.fee).collect::<Vec<_>>();
    let chosen = pool.choose(|_| Nonce(0), 9, u64::MAX);
    assert_eq!(fees(&chosen), [4, 3].map(Amount));
    let expected = PoolAnswer::Chosen(chosen.clone());
    assert_eq!(violated_by(&expected, &expected), None);
    let reversed = PoolAnswer::Chosen(chosen.into_iter().rev().collect());
    let name = violated_by(&reversed, &expected);
    assert_eq!(name, Some("mempool-chooses-by-rule"));
}

#[test]
fn a_template_of_another_body_is_named() {
    let (oracle, miner) = (oracle(), super::key(SENDER));
    let header = |body: &[Transaction]| PoolAnswer::Template(oracle.header_of(body, miner));
    let expected = header(&[transfer(SENDER, 0, 2)]);
    assert_eq!(violated_by(&expected, &expected), None);
    let name = violated_by(&header(&[]), &expected);
    assert_eq!(name, Some("mempool-chooses-by-rule"));
}

#[test]
fn a_source_waits_behind_a_gap_and_behind_what_does_not_fit() {
    let mut pool = NaiveMempool::new(9, u64::MAX);
    for offered in [transfer(SENDER, 1, 9), transfer(1, 0, 2), transfer(1, 1, 8)] {
        pool.insert(&offered, &oracle()).expect("there is room");
    }
    let chosen = pool.choose(|_| Nonce(0), 9, u64::MAX);
    let places: Vec<(u64, u64)> = chosen.iter().map(|one| (one.nonce.0, one.fee.0)).collect();
    assert_eq!(places, [(0, 2), (1, 8)]);
    let bytes = lockstep_core::codec::encoded_len(&chosen[0]);
    assert_eq!(pool.choose(|_| Nonce(0), 9, bytes - 1), []);
    assert_eq!(pool.choose(|_| Nonce(0), 9, bytes), chosen[..1]);
    assert_eq!(pool.choose(|_| Nonce(0), 1, u64::MAX), chosen[..1]);
}
