//! Tests of rewinding: the tables are as they were, byte for byte, and the blocks can be added again.

use crate::common;
use crate::common::disk::Tables;
use crate::common::{
    GOLD, Ledger, all_applied, assert_conserved, balance_cell, from, key, keys, ledger,
};
use lockstep_core::chain::{AddedBlock, ChainError};
use lockstep_core::config::ExecutionPath;
use lockstep_core::model::{Asset, Block, Height};
use lockstep_core::storage::{MemoryStorage, Table};
use proptest::prelude::*;

/// A history in which every kind of cell is created, changed, returns to what it was, and rests.
struct Story {
    ledger: Ledger<MemoryStorage>,
    blocks: Vec<Block>,
    added: Vec<AddedBlock>,
    /// The tables of the storage at each height.
    tables: Vec<Tables>,
}

fn story() -> Story {
    let (alice, bob, carol, miner) = (key("alice"), key("bob"), key("carol"), key("m"));
    let mut ledger = ledger()
        .has(&alice, 1_000)
        .has_of(GOLD, &alice, 100)
        .reward(7)
        .native_limit(1_030)
        .open();
    let bodies = vec![
        vec![
            from(&alice, 0).fee(1).pay(&bob, 100).sign(),
            from(&bob, 0).multisig(1, &[&carol]).sign(),
        ],
        vec![],
        vec![
            from(&bob, 1).pay(&alice, 100).cosign(&carol).sign(),
            from(&alice, 1).pay_of(GOLD, &carol, 10).sign(),
            from(&alice, 9).pay(&carol, 10).sign(),
        ],
        vec![from(&alice, 2).burn(GOLD, 20).sign()],
        vec![from(&bob, 2).fee(0).multisig(0, &[]).cosign(&carol).sign()],
        vec![
            from(&carol, 0).pay_of(GOLD, &alice, 10).sign(),
            from(&alice, 3).fee(2).pay(&key("new"), 5).sign(),
            from(&alice, 4).burn(Asset::NATIVE, 3).sign(),
        ],
    ];
    let mut blocks = Vec::new();
    let mut added = Vec::new();
    let mut tables = vec![ledger.tables()];
    for body in bodies {
        let block = ledger.block_of(&miner, body);
        added.push(ledger.add_block(&block));
        blocks.push(block);
        tables.push(ledger.tables());
    }
    let rejected: usize = added
        .iter()
        .flat_map(|block| &block.receipts)
        .filter(|receipt| !receipt.is_applied())
        .count();
    assert_eq!(rejected, 1, "the one with nonce 9");
    Story {
        ledger,
        blocks,
        added,
        tables,
    }
}

#[test]
fn rewinding_restores_all_tables_byte_for_byte_from_every_height_to_every_height() {
    let mut story = story();
    let last = story.blocks.len();
    for target in 0..=last {
        story
            .ledger
            .rewind(target as u64)
            .expect("every height up to the tip can be gone back to");
        assert_eq!(story.ledger.tables(), story.tables[target], "at {target}");
        for (index, block) in story.blocks.iter().enumerate().skip(target) {
            let added = story.ledger.add_block(block);
            assert_eq!(added, story.added[index], "block {} again", index + 1);
            assert_eq!(story.ledger.tables(), story.tables[index + 1]);
        }
    }
}

#[test]
fn rewinding_step_by_step_is_rewinding_at_once() {
    let mut story = story();
    for target in (0..story.blocks.len()).rev() {
        story.ledger.rewind(target as u64).expect("one step back");
        assert_eq!(story.ledger.tables(), story.tables[target], "at {target}");
        assert_conserved(&story.ledger);
    }
}

#[test]
fn rewinding_gives_the_tip_of_that_height() {
    let mut story = story();
    let tip = story.ledger.rewind(3).expect("height 3 is below the tip");
    assert_eq!(tip, story.added[2].tip);
    assert_eq!(story.ledger.tip(), tip);
}

#[test]
fn rewinding_to_the_tip_does_nothing() {
    let mut story = story();
    let tip = story.ledger.tip();
    let again = story.ledger.rewind(tip.height.0);
    assert_eq!(again.expect("the tip is not above the tip"), tip);
    assert_eq!(&story.ledger.tables(), story.tables.last().expect("six"));
}

#[test]
fn rewinding_above_the_tip_is_an_error_and_does_nothing() {
    let mut story = story();
    for target in [7, u64::MAX] {
        let error = story.ledger.rewind(target);
        assert!(matches!(
            error,
            Err(ChainError::AboveTip {
                target: Height(to),
                tip: Height(6)
            }) if to == target
        ));
    }
    assert_eq!(&story.ledger.tables(), story.tables.last().expect("six"));
}

#[test]
fn a_genesis_can_be_rewound_to_itself() {
    let mut ledger = ledger().has(&key("alice"), 1).open();
    let before = ledger.tables();
    ledger.rewind(0).expect("the genesis is the tip");
    assert_eq!(ledger.tables(), before);
}

