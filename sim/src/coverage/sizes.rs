//! Coverage points of sizes: the sides of core's sizes that a campaign has seen, and the tails of the
//! dimensions in which core has none.
//!
//! Two points of each of [`lockstep_core::sizes::ALL`], made of that list: a size that is added to core is
//! a point that campaigns must reach from then on.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use lockstep_core::codec;
use lockstep_core::model::{Asset, Block, Cell, Payload, PublicKey, Refusal, Rules, Transaction};
use lockstep_core::schedule::accesses;
use lockstep_core::sizes::{self, Size, Unit};
use lockstep_harness::coverage::{Coverage, Kind, Point, Table};
use lockstep_harness::inventory;

use super::{SYSTEM, point};
use crate::world::{BlockResult, World};

/// The points of core's sizes: for each the side below, and the side from it on.
static POINTS: LazyLock<Vec<Point>> = LazyLock::new(|| {
    let sides = |size: &Size| {
        let Size {
            constant,
            from,
            unit,
            ..
        } = size;
        [
            (
                format!("size: {constant}: fewer than {from} {unit}"),
                Kind::Required,
            ),
            (
                format!("size: {constant}: {from} {unit} or more"),
                kind_above(size),
            ),
        ]
    };
    let named = sizes::ALL.iter().flat_map(sides);
    named
        .map(|(name, kind)| Point {
            system: SYSTEM,
            // Once for each row of a list that never changes.
            name: name.leak(),
            kind,
            focuses: &[],
        })
        .collect()
});

inventory::submit! { Table(|| &POINTS) }

/// Most runs stay below the large sizes and only those with a tail come there.
const fn kind_above(size: &Size) -> Kind {
    match size.unit {
        Unit::Transactions | Unit::ChangedCells if size.from >= 256 => Kind::Rare,
        Unit::Cosignatures | Unit::BalancesOfAccount => Kind::Rare,
        _ => Kind::Required,
    }
}

/// Number of workers for which the share of each is counted: the fewest that share.
const SHARING: u64 = 2;

/// Counts the sides of an accepted block.
pub(super) fn count(
    coverage: &mut Coverage,
    rules: &Rules,
    block: &Block,
    result: &BlockResult,
    before: Option<&World>,
) {
    let measured = Measured::of(block, result, before);
    for (size, sides) in sizes::ALL.iter().zip(POINTS.chunks(2)) {
        let most = match size.unit {
            Unit::TransactionsOn(network) if network != rules.network => continue,
            Unit::Transactions | Unit::TransactionsOn(_) => measured.transactions,
            Unit::TransactionsPerWorker => measured.transactions.div_ceil(SHARING),
            Unit::Signatures => measured.signatures,
            Unit::ChangedCells => measured.changed,
            Unit::CellsPerChange => measured.cells / measured.changed.max(1),
            Unit::ResultBytes => measured.result_bytes,
            Unit::TransactionBytes => measured.transaction_bytes,
            Unit::BalancesOfAccount => measured.balances,
            Unit::Accesses => measured.accesses,
            Unit::Transfers => measured.transfers,
            Unit::Participants => measured.participants,
            Unit::Cosignatures => measured.cosignatures,
        };
        coverage.count(&sides[usize::from(most >= size.from)]);
    }
    if measured.cells > 8_192 {
        coverage.count(point!("tail: more than 8,192 cells", rare));
    }
    if measured.assets > 16 {
        coverage.count(point!("tail: more than 16 assets in a block", rare));
    }
    if measured.cosignatures > 64 {
        coverage.count(point!("tail: more than 64 cosigners", rare));
    }
    if measured.participants > 64 {
        coverage.count(point!("tail: more than 64 participants", rare));
    }
    if measured.transfers > 250 {
        coverage.count(point!("tail: more than 250 transfers", rare));
    }
    if block.header.height.0 > 64 {
        coverage.count(point!("tail: more than 64 blocks", rare));
    }
    if block.header.height.0 > 256 {
        coverage.count(point!("tail: more than 256 blocks", rare));
    }
    if codec::encoded_len(block) == rules.max_block_bytes {
        coverage.count(point!("size: a block of exactly the limit", rare));
    }
}

