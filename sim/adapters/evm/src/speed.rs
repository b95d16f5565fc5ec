//! Times of the Block-STM beside the reference, on a contract that computes much for independent callers.
//!
//! The times of the candidates alternate in one process, and medians are compared: a busy machine slows
//! all of them. Nothing is asserted of times.

use std::time::{Duration, Instant};

use alloy_primitives::{Address, U256};

use crate::block::{Block, Fork, Transaction};
use crate::block_stm::{BlockStm, Counts};
use crate::cases::{HASHER, RECEIVER, call, contract};
use crate::execution::Failure;
use crate::reference;
use crate::state::{Account, State};

/// The times of one worker count.
#[derive(Clone, Debug)]
pub struct Timed {
    /// The workers.
    pub workers: usize,
    /// The median over the rounds.
    pub median: Duration,
    /// The counts of the last round.
    pub counts: Counts,
}

/// Returns a block of `callers` calls, each of which hashes `hashes` times and writes a slot of its own.
pub fn independent_callers(callers: u16, hashes: u64) -> (State, Block) {
    let caller = |index: u16| Address::left_padding_from(&(0x1000 + index).to_be_bytes());
    let mut state = State::default();
    state
        .accounts
        .insert(contract(0), Account::contract(HASHER));
    let input = U256::from(hashes).to_be_bytes::<32>();
    let transactions = (0..callers).map(|index| {
        state.credit(caller(index), U256::from(1_000_000_000_000u64));
        Transaction {
            gas_limit: 50_000 + 100 * hashes,
            ..call(caller(index), 0, contract(0), input.to_vec().into())
        }
    });
    let mut block = Block::plain(Fork::Cancun, RECEIVER, transactions.collect());
    block.environment.gas_limit = u64::MAX / 2;
    (state, block)
}

/// Times the reference, and the Block-STM on each of `workers`, in `rounds` rounds.
///
/// # Errors
/// The failure of either, or a difference between them.
pub fn times(
    (state, block): &(State, Block),
    workers: &[usize],
    rounds: usize,
) -> Result<(Duration, Vec<Timed>), String> {
    let named = |failure: Failure| failure.to_string();
    let expected = reference::execute(state, block).map_err(named)?;
    let mut in_order = Vec::new();
    let mut by_workers = vec![(Vec::new(), Counts::default()); workers.len()];
    for _ in 0..rounds {
        let start = Instant::now();
        reference::execute(state, block).map_err(named)?;
        in_order.push(start.elapsed());
        for (workers, (times, last)) in workers.iter().zip(&mut by_workers) {
            let start = Instant::now();
            let executed = BlockStm::CORRECT.execute_counted(state, block, *workers);
            let (executed, counts) = executed.map_err(named)?;
            times.push(start.elapsed());
            *last = counts;
            executed.first_difference(&expected).map_or(Ok(()), Err)?;
        }
    }
    let timed = workers
        .iter()
        .zip(by_workers)
        .map(|(workers, (times, counts))| Timed {
            workers: *workers,
            median: median(times),
            counts,
        });
    Ok((median(in_order), timed.collect()))
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn independent_callers_hash_and_are_executed_once_each() {
        let case = independent_callers(8, 20);
        let (_, timed) = times(&case, &[1, 2], 1).expect("both agree");
        for it in timed {
            assert_eq!(it.counts.executions, 8, "{} workers", it.workers);
            assert_eq!(it.counts.aborted, 0, "{} workers", it.workers);
        }
        let after = reference::execute(&case.0, &case.1)
            .expect("it succeeds")
            .state;
        assert_eq!(after.accounts[&contract(0)].storage.len(), 8);
    }
}
