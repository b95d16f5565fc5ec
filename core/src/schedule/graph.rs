//! The dependency graph of a block: which transactions must wait for which.

use std::collections::HashMap;
use std::hash::BuildHasher;

use hashbrown::HashTable;

use super::access::{Access, Mode, Touch, accesses, touch_all};
use crate::model::{Asset, PublicKey, Transaction};

/// The dependency graph of a block: two transactions that conflict are connected by a path in block
/// order.
///
/// Transactions are their indices in the block. There are at most two edges an access.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Graph {
    /// The number of edges that end at each transaction.
    waits_for: Vec<u32>,
    /// The successors of transaction t are `successors[first[t]..first[t + 1]]`.
    first: Vec<u32>,
    successors: Vec<u32>,
    levels: Vec<u32>,
}

impl Graph {
    /// Makes the graph of these transactions from the accesses that they declare. Costs one lookup an
    /// account that a transaction touches, and a look at each asset other than the native one: some
    /// 20 to 80 ns a transfer, more if the accounts do not fit in the caches. Mostly nothing is looked
    /// up if each transaction conflicts with the one before it, within the first 16 accesses of each.
    ///
    /// `hasher` must be keyed: an attacker who chooses account keys could choose ones that collide.
    ///
    /// # Panics
    ///
    /// If there are more than `u32::MAX` edges, more than any block has.
    #[must_use]
    pub fn of<'t>(
        transactions: impl IntoIterator<Item = &'t Transaction, IntoIter: ExactSizeIterator + Clone>,
        hasher: impl BuildHasher + Clone,
    ) -> Self {
        let transactions = transactions.into_iter();
        if is_chain(transactions.clone()) {
            return Graph::chain(index(transactions.len()));
        }
        let mut builder = Builder::new(transactions.len(), hasher);
        for transaction in transactions {
            builder.add(transaction);
        }
        builder.finish()
    }

    /// Makes the graph of `transactions` transactions, at least 1, each of which waits for the one
    /// before.
    fn chain(transactions: u32) -> Self {
        let edges = transactions - 1;
        Graph {
            waits_for: (0..transactions).map(|at| at.min(1)).collect(),
            first: (0..=transactions).map(|at| at.min(edges)).collect(),
            successors: (1..transactions).collect(),
            levels: (0..transactions).collect(),
        }
    }

    /// Returns the number of transactions.
    #[must_use]
    pub fn len(&self) -> usize {
        self.waits_for.len()
    }

    /// Returns whether there are no transactions.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.waits_for.is_empty()
    }

    /// Returns the number of edges that end at each transaction; one with none may run at once.
    #[must_use]
    pub fn waits_for(&self) -> &[u32] {
        &self.waits_for
    }

    /// Returns the transactions that wait for a transaction, once for each edge.
    #[must_use]
    pub fn successors(&self, transaction: u32) -> &[u32] {
        let at = transaction as usize;
        &self.successors[self.first[at] as usize..self.first[at + 1] as usize]
    }

    /// Returns the length of the critical path that begins at each transaction, in edges: 0 if no
    /// transaction waits for it. Costs one step an edge.
    #[must_use]
    pub fn critical_path_lengths(&self) -> Vec<u32> {
        let mut lengths = vec![0; self.len()];
        // An edge leads to a later transaction, whose length is known by then.
        for transaction in (0..self.len()).rev() {
            let successors = self.first[transaction] as usize..self.first[transaction + 1] as usize;
            let most = self.successors[successors]
                .iter()
                .map(|successor| lengths[*successor as usize] + 1)
                .max();
            lengths[transaction] = most.unwrap_or(0);
        }
        lengths
    }

    /// Returns the level of each transaction: 0 if it conflicts with none before it, otherwise one more
    /// than the highest level of those before it that it conflicts with.
    #[must_use]
    pub fn levels(&self) -> &[u32] {
        &self.levels
    }

    /// Returns the number of levels: the length of the longest chain of conflicts.
    #[must_use]
    pub fn depth(&self) -> usize {
        self.levels
            .iter()
            .max()
            .map_or(0, |level| *level as usize + 1)
    }
}

/// Returns the transactions of a block by level, each level in block order. Those of one level do not
/// conflict with each other, and each conflicts with one of the level before.
#[must_use]
pub fn group_by_conflicts(
    transactions: &[Transaction],
    hasher: impl BuildHasher + Clone,
) -> Vec<Vec<u32>> {
    let graph = Graph::of(transactions, hasher);
    let mut groups = vec![Vec::new(); graph.depth()];
    for (transaction, level) in (0..).zip(graph.levels()) {
        groups[*level as usize].push(transaction);
    }
    groups
}

