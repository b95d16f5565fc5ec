//! Tests of the patterns of conflicts.
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use lockstep_core::chain::Chain;
use lockstep_core::clock::SystemClock;
use lockstep_core::config::Config;
use lockstep_core::model::{Asset, Payload, PublicKey, Transaction, Transfer};
use lockstep_core::schedule::Graph;
use lockstep_core::storage::MemoryStorage;

use super::*;

const BLOCKS: u32 = 3;
const TRANSACTIONS: u16 = 60;

fn made(pattern: ConflictPattern) -> Workload {
    workload(pattern, 7, BLOCKS, TRANSACTIONS)
}

/// Share of each block that core applied.
fn applied_shares(workload: &Workload) -> Vec<f64> {
    let genesis = &workload.genesis;
    let config = Config::for_network(genesis.rules.network);
    let chain = Chain::open(MemoryStorage::new(), genesis, config, Arc::new(SystemClock))
        .expect("the genesis is possible");
    workload
        .blocks
        .iter()
        .map(|block| applied_share(&chain.add_block(block).expect("it extends the tip").receipts))
        .collect()
}

fn transfers(transaction: &Transaction) -> &[Transfer] {
    match &transaction.payload {
        Payload::Transfers(transfers) => transfers,
        other => panic!("a pattern consists of transfers, and not of {other:?}"),
    }
}

/// Source and destination of each transaction of a block.
fn edges(block: &Block) -> Vec<(PublicKey, PublicKey)> {
    let edge = |transaction: &Transaction| {
        let to: BTreeSet<PublicKey> = transfers(transaction)
            .iter()
            .map(|transfer| transfer.destination)
            .collect();
        assert_eq!(to.len(), 1, "a transaction of a pattern pays one account");
        (transaction.source, *to.first().expect("there is one"))
    };
    block.transactions.iter().map(edge).collect()
}

fn distinct<T: Ord>(all: impl IntoIterator<Item = T>) -> usize {
    all.into_iter().collect::<BTreeSet<T>>().len()
}

fn for_each_block(pattern: ConflictPattern, check: impl Fn(&[(PublicKey, PublicKey)])) {
    let workload = made(pattern);
    assert_eq!(workload.blocks.len(), BLOCKS as usize);
    for block in &workload.blocks {
        assert_eq!(block.transactions.len(), usize::from(TRANSACTIONS));
        check(&edges(block));
    }
}

#[test]
fn every_transaction_of_every_shape_is_applied() {
    for pattern in ConflictPattern::ALL {
        assert_eq!(applied_shares(&made(pattern)), [1.0; 3], "{pattern}");
    }
}

#[test]
fn a_block_of_rejections_has_a_share_of_zero() {
    let mut scenario = scenario(ConflictPattern::Hot, 7, 1, TRANSACTIONS);
    for step in &mut scenario.steps {
        if let Step::Block(block) = step {
            for transaction in &mut block.transactions {
                transaction.nonce += 1;
            }
        }
    }
    assert_eq!(applied_shares(&signed(&scenario)), [0.0]);
    assert!(
        applied_share(&[]) < 0.01,
        "no block at all is not a success"
    );
}

#[test]
fn independent_transactions_share_no_account() {
    for_each_block(ConflictPattern::Independent, |edges| {
        let parties = edges.iter().flat_map(|(from, to)| [from, to]);
        assert_eq!(distinct(parties), 2 * edges.len());
    });
}

#[test]
fn a_hot_recipient_is_paid_by_each_account_once() {
    for_each_block(ConflictPattern::Hot, |edges| {
        assert_eq!(distinct(edges.iter().map(|(from, _)| from)), edges.len());
        assert_eq!(distinct(edges.iter().map(|(_, to)| to)), 1);
    });
}

#[test]
fn one_sender_pays_each_account_once() {
    for_each_block(ConflictPattern::OneSender, |edges| {
        assert_eq!(distinct(edges.iter().map(|(from, _)| from)), 1);
        assert_eq!(distinct(edges.iter().map(|(_, to)| to)), edges.len());
    });
}

#[test]
fn a_chain_goes_on_where_it_ended() {
    for_each_block(ConflictPattern::Chain, |edges| {
        assert_eq!(distinct(edges.iter().map(|(from, _)| from)), edges.len());
        for pair in edges.windows(2) {
            assert_eq!(pair[0].1, pair[1].0);
        }
    });
}

#[test]
fn in_a_chain_only_the_first_could_pay_alone() {
    let Workload { genesis, blocks } = made(ConflictPattern::Chain);
    let could_pay: Vec<bool> = blocks[0]
        .transactions
        .iter()
        .map(|transaction| {
            let has = genesis.balances[&(transaction.source, Asset::NATIVE)];
            has >= transfers(transaction)[0].amount
        })
        .collect();
    let (first, others) = could_pay.split_first().expect("there are transactions");
    assert!(*first);
    assert!(others.iter().all(|could| !could));
}

