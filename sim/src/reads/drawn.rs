//! The questions of a step: the few at which answers change, and some with drawn arguments.
//!
//! A violation must survive shrinking, which changes what is drawn. So most arguments are read off
//! the chain: the newest version of a cell that the last block wrote, the heights on both sides of it,
//! the cells on both sides of the end of a page. Only the choice among many cells is drawn.

use std::collections::BTreeSet;
use std::sync::Arc;

use lockstep_core::model::{
    Amount, Asset, Block, Cell, Height, PublicKey, Timestamp, Transaction, Value,
};
use lockstep_harness::choice::Choices;

use super::bodies::{BodyAct, BodyScript};
use super::conflicts::MOST;
use super::question::Question;
use super::recorded::Recorded;

/// Number of questions of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Some twenty, of a few cells.
    Few,
    /// Some two hundred, of many cells and every height.
    Many,
}

/// Number of pages of the whole list from which on they are longer.
const MOST_PAGES: usize = 64;

/// An account and an asset that no scenario has.
const STRANGER: PublicKey = PublicKey([0x5a; 32]);
const STRANGE_ASSET: Asset = Asset([0x5a; 32]);

/// Draws the questions of a step. They are the same for the same chain and choices.
pub fn questions(known: &Recorded<'_>, choices: &mut impl Choices, scope: Scope) -> Vec<Question> {
    let mut questions = vec![Question::Tip];
    of_cells(known, choices, scope, &mut questions);
    of_pages(known, choices, scope, &mut questions);
    of_accounts(known, choices, scope, &mut questions);
    of_blocks(known, choices, scope, &mut questions);
    if scope == Scope::Many {
        questions.push(Question::Rules);
    }
    if let Some(block) = known.blocks.last() {
        questions.extend(conflicts(block, choices));
        questions.push(Question::Bodies(bodies(known.blocks, choices)));
    }
    questions
}

/// Values at the heights where they change, above the tip, and of cells that do not exist.
fn of_cells(
    known: &Recorded<'_>,
    choices: &mut impl Choices,
    scope: Scope,
    questions: &mut Vec<Question>,
) {
    let world = known.world();
    let tip = world.height;
    let changed = match known.oracle.result(tip) {
        Some(result) => result.state_diff.iter().map(|(cell, _)| *cell).collect(),
        None => Vec::new(),
    };
    let all: Vec<Cell> = world.cells.keys().copied().collect();
    let mut cells = BTreeSet::new();
    cells.extend(changed.first().copied());
    cells.extend(drawn(&changed, choices));
    let others = if scope == Scope::Few { 1 } else { 12 };
    for _ in 0..others {
        cells.extend(drawn(&all, choices));
    }
    for cell in &cells {
        let versions = known.versions(*cell);
        let mut heights = BTreeSet::from([tip, Height(u64::MAX)]);
        if let Some(newest) = versions.last() {
            heights.extend([newest.height, Height(newest.height.0.saturating_sub(1))]);
        }
        if scope == Scope::Many {
            let around = |height: Height| [height, Height(height.0.saturating_sub(1))];
            heights.extend(versions.iter().flat_map(|version| around(version.height)));
            heights.extend([Height::GENESIS, Height(tip.0.saturating_add(1))]);
        }
        questions.extend(
            heights
                .into_iter()
                .map(|height| Question::ValueAt(*cell, height)),
        );
        questions.push(Question::History(*cell));
    }
    let absent = absent(known, choices);
    questions.push(Question::ValueAt(absent, tip));
    questions.push(Question::History(absent));
}

/// A cell without a value: of an account that no scenario has, or of one that exists.
fn absent(known: &Recorded<'_>, choices: &mut impl Choices) -> Cell {
    let of_the_chain = known.world().cells.keys().filter_map(account_of);
    let accounts: Vec<PublicKey> = of_the_chain.collect();
    let account = drawn(&accounts, choices).unwrap_or(STRANGER);
    match choices.below(4) {
        0 => Cell::Nonce(STRANGER),
        1 => Cell::Balance(account, STRANGE_ASSET),
        2 => Cell::Supply(STRANGE_ASSET),
        // Mostly it has none.
        _ => Cell::Multisig(account),
    }
}

