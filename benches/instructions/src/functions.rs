//! The hot functions, each with its arguments.

use std::hint::black_box;
use std::sync::{Arc, RwLock};

use lockstep_benches::entries::written_by;
use lockstep_benches::prepared::{Prepared, cells, claims};
use lockstep_benches::unsigned::{hasher, unsigned};
use lockstep_core::codec;
use lockstep_core::merkle;
use lockstep_core::model::{Block, Hash, Outcome, Transaction};
use lockstep_core::parallel::ParallelChainState;
use lockstep_core::schedule::{Graph, ReadySet, accesses, group_by_conflicts};
use lockstep_core::signature::{BATCH, verify, verify_all};
use lockstep_core::storage::{MemoryStorage, Storage};
use lockstep_core::transition::transition;
use lockstep_sim::conflict_pattern::ConflictPattern;

use crate::baseline::{LONGER_LOOP, SHORTER_LOOP};
use crate::counted::count;
use crate::inputs::{Plenty, hashes};
use crate::machine;
use crate::valgrind::PROCESSOR;

/// Large enough that growing shows, small enough to take seconds.
const BLOCK: u16 = 10_000;

/// Transactions of a block whose signatures are real.
const SIGNED_BLOCK: u16 = 200;

/// Calls all of them, and says on the standard output what they are.
pub(crate) fn call_all() {
    println!("{PROCESSOR} {}", machine::processor());
    canaries();
    schedule();
    transitions();
    encodings();
    signatures();
    blocks();
}

fn canaries() {
    let rounds = |rounds: u32| (0..rounds).fold(1, |sum, round| black_box(sum ^ round));
    count(SHORTER_LOOP, 100_000, 100_000, rounds);
    count(LONGER_LOOP, 100_000, 104_000, rounds);
}

fn schedule() {
    for size in [1_000, BLOCK] {
        for pattern in ConflictPattern::ALL {
            let transactions = unsigned(pattern, size);
            let graph = |transactions: &[Transaction]| Graph::of(transactions, hasher());
            count(
                &format!("graph of {size}, {pattern}"),
                transactions.len(),
                &transactions[..],
                graph,
            );
        }
    }
    for (pattern, size) in [
        (ConflictPattern::Independent, 100),
        (ConflictPattern::Zipf, BLOCK),
    ] {
        let transactions = unsigned(pattern, size);
        let group = |transactions: &[Transaction]| group_by_conflicts(transactions, hasher());
        count(
            &format!("group_by_conflicts of {size}, {pattern}"),
            transactions.len(),
            &transactions[..],
            group,
        );
    }
    for pattern in [
        ConflictPattern::Independent,
        ConflictPattern::Zipf,
        ConflictPattern::Chain,
    ] {
        let transactions = unsigned(pattern, BLOCK);
        let graph = Graph::of(&transactions, hasher());
        let drain = |graph| {
            let mut machine = ReadySet::new(graph);
            while let Some(transaction) = machine.give() {
                machine.finish(transaction);
            }
            assert!(
                machine.is_done(),
                "a ready set of which everything finished is done"
            );
            machine
        };
        count(
            &format!("ready machine over {BLOCK}, {pattern}"),
            transactions.len(),
            &graph,
            drain,
        );
    }
    for pattern in [ConflictPattern::Independent, ConflictPattern::MultiAsset] {
        let transactions = unsigned(pattern, BLOCK);
        let extract = |transactions: &[Transaction]| {
            for transaction in transactions {
                accesses(transaction, |access| {
                    black_box(access);
                });
            }
        };
        count(
            &format!("accesses of {BLOCK}, {pattern}"),
            transactions.len(),
            &transactions[..],
            extract,
        );
    }
}

