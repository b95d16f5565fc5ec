//! This against that, alternating in one run, beside what two threads get done at the time.
//!
//! `times` is how many times as fast as the baseline the candidate is. The control is how many times
//! as much as one thread two threads got done, in between: below 1.8 another process was computing,
//! and a parallel candidate could not show more than that. What the noise does to the others, the
//! middle half of the rounds shows.

use std::time::Duration;

use lockstep_benches::compare::{Comparison, PerItem, compare, time};
use lockstep_benches::entries::{Template, one_by_one, written_by};
use lockstep_benches::prepared::{Prepared, claims};
use lockstep_benches::{by_extent, control};
use lockstep_core::signature::{verify, verify_all};
use lockstep_core::storage::Storage;
use lockstep_core::transition::{check, check_all};
use lockstep_sim::conflict_pattern::ConflictPattern;

/// Long enough that reading the clock does not show.
const LEAST_WINDOW: Duration = Duration::from_millis(4);

/// About how long one verification takes.
const VERIFICATION: Duration = Duration::from_micros(30);

fn main() {
    let rounds = by_extent(31, 5, 1);
    println!(
        "Nanoseconds an item, medians of {rounds} rounds. Control before: {:.2}\n",
        control::two_threads_against_one()
    );
    Comparison::print_columns("baseline -> candidate", "baseline", "candidate");
    for count in [4, 16, 64, 128, 1_024] {
        let seen = signatures(rounds, count);
        seen.print(&format!("{count} signatures: one by one -> batched"));
    }
    for pattern in ConflictPattern::ALL {
        let seen = stateless_checks(rounds, pattern);
        seen.print(&format!(
            "1,000 transactions, {pattern}: check -> check_all"
        ));
    }
    for (name, comparison) in storages(rounds) {
        comparison.print(name);
    }
}

fn signatures(rounds: usize, count: usize) -> Comparison {
    let claims = claims(count);
    let repetitions =
        1 + LEAST_WINDOW.as_nanos() as usize / (VERIFICATION.as_nanos() as usize * count);
    let items = count * repetitions;
    compare(
        rounds,
        || {
            let (took, held) = time(|| {
                (0..repetitions)
                    .map(|_| claims.iter().filter(|claim| verify(claim)).count())
                    .sum::<usize>()
            });
            assert_eq!(held, items, "every signature holds");
            PerItem::new(took, items)
        },
        || {
            let (took, held) = time(|| {
                (0..repetitions)
                    .map(|_| {
                        verify_all(&claims)
                            .into_iter()
                            .filter(|holds| *holds)
                            .count()
                    })
                    .sum::<usize>()
            });
            assert_eq!(held, items, "every signature holds");
            PerItem::new(took, items)
        },
    )
}

fn stateless_checks(rounds: usize, pattern: ConflictPattern) -> Comparison {
    let prepared = Prepared::new(pattern, 1_000);
    let transactions = prepared.transactions();
    let network = prepared.block.header.network;
    compare(
        rounds,
        || {
            let (took, passed) = time(|| {
                let verdicts = transactions.iter().map(|one| check(one, network));
                verdicts.filter(Result::is_ok).count()
            });
            assert_eq!(passed, transactions.len(), "every transaction passes");
            PerItem::new(took, transactions.len())
        },
        || {
            let (took, verdicts) = time(|| check_all(transactions, network));
            assert!(verdicts.iter().all(Result::is_ok), "all of them pass");
            PerItem::new(took, transactions.len())
        },
    )
}

fn storages(rounds: usize) -> Vec<(&'static str, Comparison)> {
    // A round of single commits takes a good part of a second.
    let rounds = rounds.min(11);
    let prepared = Prepared::new(ConflictPattern::Independent, 1_000);
    let block = written_by(&prepared);
    let singles = one_by_one(&block, 50);
    let template = Template::new(prepared.storage());
    let in_redb = || {
        let mut copied = template.copy();
        let (took, done) = time(|| copied.storage.commit(&block));
        done.expect("the disk has room");
        PerItem::new(took, block.len())
    };
    let one_by_one_in_redb = || {
        let mut copied = template.copy();
        let (took, ()) = time(|| {
            for single in &singles {
                copied.storage.commit(single).expect("the disk has room");
            }
        });
        PerItem::new(took, singles.len())
    };
    let in_memory = || {
        let (mut storage, block) = (prepared.storage().clone(), block.clone());
        let items = block.len();
        let (took, done) = time(|| storage.commit_owned(block, None));
        done.expect("memory takes everything");
        PerItem::new(took, items)
    };
    vec![
        (
            "redb: a transaction an entry -> one a block",
            compare(rounds, one_by_one_in_redb, in_redb),
        ),
        (
            "one transaction a block: redb -> memory",
            compare(rounds, in_redb, in_memory),
        ),
    ]
}
