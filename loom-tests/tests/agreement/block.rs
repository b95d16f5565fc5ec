//! One tiny block, and its outcome as text.

#[path = "../batch/execute.rs"]
mod execute;

use lockstep_core::model::{Asset, Cell};
use lockstep_core::transition::StateView;

use super::{ParallelChainState, Run, RwLock, Stopped, execute_one, thread};
use crate::batch::{Batch, account, stored};

/// Outcome of every transaction on `threads` threads, and the balances afterwards.
pub(crate) fn outcome(batch: Batch, threads: usize) -> String {
    const ACCOUNTS: [u8; 3] = [0, 1, 2];
    let state = execute::state(&stored(&[0, 1]));
    let cells = ACCOUNTS.map(account).into_iter().flat_map(|account| {
        [
            Cell::Nonce(account),
            Cell::Multisig(account),
            Cell::Balance(account, Asset::NATIVE),
        ]
    });
    // Loaded before: what is looked for here is in the execution, and each load has a claim of its
    // own.
    state
        .prefetch(cells.collect())
        .expect("memory does not fail");
    let outcomes = match execute::execute(batch, &state, threads) {
        Ok(outcomes) => outcomes,
        // Its state must not be used.
        Err(stopped) => return format!("{stopped:?}"),
    };
    let accounts = ACCOUNTS.map(account).map(|account| {
        let balance = state.view().balance(account, Asset::NATIVE);
        let nonce = state.view().nonce(account);
        (
            nonce.expect("memory does not fail"),
            balance.expect("memory does not fail"),
        )
    });
    format!("{outcomes:?} {accounts:?}")
}