/// Counts a block that is one byte too long.
pub(super) fn count_refused(coverage: &mut Coverage, refusal: &Refusal) {
    if let Refusal::Size { limit, got } = refusal
        && *got == limit + 1
    {
        coverage.count(point!(
            "size: a block of one byte more than the limit",
            rare
        ));
    }
}

/// Counts a rewind of N blocks.
pub(crate) fn count_rewind(coverage: &mut Coverage, depth: usize) {
    if depth > 4 {
        coverage.count(point!("tail: a rewind of more than 4 blocks", rare));
    }
    if depth > 8 {
        coverage.count(point!("tail: a rewind of more than 8 blocks", rare));
    }
}

/// Counts the number of workers that a run asks for.
pub(crate) fn count_workers(coverage: &mut Coverage, workers: Option<u32>) {
    if workers.is_some_and(|workers| workers > 15) {
        coverage.count(point!("tail: more than 15 workers", rare));
    }
}

/// The sizes of a block. Of those of a transaction or an account the largest.
#[derive(Default)]
struct Measured {
    transactions: u64,
    signatures: u64,
    changed: u64,
    /// All cells of the ledger before the block.
    cells: u64,
    result_bytes: u64,
    transaction_bytes: u64,
    balances: u64,
    assets: u64,
    accesses: u64,
    transfers: u64,
    participants: u64,
    cosignatures: u64,
}

impl Measured {
    fn of(block: &Block, result: &BlockResult, before: Option<&World>) -> Self {
        let mut measured = Measured {
            transactions: block.transactions.len() as u64,
            changed: result.state_diff.len() as u64,
            cells: before.map_or(0, |world| world.cells.len() as u64),
            result_bytes: codec::encoded_len(&result.state_diff)
                + codec::encoded_len(&result.receipts),
            ..Measured::default()
        };
        for transaction in &block.transactions {
            measured.take(transaction);
        }
        // The balances of one account follow each other.
        let (mut of_account, mut account): (u64, Option<PublicKey>) = (0, None);
        let mut assets = BTreeSet::new();
        for (cell, _) in &result.state_diff {
            if let Cell::Balance(owner, asset) = cell {
                if account != Some(*owner) {
                    (of_account, account) = (0, Some(*owner));
                }
                of_account += u64::from(*asset != Asset::NATIVE);
                measured.balances = measured.balances.max(of_account);
                assets.insert(*asset);
            }
        }
        measured.assets = assets.len() as u64;
        measured
    }

    fn take(&mut self, transaction: &Transaction) {
        let cosignatures = transaction.cosignatures.len() as u64;
        self.signatures += 1 + cosignatures;
        self.cosignatures = self.cosignatures.max(cosignatures);
        let mut touched = 0;
        accesses(transaction, |_| touched += 1);
        self.accesses = self.accesses.max(touched);
        let bytes = codec::encoded_len(transaction);
        self.transaction_bytes = self.transaction_bytes.max(bytes);
        match &transaction.payload {
            Payload::Transfers(transfers) => {
                self.transfers = self.transfers.max(transfers.len() as u64);
            }
            Payload::Multisig(multisig) => {
                let participants = multisig.participants.len() as u64;
                self.participants = self.participants.max(participants);
            }
            Payload::Burn { .. } => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use lockstep_harness::coverage::registered;

    use super::*;

    #[test]
    fn each_of_cores_sizes_is_two_points() {
        for size in sizes::ALL {
            let start = format!("size: {}: ", size.constant);
            let sides = registered().filter(|point| point.name.starts_with(&start));
            assert_eq!(sides.count(), 2, "{size:?}");
        }
        let below = lockstep_harness::coverage::named(
            "ledger",
            "size: state::FEW: fewer than 4096 changed cells",
        );
        assert!(below.is_some_and(|point| point.kind == Kind::Required));
    }
}
