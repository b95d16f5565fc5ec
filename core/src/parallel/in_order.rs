//! Execution of a block in its own order, checked and loaded ahead on workers.

use std::hash::BuildHasher;

use super::parallelism::Parallelism;
use super::run::Stopped;
use super::sync::{Mutex, RwLock, read, set_current_place, set_current_transaction};
use crate::execution::{Body, CELLS, Execution, NATIVE, outcome, receipt, reward};
use crate::model::{Amount, Asset, Cell, Header, Outcome, Rules, Version};
use crate::state::{BlockState, ClaimedCells, add};
use crate::storage::{Storage, StorageError, schema};

/// Executes a block in order: one thread at a time, while others check and load later pieces.
///
/// A failure of the storage is the block's failure and never a transaction's.
pub(crate) fn execute_in_order<S: Storage>(
    parallelism: Parallelism<'_>,
    storage: &RwLock<S>,
    hasher: impl BuildHasher + Clone + Send,
    rules: &Rules,
    body: &Body<'_>,
) -> Result<Execution, Stopped<StorageError>> {
    let transactions = body.transactions.len();
    let load = |cell| schema::newest(&*read(storage), cell);
    // The cells of the miner and the supply count as those of one transaction more.
    let cells = (transactions + 1) * CELLS;
    let mut state = BlockState::new(load, cells, hasher.clone());
    // A cell that a later piece has claimed and an earlier one needs is loaded when it is needed.
    let claimed = Mutex::new(ClaimedCells::none(cells, hasher));
    let mut receipts = Vec::with_capacity(transactions);
    let mut fees = Amount::ZERO;
    parallelism.in_order(
        &parallelism.pieces(transactions),
        |piece| {
            set_current_place("check a piece");
            let checked = body.check(rules.network, piece.clone());
            let mut cells = body.cells(piece.clone(), &checked);
            claimed.lock().claim(&mut cells);
            let loaded = schema::newest_of_many(&*read(storage), cells)?;
            Ok((checked, loaded))
        },
        |(checked, loaded)| {
            state.learn(loaded);
            set_current_place("execute in block order");
            for checked in &checked {
                set_current_transaction(u32::try_from(receipts.len()).unwrap_or(u32::MAX));
                let outcome = outcome(checked, &mut state)?;
                if let Outcome::Applied { fee, effects } = &outcome {
                    state.apply(effects)?;
                    fees = add(NATIVE, fees, *fee)?;
                }
                receipts.push(receipt(checked, outcome));
            }
            Ok(())
        },
    )?;

    let reward = credit_miner(&mut state, rules, body.header, fees).map_err(Stopped::Failed)?;
    Ok(Execution {
        receipts,
        write_set: state.into_write_set(body.header.height, parallelism.unless_few(transactions)),
        fees,
        reward,
    })
}

fn credit_miner<L, H: BuildHasher>(
    state: &mut BlockState<L, H>,
    rules: &Rules,
    header: &Header,
    fees: Amount,
) -> Result<Amount, StorageError>
where
    L: Fn(Cell) -> Result<Option<Version>, StorageError>,
{
    let mut supply = state.supply(Asset::NATIVE)?;
    let reward = reward(rules, supply)?;
    supply.issued = add(NATIVE, supply.issued, reward)?;
    state.set_supply(Asset::NATIVE, supply)?;
    state.credit(header.miner, Asset::NATIVE, add(NATIVE, fees, reward)?)?;
    Ok(reward)
}
