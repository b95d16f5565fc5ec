//! The changes before and after the transactions of a block: system calls, rewards, withdrawals.
//!
//! No executor runs these side by side with anything, so reference and contenders share them.

use alloy_primitives::{Address, Bytes, U256, address};
use revm::SystemCallEvm;

use crate::block::{Block, Fork};
use crate::execution::{Failure, Outcome, Status};
use crate::machine::{machine, outcome, rejection};
use crate::reference::{Committing, commit};
use crate::state::State;

/// Beacon roots (EIP-4788).
pub const BEACON_ROOTS: Address = address!("0x000F3df6D732807Ef1319fB7B8bB8522d0Beac02");
/// Block hashes (EIP-2935).
pub const BLOCK_HASHES: Address = address!("0x0000F90827F1C53a10cb7A02335B175320002935");
/// Requests of withdrawals (EIP-7002).
pub const WITHDRAWAL_REQUESTS: Address = address!("0x00000961Ef480Eb55e80D19ad83579A64c007002");
/// Requests of consolidations (EIP-7251).
pub const CONSOLIDATION_REQUESTS: Address = address!("0x0000BBdDc7CE488642fb579F8B00f3a590007251");
/// Deposits (EIP-6110): their events are requests.
pub const DEPOSITS: Address = address!("0x00000000219ab540356cBB839Cbe05303d7705Fa");

/// Executes the system calls that come before the first transaction.
///
/// # Errors
/// If the machine fails; a call that reverts changes nothing and is no error.
pub fn before(state: &mut State, block: &Block) -> Result<(), Failure> {
    let environment = &block.environment;
    if block.fork >= Fork::Cancun {
        let root = environment.parent_beacon_root;
        system_call(
            state,
            block,
            BEACON_ROOTS,
            Bytes::copy_from_slice(root.as_slice()),
        )?;
    }
    let parent = environment.number.checked_sub(1);
    let parent = parent.and_then(|number| environment.hashes.get(&number));
    if let Some(hash) = parent.filter(|_| block.fork >= Fork::Prague) {
        system_call(
            state,
            block,
            BLOCK_HASHES,
            Bytes::copy_from_slice(hash.as_slice()),
        )?;
    }
    Ok(())
}

/// Applies what comes after the last transaction, and returns the requests.
///
/// # Errors
/// If the machine fails or a contract of requests does not answer.
pub fn after(
    state: &mut State,
    block: &Block,
    outcomes: &[Outcome],
) -> Result<Vec<Bytes>, Failure> {
    for (address, amount) in rewards(block) {
        state.credit(address, amount);
    }
    for withdrawal in &block.withdrawals {
        state.credit(
            withdrawal.address,
            U256::from(withdrawal.gwei) * U256::from(1_000_000_000u64),
        );
    }
    if block.fork < Fork::Prague {
        return Ok(Vec::new());
    }
    let mut requests = vec![(0u8, deposits(outcomes)?)];
    for (kind, contract) in [(1, WITHDRAWAL_REQUESTS), (2, CONSOLIDATION_REQUESTS)] {
        match system_call(state, block, contract, Bytes::new())? {
            Some(Outcome::Executed {
                status: Status::Succeeded,
                output,
                ..
            }) => requests.push((kind, output.to_vec())),
            // A network without the contract has no requests of its kind.
            None => {}
            Some(other) => {
                return Err(Failure::Machine(format!(
                    "the system call of {contract} ended as {other:?}"
                )));
            }
        }
    }
    let filled = requests
        .into_iter()
        .filter(|(_, content)| !content.is_empty());
    Ok(filled
        .map(|(kind, content)| [vec![kind], content].concat().into())
        .collect())
}

/// The wei that the miners of a block and of its ommers get before Paris.
pub fn rewards(block: &Block) -> Vec<(Address, U256)> {
    let ether = match block.fork {
        fork if fork >= Fork::Paris => return Vec::new(),
        fork if fork >= Fork::Petersburg => 2,
        Fork::Byzantium => 3,
        _ => 5,
    };
    let reward = U256::from(ether) * U256::from(10).pow(U256::from(18));
    let of_ommers = block.ommers.iter().map(|ommer| {
        let distance = block.environment.number.saturating_sub(ommer.number);
        let eighths = U256::from(8u64.saturating_sub(distance));
        (ommer.beneficiary, reward * eighths / U256::from(8))
    });
    let nephew = reward / U256::from(32) * U256::from(block.ommers.len());
    let miner = (block.environment.beneficiary, reward + nephew);
    of_ommers.chain([miner]).collect()
}

/// The content of the deposit requests: the fields of each event of the deposit contract, packed.
fn deposits(outcomes: &[Outcome]) -> Result<Vec<u8>, Failure> {
    // Five fields of which the event's data has the offsets, lengths and padded contents.
    const FIELDS: [(usize, usize); 5] = [(192, 48), (288, 32), (352, 8), (416, 96), (544, 8)];
    const EVENT: alloy_primitives::B256 = alloy_primitives::b256!(
        "0x649bbc62d0e31342afea4e5cd82d4049e7e1ee912fc0889aa790803be39038c5"
    );
    let mut content = Vec::new();
    for outcome in outcomes {
        let Outcome::Executed { logs, .. } = outcome else {
            continue;
        };
        let of_contract = logs.iter().filter(|log| log.address == DEPOSITS);
        for log in of_contract.filter(|log| log.topics().first() == Some(&EVENT)) {
            for (start, length) in FIELDS {
                let field = log.data.data.get(start..start + length);
                content.extend_from_slice(field.ok_or_else(|| {
                    Failure::Machine("an event of the deposit contract is too short".to_owned())
                })?);
            }
        }
    }
    Ok(content)
}

/// Calls a system contract, and commits its changes; `None` if it has no code.
fn system_call(
    state: &mut State,
    block: &Block,
    contract: Address,
    input: Bytes,
) -> Result<Option<Outcome>, Failure> {
    let account = state.accounts.get(&contract);
    if account.is_none_or(|account| account.code.bytes().is_empty()) {
        return Ok(None);
    }
    let database = Committing::new(state, &block.environment);
    let called = machine(block, database).system_call(contract, input);
    match called {
        Ok(called) => {
            commit(state, block.fork, called.state);
            Ok(Some(outcome(called.result)))
        }
        Err(error) => Ok(Some(rejection(error)?)),
    }
}
