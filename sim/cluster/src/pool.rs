//! The block pool of a node, and its fork choice.
//!
//! Core knows one chain, so this is outside of it: the longest branch wins, and of several the one whose
//! last block has the smallest hash. The pool looks only at the links between blocks; the ledger decides
//! whether a block is valid, and a block that it refuses is forgotten, its bytes remembered as refused.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use lockstep_core::codec;
use lockstep_core::model::{Block, Hash};

use super::tree::of_bytes;

/// The blocks that a node has received.
pub(super) struct Pool {
    genesis: Hash,
    held: BTreeMap<Hash, Held>,
    /// Hashes of the bytes of blocks that the ledger refused.
    refused: BTreeSet<Hash>,
}

/// A block, decoded and as it was sent.
#[derive(Clone)]
pub(super) struct Held {
    pub(super) block: Arc<Block>,
    pub(super) bytes: Arc<[u8]>,
}

/// The result of offering bytes to a pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Heard {
    /// They decode to no block.
    Unreadable,
    /// The block is known, or was refused before.
    Before,
    /// The block is new.
    New {
        /// Hash of its parent.
        parent: Hash,
        /// True if the parent is not known.
        is_orphan: bool,
    },
}

/// The next step of a node towards the best branch that it knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// None: it is at its tip.
    Nothing,
    /// Add this block to the tip.
    Add(Hash),
    /// Rewind to this block or the genesis, by this number of blocks.
    Rewind(Hash, u64),
}

impl Pool {
    pub(super) fn new(genesis: Hash) -> Self {
        Pool {
            genesis,
            held: BTreeMap::new(),
            refused: BTreeSet::new(),
        }
    }

    /// Forgets all blocks.
    pub(super) fn clear(&mut self) {
        self.held.clear();
        self.refused.clear();
    }

    /// Decodes a block and adds it to the pool.
    pub(super) fn hear(&mut self, bytes: &Arc<[u8]>) -> Heard {
        if self.refused.contains(&of_bytes(bytes)) {
            return Heard::Before;
        }
        let Ok(block) = codec::decode_block(bytes, u64::MAX) else {
            return Heard::Unreadable;
        };
        let hash = codec::block_hash(&block.header);
        if self.has(hash) {
            return Heard::Before;
        }
        let parent = block.header.parent;
        let is_orphan = !self.has(parent);
        self.held.insert(
            hash,
            Held {
                block: Arc::new(block),
                bytes: Arc::clone(bytes),
            },
        );
        Heard::New { parent, is_orphan }
    }

    /// Forgets the blocks with this parent.
    pub(super) fn forget(&mut self, parent: Hash) {
        self.held
            .retain(|_, held| held.block.header.parent != parent);
    }

    /// Forgets a block that the ledger refused, and ignores the same bytes from now on.
    pub(super) fn refuse(&mut self, hash: Hash) {
        if let Some(held) = self.held.remove(&hash) {
            self.refused.insert(of_bytes(&held.bytes));
        }
    }

    pub(super) fn get(&self, hash: Hash) -> Option<&Held> {
        self.held.get(&hash)
    }

    /// True if a block is known; the genesis always is.
    pub(super) fn has(&self, hash: Hash) -> bool {
        hash == self.genesis || self.held.contains_key(&hash)
    }

    /// Returns the hashes of parents that are not known.
    pub(super) fn missing(&self) -> BTreeSet<Hash> {
        self.held
            .values()
            .map(|held| held.block.header.parent)
            .filter(|parent| !self.has(*parent))
            .collect()
    }

    /// Returns the next step from this tip, which is a known block.
    pub(super) fn next(&self, tip: Hash) -> Next {
        let wanted = self.path(self.best());
        let have = self.path(tip);
        let common = wanted
            .iter()
            .zip(&have)
            .take_while(|(one, other)| one == other)
            .count();
        if common < have.len() {
            let fork = common.checked_sub(1).map_or(self.genesis, |at| have[at]);
            return Next::Rewind(fork, (have.len() - common) as u64);
        }
        wanted
            .get(common)
            .map_or(Next::Nothing, |next| Next::Add(*next))
    }

