//! Tests of admission: the blocks that extend the chain, and the first reason why one does not.

use crate::common;
use crate::common::{
    Ledger, START, all_applied, body_root, forge, from, key, ledger, reseal, supply,
};
use lockstep_core::chain::{AddedBlock, Chain, ChainError};
use lockstep_core::codec;
use lockstep_core::config::{Config, ExecutionPath, HashSeed, ParallelConfig};
use lockstep_core::model::{Asset, Block, Hash, Height, Network, Refusal, Timestamp, Transaction};
use lockstep_core::storage::MemoryStorage;

fn rich() -> Ledger<MemoryStorage> {
    ledger().has(&key("alice"), 1_000).reward(1).open()
}

fn pay(nonce: u64) -> Transaction {
    from(&key("alice"), nonce).pay(&key("bob"), 1).sign()
}

/// Returns the refusal of a block that is good but for one change; no part of it may have been kept, and
/// the good block is still accepted.
fn refused(change: impl Fn(&mut Block)) -> Refusal {
    let mut ledger = rich();
    let good = ledger.block([pay(0)]);
    let mut bad = good.clone();
    change(&mut bad);
    let before = ledger.tables();
    let refusal = ledger.refusal(&bad);
    assert_eq!(ledger.tables(), before);
    all_applied(&ledger.add_block(&good));
    refusal
}

#[test]
fn a_block_of_another_version_is_refused() {
    for got in [0, 2, u16::MAX] {
        assert_eq!(
            refused(|block| block.header.version = got),
            Refusal::Version { expected: 1, got }
        );
    }
}

#[test]
fn a_block_of_another_network_is_refused() {
    assert_eq!(
        refused(|block| block.header.network = Network::Mainnet),
        Refusal::Network {
            expected: Network::Devnet,
            got: Network::Mainnet
        }
    );
}

#[test]
fn a_block_of_another_height_is_refused() {
    for got in [0, 2, u64::MAX] {
        assert_eq!(
            refused(|block| block.header.height = Height(got)),
            Refusal::Height {
                expected: Height(1),
                got: Height(got)
            }
        );
    }
}

#[test]
fn a_block_on_another_parent_is_refused() {
    let genesis = rich().tip().hash;
    assert_eq!(
        refused(|block| block.header.parent = Hash([5; 32])),
        Refusal::Parent {
            expected: genesis,
            got: Hash([5; 32])
        }
    );
}

#[test]
fn a_block_older_than_its_parent_is_refused() {
    let got = Timestamp(START.0 - 1);
    assert_eq!(
        refused(|block| block.header.time = got),
        Refusal::Time { parent: START, got }
    );
}

#[test]
fn a_block_may_have_the_time_of_its_parent_or_any_later_one() {
    let mut ledger = rich();
    let mut block = ledger.block([]);
    block.header.time = START;
    ledger.add_block(&block);
    let mut block = ledger.block([]);
    block.header.time = Timestamp(u64::MAX);
    assert_eq!(ledger.add_block(&block).tip.time, Timestamp(u64::MAX));
    let mut block = ledger.block([]);
    block.header.time = Timestamp(u64::MAX - 1);
    assert!(matches!(ledger.refusal(&block), Refusal::Time { .. }));
}

#[test]
fn a_miscounted_body_is_refused() {
    for header in [0, 2, u16::MAX] {
        assert_eq!(
            refused(|block| block.header.count = header),
            Refusal::Count { header, body: 1 }
        );
    }
}

#[test]
fn a_body_that_the_header_does_not_commit_to_is_refused() {
    let good = body_root(&[pay(0)]);
    let other = body_root(&[pay(1)]);
    assert_eq!(
        refused(|block| block.transactions = vec![pay(1)]),
        Refusal::MerkleRoot {
            header: good,
            body: other
        }
    );
}

#[test]
fn another_signature_over_the_same_transaction_is_another_body() {
    let refusal = refused(|block| block.transactions[0] = forge(pay(0)));
    assert!(matches!(refusal, Refusal::MerkleRoot { .. }));
}

#[test]
fn a_body_in_another_order_is_another_body() {
    let mut ledger = rich();
    let mut block = ledger.block([pay(0), pay(1)]);
    block.transactions.reverse();
    assert!(matches!(ledger.refusal(&block), Refusal::MerkleRoot { .. }));
}

/// [A, B, C] and [A, B, C, C] must have different roots: the odd one is not paired with itself.
#[test]
fn a_body_whose_last_transaction_is_repeated_is_another_body() {
    let mut ledger = rich();
    let mut block = ledger.block([pay(0), pay(1), pay(2)]);
    block.transactions.push(pay(2));
    block.header.count = 4;
    assert!(matches!(ledger.refusal(&block), Refusal::MerkleRoot { .. }));
}

