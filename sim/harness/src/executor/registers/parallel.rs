//! Parallel executor of the machine: speculation on the state before the block, then validation in order.
//!
//! Workers execute all operations on the registers as they were before the block, and note what they read.
//! Then, in block order, an operation whose reads still hold is committed as it is, and any other is executed
//! again on what is committed. So the result is that of the serial order, whatever the workers did.

use std::process;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Barrier, Mutex, PoisonError};
use std::thread;

use crate::executor::observation::{Entry, Executed, Observation, Part};

use super::machine::{Effect, Environment, Operation, Registers, apply, effect, observation};
use super::{RegisterBug, RegisterMachine, wait_for_ever};

/// An effect on the state before the block, and what it read there.
struct Speculated {
    effect: Effect,
    reads: Vec<(u8, Option<u64>)>,
}

pub(super) fn execute(
    machine: &RegisterMachine,
    registers: &mut Registers,
    environment: &Environment,
    block: &[Operation],
    workers: usize,
) -> Executed {
    let refuses_full = machine.has(RegisterBug::RefusesFullBlocks);
    let is_full = block.len() as u64 * 2 > environment.most_transactions;
    if refuses_full && is_full {
        return Observation::refused("too many transactions").into();
    }
    if let Err(refusal) = environment.admits(block.len()) {
        return Observation::refused(refusal).into();
    }
    let workers = match machine.has(RegisterBug::AlwaysSerial) {
        true => 1,
        false => workers.clamp(1, block.len().max(1)),
    };
    let (speculated, workers_at_once) = speculate(machine, registers, block, workers);
    let is_validated = match machine.bug {
        Some(RegisterBug::ValidationSkipped) => false,
        Some(RegisterBug::WrongNowAndThen) => !machine.is_fifth_execution(),
        _ => true,
    };
    let before = registers.clone();
    let mut effects = Vec::new();
    for (operation, speculated) in block.iter().zip(speculated) {
        let holds = |(name, value): &(u8, Option<u64>)| registers.get(name).copied() == *value;
        let effect = match !is_validated || speculated.reads.iter().all(holds) {
            true => speculated.effect,
            false => once(machine, *operation, registers).effect,
        };
        apply(registers, &effect.writes);
        effects.push(effect);
    }
    let mut observed = observation(&before, registers, &effects);
    if machine.has(RegisterBug::ObservationUnsorted) {
        observed = in_order_of_transactions(observed, &effects);
    }
    Executed::from(observed).with_workers_at_once(workers_at_once)
}

fn once(machine: &RegisterMachine, operation: Operation, registers: &Registers) -> Speculated {
    let mut reads = Vec::new();
    let mints = machine.has(RegisterBug::UnitMintedByBoth);
    let effect = effect(operation, mints, |name| {
        let value = registers.get(&name).copied();
        reads.push((name, value));
        value
    });
    Speculated { effect, reads }
}

/// Executes every operation on the same registers. Returns the results in block order, and the largest number of
/// workers at once.
fn speculate(
    machine: &RegisterMachine,
    registers: &Registers,
    block: &[Operation],
    workers: usize,
) -> (Vec<Speculated>, usize) {
    let next = AtomicUsize::new(0);
    let (at_work, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let all_there = Barrier::new(workers);
    let results: Mutex<Vec<Option<Speculated>>> = Mutex::new(block.iter().map(|_| None).collect());
    let work = || {
        most.fetch_max(at_work.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        all_there.wait();
        loop {
            let index = next.fetch_add(1, Ordering::SeqCst);
            let Some(operation) = block.get(index) else {
                break;
            };
            misbehave(machine, *operation, registers);
            let speculated = once(machine, *operation, registers);
            results.lock().unwrap_or_else(PoisonError::into_inner)[index] = Some(speculated);
        }
        at_work.fetch_sub(1, Ordering::SeqCst);
    };
    thread::scope(|scope| {
        for _ in 1..workers {
            scope.spawn(work);
        }
        work();
    });
    let results = results.into_inner().unwrap_or_else(PoisonError::into_inner);
    let results = results.into_iter();
    let results = results.map(|result| result.expect("every operation was taken by a worker"));
    (results.collect(), most.into_inner())
}

/// The seeded bugs that end a worker, on a deletion of a register that is absent.
fn misbehave(machine: &RegisterMachine, operation: Operation, registers: &Registers) {
    let Operation::Delete { at } = operation else {
        return;
    };
    if registers.contains_key(&at) {
        return;
    }
    match machine.bug {
        Some(RegisterBug::WorkerPanics) => panic!("register {at} is there"),
        Some(RegisterBug::WorkerAborts) => process::abort(),
        Some(RegisterBug::WorkerExits) => process::exit(0),
        Some(RegisterBug::PipeGarbled) => write_to_the_pipe(),
        Some(RegisterBug::MemoryEaten) => {
            let mut eaten: Vec<Vec<u8>> = Vec::new();
            loop {
                eaten.push(vec![at; 8 << 20]);
            }
        }
        Some(RegisterBug::WorkerWaits) => wait_for_ever(),
        _ => {}
    }
}

#[cfg(unix)]
fn write_to_the_pipe() {
    use std::io::Write as _;
    use std::os::fd::AsFd as _;
    use std::os::unix::net::UnixStream;
    let pipe = std::io::stdin().as_fd().try_clone_to_owned();
    if let Ok(mut pipe) = pipe.map(UnixStream::from) {
        let _ = pipe.write_all(b"a register is absent\n");
    }
}

#[cfg(not(unix))]
fn write_to_the_pipe() {}

/// The same observation with its changes in the order of the transactions that made them.
fn in_order_of_transactions(observation: Observation, effects: &[Effect]) -> Observation {
    let order: Vec<u8> = effects
        .iter()
        .flat_map(|effect| effect.writes.iter().map(|(name, _)| *name))
        .collect();
    let place = |entry: &Entry| {
        let name = entry.1.to_string();
        order
            .iter()
            .position(|one| name.ends_with(&format!("{one:03}")))
    };
    let mut entries = observation.entries().to_vec();
    let begin = entries.partition_point(|entry| entry.0 < Part::Change);
    let end = entries.partition_point(|entry| entry.0 <= Part::Change);
    entries[begin..end].sort_by_key(place);
    Observation::Executed(entries)
}
