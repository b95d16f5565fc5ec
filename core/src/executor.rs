//! What a block does to a state: its transactions in order, then the miner's credit.

use std::collections::BTreeMap;
use std::hash::BuildHasher;

use crate::model::{
    Amount, Asset, Block, Cell, Hash, Outcome, Payload, PublicKey, Receipt, Rejection, Rules,
    Transaction, Version,
};
use crate::state::BlockState;
use crate::storage::{Storage, StorageError, schema};
use crate::transition::{check_all, transition};

/// What a block did, before any of it is written.
pub(crate) struct Execution {
    pub(crate) receipts: Vec<Receipt>,
    /// The version before and after of every cell that differs.
    pub(crate) changes: BTreeMap<Cell, (Option<Version>, Version)>,
    pub(crate) fees: Amount,
    pub(crate) reward: Amount,
}

/// A transaction whose identity and stateless verdict are known.
pub(crate) struct Checked<'t> {
    pub(crate) transaction: &'t Transaction,
    pub(crate) id: Hash,
    pub(crate) verdict: Result<(), Rejection>,
}

/// Executes a block in order on one thread.
///
/// A failure of the storage is the block's failure and never a transaction's.
pub(crate) fn execute_serially<S: Storage + ?Sized>(
    storage: &S,
    hasher: impl BuildHasher,
    rules: &Rules,
    block: &Block,
    transactions: &[Checked<'_>],
) -> Result<Execution, StorageError> {
    let mut state = BlockState::new(storage, hasher);
    state.prefetch(cells_of(block.header.miner, transactions))?;

    let mut receipts = Vec::with_capacity(transactions.len());
    let mut fees = Amount::ZERO;
    for Checked {
        transaction,
        id,
        verdict,
    } in transactions
    {
        let outcome = match verdict {
            Err(rejection) => Outcome::Rejected(rejection.clone()),
            Ok(()) => transition(transaction, &mut state)?,
        };
        if let Outcome::Applied { fee, changes } = &outcome {
            state.apply(changes)?;
            fees = add(fees, *fee)?;
        }
        tracing::trace!(transaction = %id, ?outcome, "executed");
        receipts.push(Receipt {
            transaction: *id,
            outcome,
        });
    }

    let mut supply = state.supply(Asset::NATIVE)?;
    let so_far = add(supply.genesis, supply.issued)?;
    let left = rules.native_limit.checked_sub(so_far).ok_or_else(|| {
        schema::damaged(
            Cell::Supply(Asset::NATIVE),
            "more was issued than is allowed",
        )
    })?;
    let reward = rules.reward.min(left);
    supply.issued = add(supply.issued, reward)?;
    state.set_supply(Asset::NATIVE, supply)?;
    state.credit(block.header.miner, Asset::NATIVE, add(fees, reward)?)?;

    Ok(Execution {
        receipts,
        changes: state.into_changes(block.header.height),
        fees,
        reward,
    })
}

/// Identities and stateless verdicts of a body.
pub(crate) fn check_body<'t>(rules: &Rules, ids: Vec<Hash>, block: &'t Block) -> Vec<Checked<'t>> {
    let verdicts = check_all(&block.transactions, rules.network);
    block
        .transactions
        .iter()
        .zip(ids)
        .zip(verdicts)
        .map(|((transaction, id), verdict)| Checked {
            transaction,
            id,
            verdict,
        })
        .collect()
}

/// Every cell that these transactions and the miner's credit may touch, some more than once.
fn cells_of(miner: PublicKey, transactions: &[Checked<'_>]) -> Vec<Cell> {
    let mut cells = vec![
        Cell::Supply(Asset::NATIVE),
        Cell::Nonce(miner),
        Cell::Balance(miner, Asset::NATIVE),
    ];
    // What is rejected without a look at the state loads nothing.
    for Checked { transaction, .. } in transactions.iter().filter(|one| one.verdict.is_ok()) {
        let source = transaction.source;
        cells.extend([
            Cell::Nonce(source),
            Cell::Multisig(source),
            Cell::Balance(source, Asset::NATIVE),
        ]);
        match &transaction.payload {
            Payload::Transfers(transfers) => {
                for transfer in transfers {
                    cells.extend([
                        Cell::Balance(source, transfer.asset),
                        Cell::Nonce(transfer.destination),
                        Cell::Balance(transfer.destination, transfer.asset),
                    ]);
                }
            }
            Payload::Burn { asset, .. } => {
                cells.extend([Cell::Balance(source, *asset), Cell::Supply(*asset)]);
            }
            Payload::Multisig(_) => {}
        }
    }
    cells
}

/// A sum of native amounts that all exist, and therefore fits.
fn add(amount: Amount, more: Amount) -> Result<Amount, StorageError> {
    amount.checked_add(more).ok_or_else(|| {
        schema::damaged(
            Cell::Supply(Asset::NATIVE),
            "fees, rewards or supply exceed what there can be",
        )
    })
}