#[test]
fn the_merkle_root_is_zero_exactly_when_there_is_no_transaction() {
    let mut ledger = rich();
    let empty = ledger.block([]);
    assert_eq!(empty.header.merkle_root, Hash([0; 32]));
    ledger.add_block(&empty);

    let mut claims_none = ledger.block([pay(0)]);
    claims_none.header.merkle_root = Hash([0; 32]);
    assert!(matches!(
        ledger.refusal(&claims_none),
        Refusal::MerkleRoot { .. }
    ));
    let mut claims_some = ledger.block([]);
    claims_some.header.merkle_root = Hash([1; 32]);
    assert_eq!(
        ledger.refusal(&claims_some),
        Refusal::MerkleRoot {
            header: Hash([1; 32]),
            body: Hash([0; 32])
        }
    );
}

#[test]
fn a_block_may_take_exactly_the_limit_of_bytes() {
    let setup = ledger().has(&key("alice"), 10);
    let block = setup.open().block([pay(0), pay(1)]);
    let bytes = borsh::to_vec(&block).expect("a block encodes").len() as u64;

    // The limit is part of the genesis, so the block has another parent on each ledger.
    let mut fits = setup.clone().max_block_bytes(bytes).open();
    all_applied(&fits.add([pay(0), pay(1)]));

    let mut tight = setup.max_block_bytes(bytes - 1).open();
    let block = tight.block([pay(0), pay(1)]);
    assert_eq!(
        tight.refusal(&block),
        Refusal::Size {
            limit: bytes - 1,
            got: bytes
        }
    );
    all_applied(&tight.add([pay(0)]));
}

/// Transactions of another network cost no signatures, and each gets its receipt like any other.
fn foreign(count: usize) -> Vec<Transaction> {
    let one = from(&key("alice"), 0)
        .network(Network::Mainnet)
        .pay(&key("bob"), 1)
        .sign();
    vec![one; count]
}

#[test]
fn a_block_may_have_u16_max_transactions() {
    let mut ledger = rich();
    let added = ledger.add(foreign(65_535));
    assert_eq!(added.receipts.len(), 65_535);
    assert!(added.receipts.iter().all(|receipt| !receipt.is_applied()));
    let stored = ledger
        .chain
        .block(Height(1))
        .expect("the block is readable");
    assert_eq!(stored.expect("it is there").transactions.len(), 65_535);
}

#[test]
fn a_block_of_65536_transactions_is_refused_whatever_it_counts() {
    let mut ledger = rich();
    let mut block = ledger.block(foreign(65_536));
    for header in [u16::MAX, 0] {
        block.header.count = header;
        assert_eq!(
            ledger.refusal(&block),
            Refusal::Count {
                header,
                body: 65_536
            }
        );
    }
}

/// All is wrong at once; fixed in the order of precedence, the reasons follow in it.
#[test]
fn a_block_is_refused_for_version_network_height_parent_time_count_size_root_in_this_order() {
    let empty = codec::encoded_len(&rich().block([]));
    let mut ledger = ledger()
        .has(&key("alice"), 10)
        .max_block_bytes(empty)
        .open();
    let mut block = ledger.block([pay(0)]);
    block.header.version = 9;
    block.header.network = Network::Testnet;
    block.header.height = Height(4);
    block.header.parent = Hash([4; 32]);
    block.header.time = Timestamp(0);
    block.header.count = 3;
    block.header.merkle_root = Hash([4; 32]);

    assert!(matches!(ledger.refusal(&block), Refusal::Version { .. }));
    block.header.version = 1;
    assert!(matches!(ledger.refusal(&block), Refusal::Network { .. }));
    block.header.network = Network::Devnet;
    assert!(matches!(ledger.refusal(&block), Refusal::Height { .. }));
    block.header.height = Height(1);
    assert!(matches!(ledger.refusal(&block), Refusal::Parent { .. }));
    block.header.parent = ledger.tip().hash;
    assert!(matches!(ledger.refusal(&block), Refusal::Time { .. }));
    block.header.time = START;
    assert!(matches!(ledger.refusal(&block), Refusal::Count { .. }));
    block.header.count = 1;
    assert!(matches!(ledger.refusal(&block), Refusal::Size { .. }));
    block.transactions.clear();
    block.header.count = 0;
    assert!(matches!(ledger.refusal(&block), Refusal::MerkleRoot { .. }));
    reseal(&mut block);
    ledger.add_block(&block);
}

#[test]
fn the_tip_itself_does_not_extend_the_tip() {
    let mut ledger = rich();
    let block = ledger.block([pay(0)]);
    ledger.add_block(&block);
    assert_eq!(
        ledger.refusal(&block),
        Refusal::Height {
            expected: Height(2),
            got: Height(1)
        }
    );
}

#[test]
fn to_replace_a_block_one_rewinds_first() {
    let mut ledger = rich();
    let first = ledger.block([pay(0)]);
    let second = ledger.block([]);
    ledger.add_block(&first);
    assert!(matches!(ledger.refusal(&second), Refusal::Height { .. }));
    ledger.rewind(0).expect("height 0 is below the tip");
    ledger.add_block(&second);
}

