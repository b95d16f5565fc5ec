//! The naive answers, from the oracle's history and the blocks of the chain.

use lockstep_core::model::{
    Amount, Asset, Block, Cell, Height, Nonce, PublicKey, Rules, Supply, Value, Version,
};

use super::conflicts::ConflictOrder;
use super::question::{Answer, Question, TipRead};
use crate::oracle::Oracle;
use crate::world::World;

/// A chain as it is known without a subject: its rules, the oracle's state, and the blocks.
#[derive(Clone, Copy, Debug)]
pub struct Recorded<'r> {
    /// Rules of the ledger.
    pub rules: &'r Rules,
    /// The oracle at the tip.
    pub oracle: &'r Oracle,
    /// The blocks of the chain, from height 1.
    pub blocks: &'r [Block],
}

impl Recorded<'_> {
    /// Returns the state of the ledger at its tip.
    #[must_use]
    pub fn world(&self) -> &World {
        self.oracle.world()
    }

    /// Answers a question.
    #[must_use]
    pub fn answer(&self, question: &Question) -> Answer {
        let world = self.world();
        match question {
            Question::Tip => Answer::Tip(TipRead {
                height: world.height,
                hash: world.hash,
                time: world.time,
                digest: world.digest,
            }),
            Question::Rules => Answer::Rules(self.rules.clone()),
            Question::ValueAt(cell, height) => {
                let mut versions = self.versions(*cell).iter().rev();
                let version = versions.find(|version| version.height <= *height);
                Answer::ValueAt(version.map(|version| version.value.clone()))
            }
            Question::History(cell) => {
                Answer::History(self.versions(*cell).iter().rev().cloned().collect())
            }
            Question::Cells { after, limit } => {
                let behind = |cell: &Cell| after.is_none_or(|after| place(cell) > place(&after));
                let mut cells: Vec<Cell> = world.cells.keys().copied().filter(behind).collect();
                cells.sort_by_key(place);
                cells.truncate(*limit);
                Answer::Cells(cells)
            }
            Question::Block(height) => Answer::Block(self.block(*height).cloned()),
            Question::Receipts(height) => {
                let result = self.oracle.result(*height);
                Answer::Receipts(result.map(|result| result.receipts.clone()))
            }
            Question::Nonce(account) => Answer::Nonce(self.nonce(*account)),
            Question::Multisig(account) => {
                Answer::Multisig(match world.newest(Cell::Multisig(*account)) {
                    Some(Value::Multisig(multisig)) => multisig.clone(),
                    _ => None,
                })
            }
            Question::Balance(account, asset) => Answer::Balance(self.balance(*account, *asset)),
            Question::Supply(asset) => Answer::Supply(match world.newest(Cell::Supply(*asset)) {
                Some(Value::Supply(supply)) => *supply,
                _ => Supply::default(),
            }),
            Question::Conflicts(transactions) => Answer::Conflicts(ConflictOrder::of(transactions)),
            Question::Bodies(script) => Answer::Bodies(script.expected()),
        }
    }

    /// Returns the block at a height, if there is one on the chain.
    #[must_use]
    pub fn block(&self, height: Height) -> Option<&Block> {
        let mut blocks = self.blocks.iter();
        blocks.find(|block| block.header.height == height)
    }

    /// Returns the versions of a cell, the oldest first; none if it was never written.
    #[must_use]
    pub fn versions(&self, cell: Cell) -> &[Version] {
        self.world().cells.get(&cell).map_or(&[], Vec::as_slice)
    }

    fn nonce(&self, account: PublicKey) -> Option<Nonce> {
        match self.world().newest(Cell::Nonce(account)) {
            Some(Value::Nonce(nonce)) => Some(*nonce),
            _ => None,
        }
    }

    fn balance(&self, account: PublicKey, asset: Asset) -> Amount {
        match self.world().newest(Cell::Balance(account, asset)) {
            Some(Value::Balance(amount)) => *amount,
            _ => Amount::ZERO,
        }
    }
}

/// The place of a cell in a listing: by account, of each the nonce, the multisig and the balances by
/// asset; the supplies last, by asset.
fn place(cell: &Cell) -> (bool, PublicKey, u8, Asset) {
    match *cell {
        Cell::Nonce(account) => (false, account, 0, Asset::NATIVE),
        Cell::Multisig(account) => (false, account, 1, Asset::NATIVE),
        Cell::Balance(account, asset) => (false, account, 2, asset),
        Cell::Supply(asset) => (true, PublicKey([0; 32]), 0, asset),
    }
}
