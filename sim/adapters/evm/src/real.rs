//! Blocks as nodes answer `eth_getBlockByNumber`, as conflict patterns.
//!
//! There is neither code nor state with them: they are shapes, and not executions. Two transactions
//! conflict if they have an account in common that one of them writes: senders are written, and
//! receivers where value is sent. A contract that is called without value is *shared*: its slots may
//! conflict, and the block does not say it. So there are two bounds, with shared contracts left out and
//! with each taken for one cell.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use alloy_primitives::{Address, U256};
use serde_json::Value;

use crate::json::{address, array, member, number, optional, required, small};

/// A transaction of a real block, as far as the block says what it touches.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Shape {
    /// The account that pays.
    pub sender: Address,
    /// The account called, `None` for a creation.
    pub to: Option<Address>,
    /// True if it sends value.
    pub has_value: bool,
    /// True if it has call data.
    pub has_input: bool,
}

/// A real block.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RealBlock {
    /// Its height.
    pub number: u64,
    /// The fee receiver.
    pub beneficiary: Address,
    /// Its transactions in order.
    pub transactions: Vec<Shape>,
}

/// The conflicts of a block under one of the two bounds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Conflicts {
    /// Length of the longest chain of transactions that must wait for each other.
    pub levels: usize,
    /// Transactions that conflict with one before them.
    pub conflicting: usize,
    /// Transactions of the largest group that are connected by conflicts.
    pub largest: usize,
}

/// Reads the blocks of a folder, lowest first.
///
/// # Errors
/// If a file cannot be read or is no block with full transactions.
pub fn blocks(folder: &Path) -> Result<Vec<RealBlock>, String> {
    let named = |error: std::io::Error| format!("{}: {error}", folder.display());
    let mut blocks = Vec::new();
    for entry in fs::read_dir(folder).map_err(named)? {
        let path = entry.map_err(named)?.path();
        if path.extension().is_some_and(|end| end == "json") {
            let text = fs::read_to_string(&path).map_err(named)?;
            let block = block(&text).map_err(|error| format!("{}: {error}", path.display()))?;
            blocks.push(block);
        }
    }
    blocks.sort_by_key(|block| block.number);
    Ok(blocks)
}

/// Reads one block, with or without the envelope of the answer.
///
/// # Errors
/// If the text is no JSON, or no block with full transactions.
pub fn block(text: &str) -> Result<RealBlock, String> {
    let answer: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let block = answer.get("result").unwrap_or(&answer);
    let transactions = array(member(block, "transactions")?)?.iter().map(|it| {
        Ok(Shape {
            sender: required(it, "from", address)?,
            to: optional(it, "to", address)?,
            has_value: required(it, "value", number)? != U256::ZERO,
            has_input: required(it, "input", |it| {
                Ok(it.as_str().is_some_and(|it| it != "0x"))
            })?,
        })
    });
    Ok(RealBlock {
        number: required(block, "number", small)?,
        beneficiary: required(block, "miner", address)?,
        transactions: transactions.collect::<Result<_, String>>()?,
    })
}

impl RealBlock {
    /// The conflicts, with a contract called without value taken for one cell or left out.
    ///
    /// Fees for the receiver commute and are no conflict, unless it sends or is sent something.
    pub fn conflicts(&self, with_shared: bool) -> Conflicts {
        let mut level_of = BTreeMap::new();
        let mut group_of: BTreeMap<Address, usize> = BTreeMap::new();
        let mut groups: Vec<BTreeSet<Address>> = Vec::new();
        let mut sizes: Vec<usize> = Vec::new();
        let mut found = Conflicts {
            levels: 0,
            conflicting: 0,
            largest: 0,
        };
        for it in &self.transactions {
            let is_written = it.has_value || (with_shared && it.has_input);
            let touched: BTreeSet<_> = [Some(it.sender), it.to.filter(|_| is_written)]
                .into_iter()
                .flatten()
                .collect();
            let before = touched
                .iter()
                .filter_map(|account| level_of.get(account))
                .max();
            let level = before.copied().unwrap_or(0) + 1;
            found.conflicting += usize::from(level > 1);
            found.levels = found.levels.max(level);
            let mut size = 1;
            let mut members = touched.clone();
            for account in &touched {
                level_of.insert(*account, level);
                if let Some(group) = group_of.get(account) {
                    size += std::mem::take(&mut sizes[*group]);
                    members.extend(std::mem::take(&mut groups[*group]));
                }
            }
            for account in &members {
                group_of.insert(*account, groups.len());
            }
            groups.push(members);
            sizes.push(size);
            found.largest = found.largest.max(size);
        }
        found
    }

    /// Transactions of each kind: with value alone, calls, creations.
    pub fn kinds(&self) -> (usize, usize, usize) {
        let count =
            |is_of: fn(&Shape) -> bool| self.transactions.iter().filter(|it| is_of(it)).count();
        (
            count(|it| it.to.is_some() && !it.has_input),
            count(|it| it.to.is_some() && it.has_input),
            count(|it| it.to.is_none()),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(transactions: &[(u8, u8, bool)]) -> RealBlock {
        let shapes = transactions.iter().map(|(sender, to, has_value)| Shape {
            sender: Address::repeat_byte(*sender),
            to: Some(Address::repeat_byte(*to)),
            has_value: *has_value,
            has_input: !has_value,
        });
        RealBlock {
            number: 1,
            beneficiary: Address::ZERO,
            transactions: shapes.collect(),
        }
    }

    fn conflicts(levels: usize, conflicting: usize, largest: usize) -> Conflicts {
        Conflicts {
            levels,
            conflicting,
            largest,
        }
    }

    #[test]
    fn independent_transfers_have_one_level_and_a_chain_has_as_many_as_transactions() {
        let independent = block(&[(1, 2, true), (3, 4, true), (5, 6, true)]);
        assert_eq!(independent.conflicts(false), conflicts(1, 0, 1));
        let chain = block(&[(1, 2, true), (2, 3, true), (3, 4, true)]);
        assert_eq!(chain.conflicts(false), conflicts(3, 2, 3));
    }

    #[test]
    fn a_contract_called_without_value_conflicts_under_the_upper_bound_alone() {
        let shared = block(&[(1, 9, false), (2, 9, false), (3, 8, true)]);
        assert_eq!(shared.conflicts(false), conflicts(1, 0, 1));
        assert_eq!(shared.conflicts(true), conflicts(2, 1, 2));
    }

    #[test]
    fn two_groups_that_a_later_transaction_connects_are_one() {
        let connected = block(&[(1, 2, true), (3, 4, true), (5, 6, true), (2, 4, true)]);
        assert_eq!(connected.conflicts(false), conflicts(2, 1, 3));
    }

    #[test]
    fn a_node_s_answer_is_read_with_and_without_its_envelope() {
        let account = format!("0x{}", "11".repeat(20));
        let block = format!(
            r#"{{"number":"0xb443","miner":"{account}","transactions":[
            {{"from":"{account}","to":null,"value":"0x0","input":"0x6000"}}]}}"#
        );
        let bare = super::block(&block).expect("it is a block");
        assert_eq!((bare.number, bare.kinds()), (46_147, (0, 0, 1)));
        let answer = format!(r#"{{"jsonrpc":"2.0","id":1,"result":{block}}}"#);
        assert_eq!(super::block(&answer), Ok(bare));
        let hashes = block.replace("{\"from\"", "{\"hash\"");
        assert!(super::block(&hashes).is_err_and(|error| error.contains("from")));
    }
}