/// Returns whether each transaction conflicts with the one before it, so that no two may run side by
/// side. Compares neighbours, without a table, and ends with the first two whose conflict it does
/// not see.
fn is_chain<'t>(mut transactions: impl Iterator<Item = &'t Transaction>) -> bool {
    let Some(first) = transactions.next() else {
        return false;
    };
    let (mut before, mut current) = (Vec::new(), Vec::new());
    touches_first(first, &mut before);
    let mut links = 0;
    for transaction in transactions {
        touches_first(transaction, &mut current);
        if !is_conflict(&before, &current) {
            return false;
        }
        links += 1;
        std::mem::swap(&mut before, &mut current);
    }
    links > 0
}

/// The most accesses of a transaction that are looked at to recognise a chain.
pub(crate) const MOST_FIRST: usize = 16;

/// Collects the first accesses of a transaction: its nonce, what it takes, and then what it adds to. Not
/// more than a few, because all pairs are compared, and the pass must stay linear.
fn touches_first(transaction: &Transaction, touched: &mut Vec<Access>) {
    touched.clear();
    accesses(transaction, |access| {
        if touched.len() < MOST_FIRST {
            touched.push(access);
        }
    });
}

fn is_conflict(before: &[Access], current: &[Access]) -> bool {
    let about = |one: &Access, other: &Access| {
        [one.mode, other.mode].contains(&Mode::Exclusive) && one.key == other.key
    };
    before
        .iter()
        .any(|one| current.iter().any(|other| about(one, other)))
}

const NONE: u32 = u32::MAX;

/// The transactions that touched a key last.
#[derive(Clone, Copy)]
struct LastTouches {
    /// The last one that touched it exclusively.
    exclusive: u32,
    /// The last one that touched it additively since: the head of a list in `Builder::additive`.
    additive: u32,
}

const UNTOUCHED: LastTouches = LastTouches {
    exclusive: NONE,
    additive: NONE,
};

/// The transactions that touched an account last. The native balance stands here, because nearly every
/// transaction touches it.
struct AccountTouches {
    key: PublicKey,
    /// The account's last own transaction.
    nonce: u32,
    native: LastTouches,
    /// The first few balances of other assets: the head of a list in `Builder::near`. The rest of an
    /// account with more is in `Builder::far`.
    near: u32,
}

/// The transactions that touched one of an account's first few other balances last.
struct BalanceTouches {
    asset: Asset,
    touched: LastTouches,
    /// The one before it of the same account.
    before: u32,
}

/// The number of balances of an account that are searched one after another. An account with thousands
/// must not make this pass quadratic.
pub(crate) const MOST_NEAR: usize = 8;

struct Builder<H> {
    hasher: H,
    /// The number of each account under the hash of its key. The key itself stands with the account:
    /// so the table stays small enough to be near, and keys are read in the order of their numbers.
    ids: HashTable<(u32, u32)>,
    accounts: Vec<AccountTouches>,
    near: Vec<BalanceTouches>,
    far: HashMap<(u32, Asset), LastTouches, H>,
    /// (transaction, the one before it in its list).
    additive: Vec<(u32, u32)>,
    /// The transaction at which each edge begins, by rising end.
    edges: Vec<u32>,
    /// The number of edges that end at each transaction before the current one.
    waits_for: Vec<u32>,
    /// Each transaction before the current one.
    nodes: Vec<Node>,
    current: CurrentTransaction,
}

/// A transaction of the graph so far.
#[derive(Clone, Copy)]
struct Node {
    level: u32,
    /// The number of edges that begin at it.
    successors: u32,
}

/// The transaction that is looked at.
#[derive(Clone, Copy)]
struct CurrentTransaction {
    number: u32,
    level: u32,
    source: u32,
    /// The account that was credited last: the next credit is often its own, too.
    destination: u32,
    /// The number of edges that end before it.
    edges_before: usize,
}

impl<H: BuildHasher + Clone> Builder<H> {
    fn new(transactions: usize, hasher: H) -> Self {
        Builder {
            ids: HashTable::with_capacity(transactions * 2),
            accounts: Vec::with_capacity(transactions * 2),
            near: Vec::new(),
            far: HashMap::with_hasher(hasher.clone()),
            hasher,
            additive: Vec::with_capacity(transactions),
            edges: Vec::with_capacity(transactions),
            waits_for: Vec::with_capacity(transactions),
            nodes: Vec::with_capacity(transactions),
            current: CurrentTransaction {
                number: 0,
                level: 0,
                source: NONE,
                destination: NONE,
                edges_before: 0,
            },
        }
    }

    fn add(&mut self, transaction: &Transaction) {
        let source = self.account(&transaction.source);
        self.current = CurrentTransaction {
            number: index(self.nodes.len()),
            level: 0,
            source,
            destination: source,
            edges_before: self.edges.len(),
        };
        touch_all(transaction, self);
        self.waits_for
            .push(index(self.edges.len() - self.current.edges_before));
        self.nodes.push(Node {
            level: self.current.level,
            successors: 0,
        });
    }

    fn touch(&mut self, account: u32, asset: &Asset, mode: Mode) {
        if *asset == Asset::NATIVE {
            let touched = self.accounts[account as usize].native;
            self.accounts[account as usize].native = self.touched(touched, mode);
        } else {
            self.touch_other(account, asset, mode);
        }
    }

