//! Times of the Block-STM beside the reference, on a contract that computes much for independent callers.
//!
//! The times of the candidates alternate in one process, and medians are compared. On a machine that is
//! busy otherwise two threads do not run side by side; so the time on a processor stands beside the time
//! on the clock, that of the busiest worker for the Block-STM. It has no waiting in it. Nothing is asserted
//! of times.

use std::time::{Duration, Instant};

use alloy_primitives::{Address, U256};

use crate::block::{Block, Fork, Transaction};
use crate::block_stm::{BlockStm, Counts, on_processor_ns};
use crate::cases::{HASHER, RECEIVER, call, contract};
use crate::execution::Failure;
use crate::reference;
use crate::state::{Account, State};

/// Medians over the rounds.
#[derive(Clone, Copy, Default, Debug)]
pub struct Medians {
    /// On the clock.
    pub elapsed: Duration,
    /// On a processor, zero where the system does not say.
    pub on_processor: Duration,
}

/// The times of one worker count.
#[derive(Clone, Debug)]
pub struct Timed {
    /// The workers.
    pub workers: usize,
    /// The times.
    pub times: Medians,
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
) -> Result<(Medians, Vec<Timed>), String> {
    let named = |failure: Failure| failure.to_string();
    let expected = reference::execute(state, block).map_err(named)?;
    let mut in_order = Times::default();
    let mut by_workers = vec![(Times::default(), Counts::default()); workers.len()];
    for _ in 0..rounds {
        let (start, on_processor) = (Instant::now(), on_processor_ns());
        reference::execute(state, block).map_err(named)?;
        let end = on_processor_ns().zip(on_processor);
        in_order.push(start.elapsed(), end.map(|(end, start)| end - start));
        for (workers, (times, last)) in workers.iter().zip(&mut by_workers) {
            let start = Instant::now();
            let executed = BlockStm::CORRECT.execute_counted(state, block, *workers);
            let (executed, counts) = executed.map_err(named)?;
            times.push(start.elapsed(), counts.busiest_ns);
            *last = counts;
            executed.first_difference(&expected).map_or(Ok(()), Err)?;
        }
    }
    let timed = workers.iter().zip(by_workers);
    let timed = timed.map(|(workers, (times, counts))| Timed {
        workers: *workers,
        times: times.medians(),
        counts,
    });
    Ok((in_order.medians(), timed.collect()))
}

#[derive(Clone, Default)]
struct Times {
    elapsed: Vec<Duration>,
    on_processor: Vec<Duration>,
}

impl Times {
    fn push(&mut self, elapsed: Duration, on_processor_ns: Option<u64>) {
        self.elapsed.push(elapsed);
        self.on_processor
            .push(Duration::from_nanos(on_processor_ns.unwrap_or_default()));
    }

    fn medians(self) -> Medians {
        Medians {
            elapsed: median(self.elapsed),
            on_processor: median(self.on_processor),
        }
    }
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
