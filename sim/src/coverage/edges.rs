//! Coverage points of exact edges: balances that are drained to nothing, amounts at both ends, and miners
//! who get nothing or spend what they do not have yet.

use std::collections::BTreeMap;

use lockstep_core::model::{
    Amount, Asset, Block, Cell, Effect, Outcome, Payload, Rejection, Rules, Transaction, Value,
};
use lockstep_harness::coverage::Coverage;

use super::point;
use crate::world::{BlockResult, World};

/// Counts the edges of an accepted block.
pub(super) fn count(
    coverage: &mut Coverage,
    rules: &Rules,
    block: &Block,
    result: &BlockResult,
    before: Option<&World>,
) {
    let Some(before) = before else { return };
    let mut balances = Balances {
        before,
        now: BTreeMap::new(),
    };
    for (transaction, receipt) in block.transactions.iter().zip(&result.receipts) {
        match &receipt.outcome {
            Outcome::Applied { effects, .. } => {
                applied(coverage, transaction, effects, &mut balances);
            }
            Outcome::Rejected(rejection) => {
                rejected(coverage, transaction, rejection, block, result);
            }
        }
    }
    let miner = block.header.miner;
    let gets_nothing = result.reward.is_zero() && result.fees.is_zero();
    if gets_nothing && !before.cells.contains_key(&Cell::Nonce(miner)) {
        coverage.count(point!("edge: a miner never seen gets nothing", rare));
    }
    if !result.reward.is_zero() && result.reward < rules.reward {
        coverage.count(point!("edge: the last reward is cut", rare));
    }
}

/// Balances within a block, as far as transactions have touched them.
struct Balances<'w> {
    before: &'w World,
    now: BTreeMap<Cell, u64>,
}

impl Balances<'_> {
    fn of(&mut self, cell: Cell) -> &mut u64 {
        let before = self.before;
        self.now
            .entry(cell)
            .or_insert_with(|| stored(before, cell).0)
    }
}

/// Returns the balance before the block, and true if the block before it has changed the balance.
fn stored(before: &World, cell: Cell) -> (u64, bool) {
    let newest = before.cells.get(&cell).and_then(|versions| versions.last());
    match newest.map(|version| (&version.value, version.height == before.height)) {
        Some((Value::Balance(amount), is_new)) => (amount.0, is_new),
        _ => (0, false),
    }
}

fn applied(
    coverage: &mut Coverage,
    transaction: &Transaction,
    effects: &[Effect],
    balances: &mut Balances<'_>,
) {
    for effect in effects {
        match effect {
            Effect::Debit {
                account,
                asset,
                amount,
            } => {
                let cell = Cell::Balance(*account, *asset);
                let balance = balances.of(cell);
                *balance = balance.saturating_sub(amount.0);
                match *balance {
                    0 => drained(coverage, transaction, *asset, stored(balances.before, cell)),
                    1 => coverage.count(point!("edge: one is left of a balance")),
                    _ => {}
                }
            }
            Effect::Credit {
                account,
                asset,
                amount,
            } => {
                let balance = balances.of(Cell::Balance(*account, *asset));
                *balance = balance.saturating_add(amount.0);
            }
            _ => {}
        }
    }
}

/// Counts a balance of which nothing is left.
fn drained(
    coverage: &mut Coverage,
    transaction: &Transaction,
    asset: Asset,
    (stored, is_new): (u64, bool),
) {
    if stored == 0 {
        return;
    }
    let is_native = asset == Asset::NATIVE;
    coverage.count(match &transaction.payload {
        Payload::Burn { .. } if is_native => point!("edge: a burn leaves nothing", rare),
        Payload::Burn { .. } => point!("edge: a burn leaves nothing of an asset", rare),
        _ if !is_native => point!("edge: a transfer leaves nothing of an asset", rare),
        Payload::Transfers(_) if transaction.fee.is_zero() => {
            point!("edge: a transfer without a fee leaves nothing")
        }
        _ => point!("edge: the fee takes exactly the rest"),
    });
    if is_native && is_new {
        coverage.count(point!("edge: what the last block gave is spent to nothing"));
    }
}

fn rejected(
    coverage: &mut Coverage,
    transaction: &Transaction,
    rejection: &Rejection,
    block: &Block,
    result: &BlockResult,
) {
    match rejection {
        Rejection::Balance {
            asset,
            needed,
            available,
        } => {
            let (needed, available) = (needed.0, available.0);
            if available > 0 && needed - available == 1 {
                coverage.count(point!("edge: one more than the balance"));
            }
            if needed == u64::MAX {
                coverage.count(point!("edge: a sum of exactly the largest number", rare));
            }
            let given = result.fees.0.saturating_add(result.reward.0);
            let is_miners = transaction.source == block.header.miner && *asset == Asset::NATIVE;
            if is_miners && needed <= available.saturating_add(given) {
                coverage.count(point!("edge: a miner spends what this block gives"));
            }
            if transaction.fee > Amount(available) {
                coverage.count(point!("edge: a fee of more than the balance"));
            }
        }
        Rejection::SumOverflow { .. } => {
            let one_amount = match &transaction.payload {
                Payload::Transfers(transfers) if transfers.len() == 1 => transfers[0].amount.0,
                Payload::Burn { amount, .. } => amount.0,
                _ => return,
            };
            if u128::from(one_amount) + u128::from(transaction.fee.0) == 1 << 64 {
                coverage.count(point!("edge: a sum of one more than the largest number"));
            }
        }
        _ => {}
    }
}
