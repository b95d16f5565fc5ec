//! Admission: the checks whether a block extends the tip.

use super::Tip;
use crate::model::{BLOCK_VERSION, Block, Hash, Refusal, Rules, Transaction};
use crate::side_by_side::SideBySide;
use crate::{codec, merkle};

/// Checks the claims of a block about itself against the tip and its body, in the order of
/// [`Refusal`]; returns the identities of its transactions.
pub(crate) fn admit(
    rules: &Rules,
    tip: &Tip,
    block: &Block,
    parallelism: impl SideBySide,
) -> Result<Vec<Hash>, Refusal> {
    let Block {
        header,
        transactions,
    } = block;
    if header.version != BLOCK_VERSION {
        return Err(Refusal::Version {
            expected: BLOCK_VERSION,
            got: header.version,
        });
    }
    if header.network != rules.network {
        return Err(Refusal::Network {
            expected: rules.network,
            got: header.network,
        });
    }
    let next = tip.height.next();
    if next != Some(header.height) {
        return Err(Refusal::Height {
            // After the last height no other is expected.
            expected: next.unwrap_or(tip.height),
            got: header.height,
        });
    }
    if header.parent != tip.hash {
        return Err(Refusal::Parent {
            expected: tip.hash,
            got: header.parent,
        });
    }
    if header.time < tip.time {
        return Err(Refusal::Time {
            parent: tip.time,
            got: header.time,
        });
    }
    if usize::from(header.count) != transactions.len() {
        return Err(Refusal::Count {
            header: header.count,
            body: transactions.len() as u64,
        });
    }
    let bytes = codec::encoded_len(block);
    if bytes > rules.max_block_bytes {
        return Err(Refusal::Size {
            limit: rules.max_block_bytes,
            got: bytes,
        });
    }
    let pieces: Vec<&[Transaction]> = transactions.chunks(merkle::SUBTREE).collect();
    let done = parallelism.map(&pieces, |piece| {
        let ids: Vec<Hash> = piece.iter().map(codec::transaction_id).collect();
        (merkle::root(&ids), ids)
    });
    let (roots, ids): (Vec<Hash>, Vec<Vec<Hash>>) = done.into_iter().unzip();
    let root = merkle::root_of_subtrees(roots);
    if header.merkle_root != root {
        return Err(Refusal::MerkleRoot {
            header: header.merkle_root,
            body: root,
        });
    }
    Ok(ids.concat())
}