#[test]
fn a_rewound_block_cannot_be_read_any_more() {
    let mut story = story();
    story.ledger.rewind(2).expect("height 2 is below the tip");
    let tables = story.ledger.tables();
    for table in [Table::Blocks, Table::Receipts] {
        assert_eq!(tables[&table].len(), 2);
    }
    let bob = balance_cell(&key("bob"));
    assert_eq!(story.ledger.history(bob).len(), 1);
    assert_eq!(story.ledger.nonce(&key("new")), None);
    let block = story.ledger.chain.block(Height(3));
    assert_eq!(block.expect("blocks are readable"), None);
}

#[test]
fn another_branch_after_a_rewind_knows_nothing_of_the_first() {
    let (alice, bob, carol) = (key("alice"), key("bob"), key("carol"));
    let setup = ledger().has(&alice, 100);
    let to = |who: &lockstep_core::signature::Keypair| from(&alice, 0).pay(who, 9).sign();
    let mut ledger = setup.open();
    all_applied(&ledger.add([to(&bob)]));
    ledger.rewind(0).expect("height 0 is below the tip");
    all_applied(&ledger.add([to(&carol)]));

    let mut straight = setup.open();
    all_applied(&straight.add([to(&carol)]));
    assert_eq!(ledger.tables(), straight.tables());
}

/// An error of any call means that no table has changed, and trying again works.
#[test]
fn a_failure_of_the_storage_during_a_rewind_leaves_the_ledger_as_it_was() {
    let mut story = story();
    let mut failures = 0;
    loop {
        story.ledger.disk.fail_call(failures);
        let result = story.ledger.rewind(1);
        if !story.ledger.disk.heal() {
            result.expect("no call failed");
            break;
        }
        assert!(matches!(result, Err(ChainError::Storage(_))), "{result:?}");
        assert_eq!(story.ledger.tables(), story.tables[6], "call {failures}");
        failures += 1;
    }
    assert_eq!(story.ledger.tables(), story.tables[1]);
    assert!(failures > 10, "only {failures} calls were made to fail");
}

/// The blocks are so large that workers help with the commit, too.
#[test]
fn large_blocks_leave_the_same_on_every_path_and_are_undone_alike() {
    const MANY: u64 = 300;
    let (alice, bob) = (key("alice"), key("bob"));
    let receivers: Vec<_> = (0..MANY).map(|number| key(&format!("{number}"))).collect();
    let tables = ExecutionPath::ALL.map(|path| {
        let mut setup = ledger();
        for source in [&alice, &bob] {
            setup = setup.has(source, 10_000).has_of(GOLD, source, 10_000);
        }
        setup.config.parallel.forced = Some(path);
        setup.config.parallel.workers = Some(3);
        let mut ledger = setup.open();
        let mut tables = vec![ledger.tables()];
        for block in 0..2 {
            let pay = |(index, to)| {
                let source = if index % 2 == 0 { &alice } else { &bob };
                let nonce = (block * MANY + index) / 2;
                from(source, nonce).pay_of(GOLD, to, 1).sign()
            };
            let block = ledger.block((0..).zip(&receivers).map(pay).collect::<Vec<_>>());
            all_applied(&ledger.add_block(&block));
            tables.push(ledger.tables());
        }
        for height in [1, 0] {
            ledger
                .chain
                .rewind_to(Height(height))
                .expect("it can be undone");
            assert_eq!(ledger.tables(), tables[height as usize], "{}", path.name());
        }
        tables
    });
    let [serial, others @ ..] = tables;
    assert!(others.iter().all(|other| *other == serial));
}

proptest! {
    #![proptest_config(common::cases(32))]

    /// Random payments, then a walk up and down.
    #[test]
    fn undo_and_redo_is_the_identity(
        blocks in prop::collection::vec(
            prop::collection::vec((0..4_usize, 0..4_usize, 1..40_u64, 0..3_u64), 0..6), 1..6),
        walk in prop::collection::vec(0..6_u64, 1..6),
    ) {
        let people = keys(4);
        let mut ledger = people
            .iter()
            .take(3)
            .fold(ledger().reward(5), |setup, one| setup.has(one, 50))
            .open();
        let mut tables = vec![ledger.tables()];
        let mut made = Vec::new();
        for payments in blocks {
            let mut nonces: Vec<u64> = people
                .iter()
                .map(|one| ledger.nonce(one).unwrap_or_default())
                .collect();
            let mut body = Vec::new();
            for (source, to, amount, fee) in payments {
                body.push(from(&people[source], nonces[source]).fee(fee).pay(&people[to], amount).sign());
                nonces[source] += 1;
            }
            let block = ledger.block_of(&people[0], body);
            ledger.add_block(&block);
            tables.push(ledger.tables());
            made.push(block);
        }
        for target in walk {
            let Ok(tip) = ledger.rewind(target) else {
                continue;
            };
            let at = usize::try_from(tip.height.0).expect("heights here are small");
            prop_assert_eq!(&ledger.tables(), &tables[at]);
            // One block up again, so that walks have both directions.
            if let Some(block) = made.get(at) {
                ledger.add_block(block);
                prop_assert_eq!(&ledger.tables(), &tables[at + 1]);
            }
        }
    }
}