/// Pages that begin with the first cell, behind one that exists, behind one that does not, and behind
/// the last one.
fn of_pages(
    known: &Recorded<'_>,
    choices: &mut impl Choices,
    scope: Scope,
    questions: &mut Vec<Question>,
) {
    let every = Question::Cells {
        after: None,
        limit: usize::MAX,
    };
    let super::question::Answer::Cells(cells) = known.answer(&every) else {
        return;
    };
    let page = |after, limit| Question::Cells { after, limit };
    let (first, last) = (cells.first().copied(), cells.last().copied());
    let before_last = cells.iter().rev().nth(1).copied();
    // The last page, shorter than its limit; and nothing behind it.
    questions.push(page(before_last, 3));
    questions.push(page(last, 1));
    // As long as its limit: the next one begins behind a cell that exists.
    questions.push(page(
        drawn(&cells, choices).or(first),
        choices.pick(&[1, 2, 7]),
    ));
    questions.push(page(Some(absent(known, choices)), choices.pick(&[1, 5])));
    if scope == Scope::Many {
        questions.extend([page(None, 0), page(first, 0), page(None, 1), every]);
        // The whole list in short pages, longer where it is long: for each the answer is found among all.
        let length = choices.pick(&[13, 31]).max(cells.len() / MOST_PAGES);
        let starts = std::iter::once(None).chain(
            cells
                .iter()
                .skip(length - 1)
                .step_by(length)
                .copied()
                .map(Some),
        );
        questions.extend(starts.map(|after| page(after, length)));
        questions.extend(
            [
                Cell::Nonce(PublicKey([0; 32])),
                Cell::Supply(Asset([0xff; 32])),
            ]
            .map(|edge| page(Some(edge), 2)),
        );
    }
}

/// Reads of accounts: of the last block's, of one that has nothing left, of one that nothing is known of.
fn of_accounts(
    known: &Recorded<'_>,
    choices: &mut impl Choices,
    scope: Scope,
    questions: &mut Vec<Question>,
) {
    let world = known.world();
    let mut accounts = BTreeSet::from([STRANGER]);
    if let Some(block) = known.blocks.last() {
        accounts.insert(block.header.miner);
        let sources: Vec<PublicKey> = block.transactions.iter().map(|one| one.source).collect();
        accounts.extend(drawn(&sources, choices));
    }
    let empty = Value::Balance(Amount::ZERO);
    let drained: Vec<Cell> = world
        .cells
        .iter()
        .filter(|(_, versions)| {
            versions
                .last()
                .is_some_and(|version| version.value == empty)
        })
        .map(|(cell, _)| *cell)
        .collect();
    if let Some(Cell::Balance(account, asset)) = drawn(&drained, choices) {
        questions.push(Question::Balance(account, asset));
    }
    let with_multisig: Vec<PublicKey> = world
        .cells
        .keys()
        .filter_map(|cell| match cell {
            Cell::Multisig(account) => Some(*account),
            _ => None,
        })
        .collect();
    accounts.extend(drawn(&with_multisig, choices));
    if scope == Scope::Many {
        accounts.extend(world.cells.keys().filter_map(account_of).take(16));
    }
    for account in accounts {
        questions.push(Question::Nonce(account));
        questions.push(Question::Multisig(account));
        questions.push(Question::Balance(account, Asset::NATIVE));
    }
    let assets: Vec<Asset> = world
        .cells
        .keys()
        .filter_map(|cell| match cell {
            Cell::Supply(asset) => Some(*asset),
            _ => None,
        })
        .collect();
    questions.extend(drawn(&assets, choices).map(Question::Supply));
    if scope == Scope::Many {
        questions.extend([Asset::NATIVE, STRANGE_ASSET].map(Question::Supply));
        questions.push(Question::Balance(STRANGER, STRANGE_ASSET));
    }
}

