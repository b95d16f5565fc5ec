//! A ledger that one adds to while others undo and read. Its blocks are empty: they change the
//! miner's balance, and the rest is the same.

use std::sync::Arc;

use lockstep_core::chain::{ChainError, Tip};
use lockstep_core::model::{
    Amount, Asset, BLOCK_VERSION, Block, Cell, Hash, Header, Height, Network, PublicKey, Timestamp,
};
use lockstep_core::storage::MemoryStorage;

use crate::batch::{account, clock, config, genesis};
use crate::{CancellationToken, Chain, explore, thread};

type Ledger = Chain<MemoryStorage>;

const MINER: u8 = 1;

fn miner() -> PublicKey {
    account(MINER)
}

fn ledger() -> Arc<Ledger> {
    let ledger = Chain::open(MemoryStorage::new(), &genesis(&[0]), config(), clock());
    Arc::new(ledger.expect("the genesis is possible"))
}

/// The empty block on this one.
fn block_on(tip: Tip) -> Block {
    let height = tip.height.next().expect("the ledger is short");
    Block {
        header: Header {
            version: BLOCK_VERSION,
            network: Network::Devnet,
            height,
            parent: tip.hash,
            time: Timestamp(0),
            miner: miner(),
            merkle_root: Hash::ZERO,
            count: 0,
        },
        transactions: Vec::new(),
    }
}

fn tip(ledger: &Ledger) -> Tip {
    ledger.tip().expect("memory does not fail")
}

fn mined(ledger: &Ledger) -> u64 {
    let balance = ledger.balance(miner(), Asset::NATIVE);
    balance.expect("memory does not fail").0
}

/// The miner gets 1 a block and nothing else moves: what a ledger of this height looks like.
fn is_whole(ledger: &Ledger, height: u64) {
    assert_eq!(tip(ledger).height, Height(height));
    assert_eq!(mined(ledger), height);
    let supply = ledger.supply(Asset::NATIVE).expect("memory does not fail");
    assert_eq!(supply.issued, Amount(height));
}

#[test]
fn of_two_blocks_for_one_tip_one_is_added() {
    explore("of_two_blocks_for_one_tip_one_is_added", || {
        let ledger = ledger();
        let block = block_on(tip(&ledger));
        let other = {
            let (ledger, block) = (Arc::clone(&ledger), block.clone());
            thread::spawn(move || ledger.add_block(&block).is_ok())
        };
        let mine = ledger.add_block(&block);
        let other = other.join().expect("no call panics");
        assert!(mine.is_ok() != other, "one is added, the other refused");
        if let Err(refused) = mine {
            assert!(matches!(refused, ChainError::Refused(_)), "{refused}");
        }
        is_whole(&ledger, 1);
    });
}

#[test]
fn a_rewind_comes_before_or_after_a_block() {
    explore("a_rewind_comes_before_or_after_a_block", || {
        let ledger = ledger();
        let first = ledger.add_block(&block_on(tip(&ledger)));
        let block = block_on(first.expect("it extends the tip").tip);
        let rewinder = {
            let ledger = Arc::clone(&ledger);
            thread::spawn(move || ledger.rewind_to(Height(0)).map(|tip| tip.height))
        };
        let added = ledger.add_block(&block);
        let rewound = rewinder.join().expect("no call panics");
        assert_eq!(rewound.expect("the height is below the tip"), Height(0));
        if let Err(refused) = added {
            assert!(matches!(refused, ChainError::Refused(_)), "{refused}");
        }
        is_whole(&ledger, 0);
    });
}

#[test]
fn a_reader_sees_the_block_before_or_after() {
    explore("a_reader_sees_the_block_before_or_after", || {
        let ledger = ledger();
        let before = tip(&ledger);
        let reader = {
            let ledger = Arc::clone(&ledger);
            thread::spawn(move || {
                let history = ledger.history(Cell::Supply(Asset::NATIVE));
                let versions = history.expect("its links are whole").len();
                (versions, tip(&ledger))
            })
        };
        let added = ledger
            .add_block(&block_on(before))
            .expect("it extends the tip");
        let (versions, seen) = reader.join().expect("no call panics");
        assert!(seen == before || seen == added.tip, "{seen:?}");
        // It looked at the history first.
        assert!(
            versions == 1 || (versions == 2 && seen == added.tip),
            "{versions}"
        );
        is_whole(&ledger, 1);
    });
}

#[test]
fn a_reader_beside_a_rewind_finds_every_link() {
    explore("a_reader_beside_a_rewind_finds_every_link", || {
        let ledger = ledger();
        let added = ledger.add_block(&block_on(tip(&ledger)));
        added.expect("it extends the tip");
        let reader = {
            let ledger = Arc::clone(&ledger);
            thread::spawn(move || {
                let history = ledger.history(Cell::Supply(Asset::NATIVE));
                let versions = history.expect("its links are whole").len();
                let then = ledger.value_at(Cell::Supply(Asset::NATIVE), Height(0));
                assert!(then.expect("its links are whole").is_some());
                versions
            })
        };
        let rewound = ledger.rewind_to(Height(0));
        rewound.expect("the height is below the tip");
        let versions = reader.join().expect("no call panics");
        assert!(versions == 2 || versions == 1, "{versions}");
        is_whole(&ledger, 0);
    });
}

/// A block is added by one, undone by another, and read by a third.
#[test]
fn a_reader_beside_a_block_and_a_rewind_sees_one_of_the_two() {
    let claim = "a_reader_beside_a_block_and_a_rewind_sees_one_of_the_two";
    explore(claim, || {
        let ledger = ledger();
        let before = tip(&ledger);
        let block = block_on(before);
        let adder = {
            let ledger = Arc::clone(&ledger);
            thread::spawn(move || ledger.add_block(&block).map(|added| added.tip))
        };
        let rewinder = {
            let ledger = Arc::clone(&ledger);
            thread::spawn(move || ledger.rewind_to(Height(0)))
        };
        let seen = mined(&ledger);
        assert!(seen <= 1, "{seen}");
        let added = adder.join().expect("no call panics");
        added.expect("a rewind to the genesis leaves the tip that it extends");
        let rewound = rewinder.join().expect("no call panics");
        assert_eq!(rewound.expect("the height is not above the tip"), before);
        let height = tip(&ledger).height.0;
        assert!(height <= 1, "{height}");
        is_whole(&ledger, height);
    });
}

/// An addition may be cancelled at any moment: then all of the block is there or nothing.
#[test]
fn a_block_whose_caller_is_gone_is_added_whole_or_not_at_all() {
    let claim = "a_block_whose_caller_is_gone_is_added_whole_or_not_at_all";
    explore(claim, || {
        let ledger = ledger();
        let block = block_on(tip(&ledger));
        let token = CancellationToken::new();
        let adder = {
            let (ledger, token) = (Arc::clone(&ledger), token.clone());
            thread::spawn(move || ledger.add_block_unless(&block, || token.is_cancelled()))
        };
        token.cancel();
        match adder.join().expect("no call panics") {
            Ok(added) => {
                assert_eq!(added.tip.height, Height(1));
                is_whole(&ledger, 1);
            }
            Err(ChainError::Cancelled) => is_whole(&ledger, 0),
            Err(other) => panic!("nothing else happens: {other}"),
        }
    });
}