    fn touch_other(&mut self, account: u32, asset: &Asset, mode: Mode) {
        let mut next = self.accounts[account as usize].near;
        let mut searched = 0;
        while next != NONE {
            let near = &self.near[next as usize];
            if near.asset == *asset {
                let touched = self.touched(near.touched, mode);
                self.near[next as usize].touched = touched;
                return;
            }
            next = near.before;
            searched += 1;
        }
        if searched < MOST_NEAR {
            let touched = self.touched(UNTOUCHED, mode);
            let before = self.accounts[account as usize].near;
            self.accounts[account as usize].near = index(self.near.len());
            self.near.push(BalanceTouches {
                asset: *asset,
                touched,
                before,
            });
        } else {
            let key = (account, *asset);
            let touched = self.far.get(&key).copied().unwrap_or(UNTOUCHED);
            let touched = self.touched(touched, mode);
            self.far.insert(key, touched);
        }
    }

    #[inline]
    fn touched(&mut self, before: LastTouches, mode: Mode) -> LastTouches {
        let current = self.current.number;
        match mode {
            Mode::Additive => {
                self.wait_for(before.exclusive);
                if before.exclusive == current {
                    // It has the key exclusively already.
                    return before;
                }
                if before.additive != NONE && self.additive[before.additive as usize].0 == current {
                    return before;
                }
                let additive = index(self.additive.len());
                self.additive.push((current, before.additive));
                LastTouches { additive, ..before }
            }
            Mode::Exclusive => {
                if before.additive == NONE {
                    self.wait_for(before.exclusive);
                }
                let mut next = before.additive;
                while next != NONE {
                    let (transaction, before) = self.additive[next as usize];
                    self.wait_for(transaction);
                    next = before;
                }
                LastTouches {
                    exclusive: current,
                    additive: NONE,
                }
            }
        }
    }

    #[inline]
    fn wait_for(&mut self, before: u32) {
        if before == NONE || before == self.current.number {
            return;
        }
        // The nonce and the balance of one source mostly name the same transaction.
        if self.edges[self.current.edges_before..].last() == Some(&before) {
            return;
        }
        self.edges.push(before);
        let node = &mut self.nodes[before as usize];
        node.successors += 1;
        self.current.level = self.current.level.max(node.level + 1);
    }

    #[inline]
    fn account(&mut self, key: &PublicKey) -> u32 {
        let hash = self.hasher.hash_one(key);
        // Half of it is kept, so that a table that grows asks no key for its hash again.
        let short = (hash >> 32) as u32;
        let spread = |short: u32| u64::from(short) << 32 | u64::from(short);
        let accounts = &self.accounts;
        let is_it =
            |(other, id): &(u32, u32)| *other == short && accounts[*id as usize].key == *key;
        if let Some((_, id)) = self.ids.find(spread(short), is_it) {
            return *id;
        }
        let id = index(self.accounts.len());
        self.ids
            .insert_unique(spread(short), (short, id), |(short, _)| spread(*short));
        self.accounts.push(AccountTouches {
            key: *key,
            nonce: NONE,
            native: UNTOUCHED,
            near: NONE,
        });
        id
    }

    fn finish(self) -> Graph {
        // They are counted in 32 bits from here on.
        let edges = index(self.edges.len());
        let mut first = Vec::with_capacity(self.nodes.len() + 1);
        let mut levels = Vec::with_capacity(self.nodes.len());
        let mut edges_before = 0;
        for node in &self.nodes {
            first.push(edges_before);
            levels.push(node.level);
            edges_before += node.successors;
        }
        first.push(edges_before);
        let mut free = first.clone();
        let mut successors = vec![0; edges as usize];
        let mut begins = self.edges.iter();
        for (after, count) in (0..).zip(&self.waits_for) {
            for before in begins.by_ref().take(*count as usize) {
                let at = &mut free[*before as usize];
                successors[*at as usize] = after;
                *at += 1;
            }
        }
        Graph {
            waits_for: self.waits_for,
            first,
            successors,
            levels,
        }
    }
}

impl<H: BuildHasher + Clone> Touch for Builder<H> {
    #[inline]
    fn own(&mut self) {
        let nonce = &mut self.accounts[self.current.source as usize].nonce;
        let before = std::mem::replace(nonce, self.current.number);
        self.wait_for(before);
    }

    #[inline]
    fn take(&mut self, asset: &Asset) {
        self.touch(self.current.source, asset, Mode::Exclusive);
    }

    #[inline]
    fn give(&mut self, destination: &PublicKey, asset: &Asset) {
        if self.accounts[self.current.destination as usize].key != *destination {
            self.current.destination = self.account(destination);
        }
        self.touch(self.current.destination, asset, Mode::Additive);
    }
}

#[inline]
fn index(length: usize) -> u32 {
    u32::try_from(length).expect("a block has fewer accesses than u32::MAX")
}
