//! Coverage points of a cluster.

/// Name of the system under which a cluster counts its coverage points.
pub const SYSTEM: &str = "cluster";

/// Registers a coverage point of a cluster: [`lockstep_harness::point!`] with its system.
macro_rules! point {
    ($($point:tt)+) => {
        ::lockstep_harness::point!("cluster", $($point)+)
    };
}
pub(crate) use point;

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