#[test]
fn by_zipf_one_account_is_a_party_to_many_and_many_to_few() {
    let transactions = 2_000;
    let workload = workload(ConflictPattern::Zipf, 7, 1, transactions);
    let mut parties: BTreeMap<PublicKey, usize> = BTreeMap::new();
    for (from, to) in edges(&workload.blocks[0]) {
        *parties.entry(from).or_default() += 1;
        *parties.entry(to).or_default() += 1;
    }
    let mut counts: Vec<usize> = parties.into_values().collect();
    counts.sort_unstable_by(|a, b| b.cmp(a));
    // The sum of 1/k up to 2,000 is 8.18, so each side names the first in 12 % of the transactions
    // (a little more, as no account pays itself) and the second in half as many.
    assert!((400..640).contains(&counts[0]), "{}", counts[0]);
    assert!((180..340).contains(&counts[1]), "{}", counts[1]);
    assert!(counts.len() > 700, "{} accounts are a party", counts.len());
    let named_once = counts.iter().filter(|count| **count == 1).count();
    assert!(named_once > 200, "{named_once} accounts in one transaction");
}

fn levels(block: &Block) -> Vec<u32> {
    let hasher = ahash::RandomState::with_seed(0);
    Graph::of(&block.transactions, hasher).levels().to_vec()
}

#[test]
fn whom_many_pay_in_an_adversarial_block_pays_after_every_burst() {
    let block = workload(ConflictPattern::Adversarial, 7, 1, 4_000)
        .blocks
        .remove(0);
    let edges = edges(&block);
    let middle = edges[0].0;
    let mut bursts = vec![0];
    for (from, to) in edges {
        if from == middle {
            bursts.push(0);
        } else if to == middle {
            *bursts.last_mut().expect("there is one") += 1;
        }
    }
    // The first transaction pays without a burst before it; the last burst may be cut.
    bursts.remove(0);
    bursts.pop();
    let lengths: BTreeSet<u64> = bursts.iter().copied().collect();
    let all: BTreeSet<u64> = (0..BURSTS).map(|power| 1 << power).collect();
    assert_eq!(lengths, all);
    assert_eq!(lengths.last(), Some(&LONGEST_BURST));
}

#[test]
fn an_adversarial_block_is_deep_and_wide_where_it_begins() {
    let block = workload(ConflictPattern::Adversarial, 7, 1, 4_000)
        .blocks
        .remove(0);
    let levels = levels(&block);
    let depth = levels.iter().max().expect("there are transactions") + 1;
    assert!(depth >= 1_000, "a quarter is one chain: {depth}");
    let first = levels.iter().filter(|level| **level == 0).count();
    assert!((400..4_000 / 2).contains(&first), "{first} may run at once");
}

#[test]
fn few_accounts_are_used_again_and_every_transaction_is_still_applied() {
    for pattern in ConflictPattern::ALL {
        for accounts in [pattern.least_accounts(), 9] {
            let workload = workload_among(accounts, pattern, 7, 2, TRANSACTIONS);
            for block in &workload.blocks {
                assert_eq!(block.transactions.len(), usize::from(TRANSACTIONS));
                let parties = edges(block).into_iter().flat_map(|(from, to)| [from, to]);
                let parties = distinct(parties);
                assert!(parties <= accounts as usize, "{pattern}: {parties}");
                // All of them, but for one without a partner in pairs.
                assert!(parties + 1 >= accounts as usize, "{pattern}: {parties}");
            }
            assert_eq!(applied_shares(&workload), [1.0; 2], "{pattern}, {accounts}");
        }
    }
}

#[test]
fn independent_transactions_are_as_independent_as_few_accounts_allow() {
    for pattern in [ConflictPattern::Independent, ConflictPattern::MultiAsset] {
        let block = workload_among(20, pattern, 7, 1, 60).blocks.remove(0);
        let expected: Vec<u32> = (0..60).map(|index| index / 10).collect();
        assert_eq!(levels(&block), expected, "{pattern}");
    }
}

#[test]
fn a_name_says_which_shape() {
    for pattern in ConflictPattern::ALL {
        assert_eq!(ConflictPattern::named(pattern.name()), Some(pattern));
    }
    assert_eq!(ConflictPattern::named("square"), None);
}

#[test]
fn many_assets_are_in_each_transaction_and_more_in_the_block() {
    for block in made(ConflictPattern::MultiAsset).blocks {
        for transaction in &block.transactions {
            let assets = transfers(transaction).iter().map(|transfer| transfer.asset);
            assert_eq!(distinct(assets), TRANSFERS as usize);
        }
        let all = block.transactions.iter().flat_map(transfers);
        assert_eq!(
            distinct(all.map(|transfer| transfer.asset)),
            ASSETS as usize
        );
        let parties = edges(&block).into_iter().flat_map(|(from, to)| [from, to]);
        assert_eq!(distinct(parties), 2 * block.transactions.len());
    }
}

#[test]
fn the_seed_decides_everything() {
    for pattern in ConflictPattern::ALL {
        let first = scenario(pattern, 7, BLOCKS, TRANSACTIONS);
        assert_eq!(
            first,
            scenario(pattern, 7, BLOCKS, TRANSACTIONS),
            "{pattern}"
        );
        let mut other = scenario(pattern, 8, BLOCKS, TRANSACTIONS);
        other.hash_seed = first.hash_seed;
        assert_ne!(first, other, "{pattern}");
    }
}

#[test]
fn the_smallest_blocks_are_blocks() {
    for pattern in ConflictPattern::ALL {
        assert_eq!(
            applied_shares(&workload(pattern, 7, 2, 1)),
            [1.0; 2],
            "{pattern}"
        );
        assert_eq!(workload(pattern, 7, 2, 0).blocks.len(), 2, "{pattern}");
    }
}
