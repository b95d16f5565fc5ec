//! The reference: revm, one transaction after another.
//!
//! It is what the official tests judge first. Nothing of it is shared with the Block-STM but the
//! conversion of plain data and the changes at the edges of a block.

use std::collections::HashMap;
use std::convert::Infallible;

use alloy_primitives::{Address, B256, U256};
use revm::bytecode::Bytecode;
use revm::state::{AccountInfo, EvmState};
use revm::{Database, ExecuteEvm};

use crate::block::{Block, Environment, Fork};
use crate::edges;
use crate::execution::{Contender, Execution, Failure};
use crate::machine::{
    account_information, beyond_the_block, bytecode, changed_code, machine, outcome, rejection,
    transaction,
};
use crate::state::State;

/// Executes `block` on `before` in order.
///
/// # Errors
/// If the machine or a system call fails; an invalid transaction is an outcome.
pub fn execute(before: &State, block: &Block) -> Result<Execution, Failure> {
    let mut state = before.clone();
    edges::before(&mut state, block)?;
    let mut outcomes = Vec::with_capacity(block.transactions.len());
    let mut left = block.environment.gas_limit;
    let mut codes = HashMap::new();
    for it in &block.transactions {
        if it.gas_limit > left {
            outcomes.push(beyond_the_block());
            continue;
        }
        let mut database = Committing::new(&state, &block.environment);
        std::mem::swap(&mut database.codes, &mut codes);
        let mut machine = machine(block, database);
        let executed = machine.transact(transaction(it));
        std::mem::swap(&mut machine.ctx.journaled_state.database.codes, &mut codes);
        let outcome = match executed {
            Ok(executed) => {
                commit(&mut state, block.fork, executed.state);
                outcome(executed.result)
            }
            Err(error) => rejection(error)?,
        };
        left -= outcome.gas_used();
        outcomes.push(outcome);
    }
    let requests = edges::after(&mut state, block, &outcomes)?;
    Ok(Execution {
        outcomes,
        state,
        requests,
    })
}

/// The reference as a contender: it is on one worker whatever it is given.
pub struct Reference;

impl Contender for Reference {
    fn name(&self) -> String {
        "revm in order".to_owned()
    }

    fn execute(&self, before: &State, block: &Block, _: usize) -> Result<Execution, Failure> {
        execute(before, block)
    }
}

/// A state as revm reads it.
pub struct Committing<'s> {
    state: &'s State,
    environment: &'s Environment,
    codes: HashMap<B256, Bytecode>,
}

impl<'s> Committing<'s> {
    /// Returns `state` at the block of `environment`.
    pub fn new(state: &'s State, environment: &'s Environment) -> Self {
        let codes = HashMap::new();
        Self {
            state,
            environment,
            codes,
        }
    }
}

impl Database for Committing<'_> {
    type Error = Infallible;

    fn basic(&mut self, address: Address) -> Result<Option<AccountInfo>, Infallible> {
        let account = self.state.accounts.get(&address);
        Ok(account.map(|account| {
            let code = self.codes.entry(account.code.hash());
            let code = code.or_insert_with(|| bytecode(&account.code)).clone();
            account_information(account, code)
        }))
    }

    fn code_by_hash(&mut self, hash: B256) -> Result<Bytecode, Infallible> {
        Ok(self.codes.get(&hash).cloned().unwrap_or_default())
    }

    fn storage(&mut self, address: Address, slot: U256) -> Result<U256, Infallible> {
        let account = self.state.accounts.get(&address);
        let value = account.and_then(|account| account.storage.get(&slot));
        Ok(value.copied().unwrap_or_default())
    }

    fn block_hash(&mut self, number: u64) -> Result<B256, Infallible> {
        let hash = self.environment.hashes.get(&number);
        Ok(hash.copied().unwrap_or_default())
    }
}

/// Writes the changes of one transaction or system call into `state`.
pub fn commit(state: &mut State, fork: Fork, changes: EvmState) {
    for (address, changed) in changes {
        if !changed.is_touched() {
            continue;
        }
        if changed.is_selfdestructed() {
            state.accounts.remove(&address);
            continue;
        }
        let account = state.accounts.entry(address).or_default();
        if changed.is_created() {
            account.storage.clear();
        }
        account.balance = changed.info.balance;
        account.nonce = changed.info.nonce;
        if let Some(code) = changed_code(&changed.info, account.code.hash()) {
            account.code = code;
        }
        for (slot, value) in &changed.storage {
            account.set_slot(*slot, value.present_value());
        }
        if fork >= Fork::SpuriousDragon && account.is_empty() {
            state.accounts.remove(&address);
        }
    }
}
