//! Coverage points of a cluster.

use lockstep_core::model::{Block, Payload};
use lockstep_harness::coverage::Coverage;

use super::scenario::NodeRecipe;

/// Name of the system under which a cluster counts its coverage points.
pub const SYSTEM: &str = "cluster";

/// Registers a coverage point of a cluster: [`lockstep_harness::point!`] with its system.
macro_rules! point {
    ($($point:tt)+) => {
        ::lockstep_harness::point!("cluster", $($point)+)
    };
}
pub(crate) use point;

/// Counts the sizes of a block that a node added.
pub(super) fn count_block(coverage: &mut Coverage, block: &Block) {
    if block.header.height.0 > 64 {
        coverage.count(point!("tail: more than 64 blocks"));
    }
    if block.transactions.len() > 255 {
        coverage.count(point!("tail: more than 255 transactions in a block"));
    }
    let participants = block
        .transactions
        .iter()
        .map(|transaction| match &transaction.payload {
            Payload::Multisig(multisig) => multisig.participants.len(),
            _ => 0,
        });
    if participants.max() > Some(64) {
        coverage.count(point!("tail: more than 64 participants"));
    }
}

/// Counts the sizes of the nodes.
pub(super) fn count_nodes(coverage: &mut Coverage, nodes: &[NodeRecipe]) {
    if nodes.len() > 7 {
        coverage.count(point!("tail: more than 7 nodes"));
    }
    // A campaign may have another number for all.
    if nodes.iter().any(|node| node.workers > 15) {
        coverage.count(point!("tail: more than 15 workers", rare));
    }
}

/// Returns the first digits of a hash, for a line of the trace.
pub(super) fn short(hash: &[u8; 32]) -> String {
    hex::encode(&hash[..8])
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use lockstep_harness::coverage;

    #[test]
    fn every_point_that_a_line_counts_is_linked_and_stands_nowhere_else() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let objections = coverage::objections(super::SYSTEM, &folder);
        assert_eq!(
            objections.expect("the sources can be read"),
            Vec::<String>::new()
        );
        let of_cluster = coverage::registered().filter(|point| point.system == super::SYSTEM);
        assert!(of_cluster.count() > 35);
    }
}
