//! A question about a public read of a ledger, and its answer, as plain data.

use std::fmt;
use std::sync::Arc;

use lockstep_core::model::{
    Amount, Asset, Block, Cell, Hash, Height, Multisig, Nonce, PublicKey, Receipt, Rules, Supply,
    Timestamp, Transaction, Value, Version,
};

use super::bodies::{BodyAnswer, BodyScript};
use super::conflicts::ConflictOrder;

/// A public read with its arguments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Question {
    /// The newest block, or the genesis.
    Tip,
    /// The rules of the ledger.
    Rules,
    /// The value of a cell after the block at a height.
    ValueAt(Cell, Height),
    /// All versions of a cell, the newest first.
    History(Cell),
    /// A page of the cells that have a value, by account, the supplies last.
    Cells {
        /// The page begins after this cell, which need not exist; with the first cell if `None`.
        after: Option<Cell>,
        /// Largest number of cells of the page.
        limit: usize,
    },
    /// The block at a height.
    Block(Height),
    /// The receipts of the block at a height.
    Receipts(Height),
    /// The nonce of an account.
    Nonce(PublicKey),
    /// The multisig of an account.
    Multisig(PublicKey),
    /// The balance of an account in an asset.
    Balance(PublicKey, Asset),
    /// The supply of an asset.
    Supply(Asset),
    /// The order that the conflicts of at most [`MOST`](super::conflicts::MOST) transactions impose.
    Conflicts(Arc<[Transaction]>),
    /// Calls of a new cache of bodies, one after the other.
    Bodies(BodyScript),
}

/// The answer to a [`Question`], of the variant with the same name.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the questions are documented")]
pub enum Answer {
    Tip(TipRead),
    Rules(Rules),
    ValueAt(Option<Value>),
    History(Vec<Version>),
    Cells(Vec<Cell>),
    Block(Option<Block>),
    Receipts(Option<Vec<Receipt>>),
    Nonce(Option<Nonce>),
    Multisig(Option<Multisig>),
    Balance(Amount),
    Supply(Supply),
    Conflicts(ConflictOrder),
    Bodies(Vec<BodyAnswer>),
}

/// The tip, as a public read returns it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TipRead {
    /// Number of blocks.
    pub height: Height,
    /// Hash of the newest block.
    pub hash: Hash,
    /// Time of the newest block.
    pub time: Timestamp,
    /// Digest of the newest block.
    pub digest: Hash,
}

impl Question {
    /// Returns whether the answer depends on the ledger that is asked. The others are answered by a
    /// function of their arguments alone.
    #[must_use]
    pub const fn is_of_a_ledger(&self) -> bool {
        !matches!(self, Question::Conflicts(_) | Question::Bodies(_))
    }
}

impl fmt::Display for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Question::Tip => write!(f, "the tip"),
            Question::Rules => write!(f, "the rules"),
            Question::ValueAt(cell, height) => {
                write!(f, "the value of {cell:?} at height {height}")
            }
            Question::History(cell) => write!(f, "the history of {cell:?}"),
            Question::Cells { after: None, limit } => write!(f, "the first {limit} cells"),
            Question::Cells {
                after: Some(cell),
                limit,
            } => write!(f, "the first {limit} cells after {cell:?}"),
            Question::Block(height) => write!(f, "the block at height {height}"),
            Question::Receipts(height) => write!(f, "the receipts at height {height}"),
            Question::Nonce(account) => write!(f, "the nonce of {account}"),
            Question::Multisig(account) => write!(f, "the multisig of {account}"),
            Question::Balance(account, asset) => write!(f, "the balance of {account} in {asset}"),
            Question::Supply(asset) => write!(f, "the supply of {asset}"),
            Question::Conflicts(transactions) => {
                write!(f, "the conflicts of {} transactions", transactions.len())
            }
            Question::Bodies(script) => {
                write!(f, "{} calls of a cache of bodies", script.acts.len())
            }
        }
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Answer::Tip(tip) => write!(f, "{tip:?}"),
            Answer::Rules(rules) => write!(f, "{rules:?}"),
            Answer::ValueAt(value) => write!(f, "{value:?}"),
            Answer::History(versions) => match versions.first() {
                None => write!(f, "no versions"),
                Some(newest) => write!(f, "{} versions, the newest {newest:?}", versions.len()),
            },
            Answer::Cells(cells) => match cells.last() {
                None => write!(f, "no cells"),
                Some(last) => write!(f, "{} cells, the last {last:?}", cells.len()),
            },
            Answer::Block(None) => write!(f, "no block"),
            Answer::Block(Some(block)) => write!(
                f,
                "a block of height {} with {} transactions",
                block.header.height,
                block.transactions.len()
            ),
            Answer::Receipts(None) => write!(f, "no receipts"),
            Answer::Receipts(Some(receipts)) => write!(f, "{} receipts", receipts.len()),
            Answer::Nonce(nonce) => write!(f, "{nonce:?}"),
            Answer::Multisig(multisig) => write!(f, "{multisig:?}"),
            Answer::Balance(amount) => write!(f, "{amount}"),
            Answer::Supply(supply) => write!(f, "{supply:?}"),
            Answer::Conflicts(order) => write!(f, "{order:?}"),
            Answer::Bodies(answers) => write!(f, "{answers:?}"),
        }
    }
}