fn transitions() {
    for pattern in [ConflictPattern::Independent, ConflictPattern::MultiAsset] {
        let transactions = unsigned(pattern, 1_000);
        let all = |transactions: &[Transaction]| -> Vec<Outcome> {
            let outcomes = transactions.iter().map(|one| {
                let Ok(outcome) = transition(one, &mut Plenty);
                outcome
            });
            outcomes.collect()
        };
        let outcomes = count(
            &format!("transition, {pattern}"),
            transactions.len(),
            &transactions[..],
            all,
        );
        assert!(
            outcomes
                .iter()
                .all(|outcome| matches!(outcome, Outcome::Applied { .. })),
            "a rejected transaction is cheap"
        );
    }
}

fn encodings() {
    for pattern in [ConflictPattern::Independent, ConflictPattern::MultiAsset] {
        let transactions = unsigned(pattern, 1_000);
        let items = transactions.len();
        let transactions = &transactions[..];
        let encodings = count(&format!("encode, {pattern}"), items, transactions, |all| {
            all.iter().map(codec::encode).collect::<Vec<_>>()
        });
        let decoded = count(&format!("decode, {pattern}"), items, &encodings, |all| {
            all.iter()
                .map(|bytes| codec::decode::<Transaction>("a transaction", bytes))
                .collect::<Result<Vec<_>, _>>()
        });
        assert_eq!(decoded.as_deref(), Ok(transactions), "it was encoded here");
        count(
            &format!("encoded_len, {pattern}"),
            items,
            transactions,
            |all| all.iter().map(codec::encoded_len).sum::<u64>(),
        );
        count(
            &format!("transaction_id, {pattern}"),
            items,
            transactions,
            |all| all.iter().map(codec::transaction_id).collect::<Vec<_>>(),
        );
        count(
            &format!("signing_hash, {pattern}"),
            items,
            transactions,
            |all| all.iter().map(codec::signing_hash).collect::<Vec<_>>(),
        );
    }
    let identities = hashes(1_000);
    count(
        "merkle root of 1000",
        identities.len(),
        &identities[..],
        merkle::root,
    );
}

fn signatures() {
    let claims = claims(BATCH);
    let held = count("verify", 8, &claims[..8], |claims| {
        claims.iter().filter(|claim| verify(claim)).count()
    });
    assert_eq!(held, 8, "every signature holds");
    let held = count("verify_all, a batch", BATCH, &claims[..], verify_all);
    assert!(held.into_iter().all(|holds| holds), "every signature holds");
}

fn blocks() {
    let prepared = Prepared::new(ConflictPattern::Independent, SIGNED_BLOCK);
    let block: &Block = &prepared.block;
    let items = block.transactions.len();

    let storage = Arc::new(RwLock::new(prepared.storage().clone()));
    let wanted = cells(&block.transactions);
    let state = count(
        "ParallelChainState: new and prefetch",
        items,
        (storage, wanted),
        |(storage, wanted)| {
            let state = ParallelChainState::new(storage, 2 * items, hasher());
            state.prefetch(wanted).map(|()| state)
        },
    );
    let state = state.expect("memory does not fail");
    let applied: Vec<_> = prepared
        .added
        .receipts
        .iter()
        .filter_map(|receipt| match &receipt.outcome {
            Outcome::Applied { effects, .. } => Some(effects),
            Outcome::Rejected(_) => None,
        })
        .collect();
    let done = count(
        "ParallelChainState: apply",
        items,
        (&state, &applied),
        |(state, applied)| applied.iter().try_for_each(|changes| state.apply(changes)),
    );
    done.expect("memory does not fail");

    let written = written_by(&prepared);
    let storage: MemoryStorage = prepared.storage().clone();
    let storage = count(
        "memory: commit of a block",
        items,
        (storage, written),
        |(mut storage, written)| storage.commit_owned(written, None).map(|()| storage),
    );
    assert!(storage.is_ok(), "memory does not fail");
    let added = &prepared.added;
    count("block_digest", items, added, |added| {
        codec::block_digest(Hash::ZERO, &added.state_diff, &added.receipts)
    });
    let chain = prepared.chain(|storage| storage);
    let added = count("add_block, serial", items, &chain, |chain| {
        chain.add_block(block)
    });
    assert_eq!(
        added.ok().as_ref(),
        Some(&prepared.added),
        "the same block does the same"
    );
}