/// Blocks and receipts at the genesis, within the chain and above it.
fn of_blocks(
    known: &Recorded<'_>,
    choices: &mut impl Choices,
    scope: Scope,
    questions: &mut Vec<Question>,
) {
    let tip = known.world().height.0;
    let above = tip.saturating_add(1);
    let mut heights = BTreeSet::from([above]);
    match scope {
        // The block of the tip itself is read after every block.
        Scope::Few => heights.extend([0, choices.between(0, tip)]),
        Scope::Many => heights.extend((0..=tip.min(64)).chain([u64::MAX])),
    }
    for height in heights.into_iter().map(Height) {
        questions.push(Question::Block(height));
        questions.push(Question::Receipts(height));
    }
}

/// A stretch of the transactions of a block.
fn conflicts(block: &Block, choices: &mut impl Choices) -> Option<Question> {
    let transactions = &block.transactions;
    let length = choices.pick(&[3, 8, 24, MOST]).min(transactions.len());
    let first = match (transactions.len() - length) as u64 {
        0 => 0,
        room if choices.chance(1, 2) => usize::try_from(choices.between(0, room)).unwrap_or(0),
        _ => 0,
    };
    let stretch: Arc<[Transaction]> = transactions[first..first + length].into();
    (length > 1).then_some(Question::Conflicts(stretch))
}

/// A cache at its limits, with bodies of the last blocks.
fn bodies(blocks: &[Block], choices: &mut impl Choices) -> BodyScript {
    let mut transactions: Vec<&Transaction> = Vec::new();
    for block in blocks.iter().rev().take(3) {
        transactions.extend(block.transactions.iter().take(4));
    }
    // Bodies of rising length, so that each has its own size; the first is empty.
    let bodies: Vec<Arc<[Transaction]>> = (0..=transactions.len().min(5))
        .map(|length| transactions[..length].iter().copied().cloned().collect())
        .collect();
    let count = bodies.len() as u64;
    let encoded =
        |body: &Arc<[Transaction]>| borsh::to_vec(&**body).map_or(0, |bytes| bytes.len() as u64);
    let sizes: Vec<u64> = bodies.iter().map(encoded).collect();
    let together: u64 = sizes.iter().sum();
    let largest = sizes.iter().copied().max().unwrap_or(0);
    let (entries, bytes) = match choices.below(4) {
        0 => (choices.pick(&[1, 2]), u64::MAX),
        1 => (64, choices.pick(&[largest, together - 1, largest - 1])),
        2 => (choices.pick(&[0, 3]), choices.pick(&[0, together])),
        _ => (2, largest + 4),
    };
    let time_to_live_ms = choices.pick(&[1, 10, 1_000_000]);
    let mut now = 1_000u64;
    let mut acts = Vec::new();
    // More bodies than are kept, and then all of them are looked for.
    for number in 0..count {
        now = now.saturating_add(choices.pick(&[0, 0, 1, 9]));
        acts.push(BodyAct::Remember(
            usize::try_from(number).unwrap_or(0),
            Timestamp(now),
        ));
        if choices.chance(1, 3) {
            let again = usize::try_from(choices.below(number + 1)).unwrap_or(0);
            acts.push(match choices.below(2) {
                0 => BodyAct::Remember(again, Timestamp(now)),
                _ => BodyAct::Find(again, Timestamp(now)),
            });
        }
    }
    acts.push(BodyAct::Size);
    // A clock that went back makes bodies live longer.
    now = now.saturating_add_signed(choices.pick(&[0, 0, 1, -500]));
    let finds = (0..bodies.len()).map(|number| BodyAct::Find(number, Timestamp(now)));
    acts.extend(finds);
    acts.push(BodyAct::Find(
        bodies.len() - 1,
        Timestamp(now.saturating_add(time_to_live_ms)),
    ));
    acts.push(BodyAct::Size);
    BodyScript {
        entries,
        bytes,
        time_to_live_ms,
        bodies,
        acts,
    }
}

fn drawn<T: Copy>(among: &[T], choices: &mut impl Choices) -> Option<T> {
    if among.is_empty() {
        return None;
    }
    let index = choices.below(among.len() as u64);
    among.get(usize::try_from(index).ok()?).copied()
}

fn account_of(cell: &Cell) -> Option<PublicKey> {
    match cell {
        Cell::Nonce(account) => Some(*account),
        _ => None,
    }
}
