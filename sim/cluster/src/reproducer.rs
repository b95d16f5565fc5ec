//! Runs of several nodes as [files](lockstep_harness::reproducer): a node, a fault and a transaction
//! are a line each.

use lockstep_harness::reproducer::{LayoutError, Payload, Reproducer, lines, pretty, record};
use serde::Deserialize;

use super::scenario::NodesScenario;

/// The payload of a reproducer of the kind `cluster`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct ClusterRun {
    /// The run of several nodes.
    pub scenario: NodesScenario,
}

/// A file with a run of several nodes.
pub type NodesReproducer = Reproducer<ClusterRun>;

impl Payload for ClusterRun {
    const KIND: &'static str = "cluster";

    fn fields(&self) -> Result<Vec<(&'static str, String)>, LayoutError> {
        let scenario = &self.scenario;
        let text = record(&[
            ("genesis", pretty(&scenario.genesis, 2)?),
            ("latency_ms", scenario.latency_ms.to_string()),
            ("nodes", lines(&scenario.nodes, 0)?),
            ("blocks", lines(&scenario.blocks, 3)?),
            ("faults", lines(&scenario.faults, 0)?),
        ]);
        Ok(vec![("scenario", text)])
    }

    fn check(&self) -> Result<(), String> {
        self.scenario.check()
    }
}

impl From<NodesScenario> for ClusterRun {
    fn from(scenario: NodesScenario) -> Self {
        ClusterRun { scenario }
    }
}
