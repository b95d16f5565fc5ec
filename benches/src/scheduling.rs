//! Schemes that find the transactions that may run side by side, measured beside each other.

use std::hint::black_box;

use lockstep_core::model::Transaction;
use lockstep_core::schedule::{Graph, ReadySet, accesses};
use lockstep_sim::conflict_pattern::ConflictPattern;

use crate::compare::{PerItem, median, time};
use crate::review;
use crate::unsigned::{hasher, unsigned};

/// A call to be timed once, its own drop included.
pub type Once<'t> = Box<dyn FnOnce() + 't>;

/// One scheme.
pub struct Scheme {
    /// Title of its column.
    pub name: &'static str,
    /// True if it may take seconds for a block; it is then measured once.
    pub is_slow: bool,
    /// Prepares what is to be timed.
    pub prepare: fn(&[Transaction]) -> Once<'_>,
}

/// Core's own schemes, and those of the review.
pub const SCHEMES: [Scheme; 4] = [
    Scheme {
        name: "graph",
        is_slow: false,
        prepare: |transactions| {
            Box::new(move || drop(black_box(Graph::of(black_box(transactions), hasher()))))
        },
    },
    Scheme {
        name: "graph+ready",
        is_slow: false,
        prepare: |transactions| {
            Box::new(move || {
                let graph = Graph::of(black_box(transactions), hasher());
                let mut machine = ReadySet::new(&graph);
                while let Some(transaction) = machine.give() {
                    machine.finish(black_box(transaction));
                }
                assert!(machine.is_done(), "everything was given out");
            })
        },
    },
    Scheme {
        name: "greedy set",
        is_slow: false,
        prepare: |transactions| {
            Box::new(move || drop(black_box(review::greedy_batches(black_box(transactions)))))
        },
    },
    Scheme {
        name: "greedy list",
        is_slow: true,
        prepare: |transactions| {
            Box::new(move || drop(black_box(review::batches_by_list(black_box(transactions)))))
        },
    },
];

/// A few transactions in one piece of time are too few for the clock.
const AT_LEAST: usize = 20_000;

/// Prints one row a size and pattern, one column a scheme: medians of `rounds` rounds, in nanoseconds a
/// transaction, the schemes taking turns. Beside it the first scheme by access.
pub fn print_table(schemes: &[Scheme], sizes: &[u16], rounds: usize) {
    print!("{:<24}{:>10}", "ns a transaction", "accesses");
    for scheme in schemes {
        print!("{:>13}", scheme.name);
    }
    println!("{:>13}", "an access");
    for size in sizes {
        for pattern in ConflictPattern::ALL {
            let transactions = unsigned(pattern, *size);
            let by_scheme = measure(schemes, &transactions, rounds);
            let accesses = accesses_of(&transactions) as f64 / transactions.len() as f64;
            print!("{:<24}{accesses:>10.1}", format!("{size} {pattern}"));
            for ns in &by_scheme {
                print!("{ns:>13.0}");
            }
            println!("{:>13.1}", by_scheme[0] / accesses);
        }
    }
}

fn measure(schemes: &[Scheme], transactions: &[Transaction], rounds: usize) -> Vec<f64> {
    let mut samples: Vec<Vec<f64>> = schemes.iter().map(|_| Vec::new()).collect();
    for round in 0..=rounds {
        for (scheme, samples) in schemes.iter().zip(&mut samples) {
            if scheme.is_slow && !samples.is_empty() {
                continue;
            }
            let repetitions = match scheme.is_slow {
                true => 1,
                false => AT_LEAST.div_ceil(transactions.len()),
            };
            let prepared: Vec<Once<'_>> = (0..repetitions)
                .map(|_| (scheme.prepare)(transactions))
                .collect();
            let (took, ()) = time(|| prepared.into_iter().for_each(|once| once()));
            // The first time pays for pages and caches.
            if round > 0 || scheme.is_slow {
                samples.push(PerItem::new(took, transactions.len() * repetitions).0);
            }
        }
    }
    samples.into_iter().map(median).collect()
}

/// Number of accesses that these transactions declare.
#[must_use]
pub fn accesses_of(transactions: &[Transaction]) -> usize {
    let mut count = 0;
    for transaction in transactions {
        accesses(transaction, |access| {
            black_box(access);
            count += 1;
        });
    }
    count
}
