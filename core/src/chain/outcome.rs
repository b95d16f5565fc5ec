//! The outcome of an executed block: its state diff, its digest and its batch, made on workers.

use super::parallel::parallelism::Parallelism;
use crate::codec;
use crate::model::{Block, Cell, Hash, Receipt, Value};
use crate::side_by_side::SideBySide;
use crate::state::WriteSet;
use crate::storage::Batch;

/// The state diff and the digest of a block, and the batch that keeps it but for its record and the tip.
pub(super) struct BlockOutcome {
    pub(super) state_diff: Vec<(Cell, Value)>,
    pub(super) digest: Hash,
    pub(super) batch: Batch,
}

impl BlockOutcome {
    /// Makes the outcome of a block. `parent` is the digest before it.
    pub(super) fn of(
        parent: Hash,
        block: &Block,
        write_set: &WriteSet,
        receipts: &[Receipt],
        parallelism: Parallelism<'_>,
    ) -> Self {
        // Each is one thread's, the first the caller's, which commits it soon; within a part other
        // threads help only if there are more than parts.
        let parts = [Part::Newest, Part::Digest, Part::Older];
        let within = parallelism.if_more_than(parts.len());
        let made = parallelism.map(&parts, |part| match part {
            Part::Digest => {
                let state_diff: Vec<(Cell, Value)> = write_set
                    .iter()
                    .map(|(cell, (_, after))| (*cell, after.value.clone()))
                    .collect();
                let digest = codec::block_digest(parent, &state_diff, receipts);
                let mut batch = Batch::new();
                batch.put_block(block, receipts);
                (batch, Some((state_diff, digest)))
            }
            Part::Newest => (Batch::of_newest(write_set, within), None),
            Part::Older => (Batch::of_older(write_set, within), None),
        });
        let mut batch = Batch::new();
        let mut digested = None;
        for (part, said) in made {
            batch.append(part);
            digested = digested.or(said);
        }
        let (state_diff, digest) = digested.expect("it is one of the parts");
        BlockOutcome {
            state_diff,
            digest,
            batch,
        }
    }
}

enum Part {
    /// The digest of the state diff and the receipts; and the entries of the block itself.
    Digest,
    /// The versions after the block.
    Newest,
    /// The versions that it replaced.
    Older,
}