#[test]
fn a_block_of_rejected_transactions_extends_the_chain() {
    let mut ledger = rich();
    let added = ledger.add([forge(pay(0)), pay(7), from(&key("unknown"), 0).sign()]);
    assert_eq!(added.receipts.len(), 3);
    assert_eq!(added.tip.height, Height(1));
    assert_eq!(ledger.supply(Asset::NATIVE), supply(1_000, 1, 0));
}

#[test]
fn the_tip_is_named_by_the_hash_of_its_header() {
    let mut ledger = rich();
    let block = ledger.block([pay(0)]);
    let tip = ledger.add_block(&block).tip;
    let mut hasher = blake3::Hasher::new_derive_key("lockstep 1 block header");
    hasher.update(&borsh::to_vec(&block.header).expect("a header encodes"));
    assert_eq!(tip.hash, Hash(hasher.finalize().into()));
    assert_eq!(tip, ledger.tip());
}

#[test]
fn a_block_and_its_receipts_can_be_read_at_their_height_alone() {
    let mut ledger = rich();
    let block = ledger.block([pay(0)]);
    let added = ledger.add_block(&block);
    let chain = &ledger.chain;
    let at = |height| {
        (
            chain.block(Height(height)).expect("blocks are readable"),
            chain.receipts(Height(height)).expect("they are readable"),
        )
    };
    assert_eq!(at(0), (None, None));
    assert_eq!(at(1), (Some(block), Some(added.receipts)));
    assert_eq!(at(2), (None, None));
}

/// The ledger keeps nothing of its own between two calls: a second one on the same storage agrees.
#[test]
fn a_chain_opened_again_continues_where_the_first_one_was() {
    let setup = ledger().has(&key("alice"), 10);
    let mut ledger = setup.open();
    ledger.add([pay(0)]);
    let mut again = setup.open_on(&ledger.disk);
    assert_eq!(again.tip(), ledger.tip());
    all_applied(&again.add([pay(1)]));
    assert_eq!(again.balance(&key("alice")), 8);
    let without_genesis = Chain::open_existing(
        ledger.disk.clone(),
        Config::for_network(Network::Devnet),
        std::sync::Arc::new(setup.clock.clone()),
    );
    let tip = without_genesis.and_then(|chain| Ok(chain.tip()?));
    assert_eq!(tip.expect("the ledger opens"), again.tip());
}

#[test]
fn nothing_that_an_operator_may_choose_changes_a_result() {
    let people = common::keys(40);
    let standard = people
        .iter()
        .fold(ledger().reward(5), |setup, one| setup.has(one, 10));
    let mut others = Vec::new();
    for seed in [0, 1, 77] {
        let mut other = standard.clone();
        other.config.hash_seed = HashSeed::Fixed(seed);
        others.push(other);
    }
    for (enabled, threshold, workers, test_mode) in [
        (false, 0, None, false),
        (true, 0, Some(1), false),
        (true, 0, Some(4), false),
        (true, 1_000, Some(2), false),
        (true, 0, Some(2), true),
    ] {
        let mut other = standard.clone();
        other.config.parallel = ParallelConfig {
            enabled,
            threshold,
            workers,
            test_mode,
            ..ParallelConfig::for_network(Network::Devnet)
        };
        others.push(other);
    }
    let run = |setup: &common::Setup| {
        let mut ledger = setup.open();
        let added: Vec<_> = (0..2)
            .map(|nonce| {
                let body: Vec<_> = people
                    .iter()
                    .zip(people.iter().cycle().skip(7))
                    .map(|(from_one, to)| from(from_one, nonce).fee(1).pay(to, 6).sign())
                    .collect();
                AddedBlock {
                    // The one thing that is chosen.
                    path: ExecutionPath::Serial,
                    ..ledger.add_of(&people[3], body)
                }
            })
            .collect();
        (added, ledger.tables())
    };
    let expected = run(&standard);
    for other in others {
        assert!(run(&other) == expected, "{:?}", other.config);
    }
}

/// A failure of any call fails the block, rejects no transaction, and leaves no trace.
#[test]
fn a_failure_of_the_storage_is_never_a_rejection_and_leaves_no_trace() {
    let (alice, bob) = (key("alice"), key("bob"));
    let mut ledger = ledger().has(&alice, 100).has(&bob, 100).reward(5).open();
    let block = ledger.block([
        from(&alice, 0).fee(1).pay(&bob, 5).sign(),
        from(&bob, 0).pay(&key("new"), 1).sign(),
    ]);
    let before = ledger.tables();
    let mut failures = 0;
    loop {
        ledger.disk.fail_call(failures);
        let result = ledger.try_add(&block);
        if !ledger.disk.heal() {
            all_applied(&result.expect("no call failed"));
            break;
        }
        assert!(matches!(result, Err(ChainError::Storage(_))), "{result:?}");
        assert_eq!(ledger.tables(), before);
        failures += 1;
    }
    assert!(failures >= 4, "only {failures} calls were made to fail");
}