    /// Returns the end of the longest branch from the genesis; of several the smallest hash.
    fn best(&self) -> Hash {
        let mut children: BTreeMap<Hash, Vec<Hash>> = BTreeMap::new();
        for (hash, held) in &self.held {
            children
                .entry(held.block.header.parent)
                .or_default()
                .push(*hash);
        }
        let mut best = self.genesis;
        let mut highest = vec![self.genesis];
        while let Some(smallest) = highest.iter().min() {
            best = *smallest;
            highest = highest
                .iter()
                .filter_map(|hash| children.get(hash))
                .flatten()
                .copied()
                .collect();
        }
        best
    }

    /// Returns the blocks from the one after the genesis up to this one.
    fn path(&self, tip: Hash) -> Vec<Hash> {
        let mut path = Vec::new();
        let mut at = tip;
        while let Some(held) = self.held.get(&at) {
            path.push(at);
            at = held.block.header.parent;
        }
        path.reverse();
        path
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lockstep_core::model::{BLOCK_VERSION, Header, Height, Network, PublicKey, Timestamp};

    const GENESIS: Hash = Hash([9; 32]);

    /// A block on a parent, told from its siblings by the time, as its bytes and its hash.
    fn block(parent: Hash, time: u64) -> (Arc<[u8]>, Hash) {
        let header = Header {
            version: BLOCK_VERSION,
            network: Network::Devnet,
            height: Height(1),
            parent,
            time: Timestamp(time),
            miner: PublicKey([0; 32]),
            merkle_root: Hash::ZERO,
            count: 0,
        };
        let hash = codec::block_hash(&header);
        let block = Block {
            header,
            transactions: Vec::new(),
        };
        (codec::encode(&block).into(), hash)
    }

    #[test]
    fn a_longer_branch_is_gone_to_from_where_they_part() {
        let mut pool = Pool::new(GENESIS);
        let (shared, at_shared) = block(GENESIS, 1);
        let (ours, at_ours) = block(at_shared, 2);
        let (theirs, at_theirs) = block(at_shared, 3);
        let (longer, at_longer) = block(at_theirs, 4);
        for bytes in [&shared, &ours] {
            pool.hear(bytes);
        }
        assert_eq!(pool.next(GENESIS), Next::Add(at_shared));
        assert_eq!(pool.next(at_ours), Next::Nothing);
        // Without its parent it is no branch yet.
        assert_eq!(
            pool.hear(&longer),
            Heard::New {
                parent: at_theirs,
                is_orphan: true
            }
        );
        assert_eq!(pool.next(at_ours), Next::Nothing);
        assert_eq!(pool.missing(), BTreeSet::from([at_theirs]));
        pool.hear(&theirs);
        assert_eq!(pool.next(at_ours), Next::Rewind(at_shared, 1));
        assert_eq!(pool.next(at_shared), Next::Add(at_theirs));
        // The ledger has the last word.
        pool.refuse(at_longer);
        assert_eq!(pool.hear(&longer), Heard::Before);
        assert!(!pool.has(at_longer));
    }

    #[test]
    fn of_branches_of_one_length_every_node_prefers_the_same() {
        let blocks = [5, 6, 7].map(|time| block(GENESIS, time));
        let smallest = blocks.iter().map(|(_, hash)| *hash).min();
        for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0]] {
            let mut pool = Pool::new(GENESIS);
            for index in order {
                pool.hear(&blocks[index].0);
            }
            assert_eq!(
                pool.next(GENESIS),
                Next::Add(smallest.expect("there are three"))
            );
        }
    }

    #[test]
    fn bytes_that_are_no_block_are_nothing() {
        let mut pool = Pool::new(GENESIS);
        let bytes: Arc<[u8]> = Arc::from([1u8, 2, 3].as_slice());
        assert_eq!(pool.hear(&bytes), Heard::Unreadable);
        let (whole, _) = block(GENESIS, 1);
        assert_eq!(pool.hear(&whole[1..].into()), Heard::Unreadable);
    }
}
