//! The buggy executor with threads: the same design and the same rules, with several threads as workers.
//!
//! Its source, `shared/`, is compiled over the real primitives and once more over those of each model
//! checker, as core's is. It is correct by default, and has one seeded bug on demand.

mod at_work;
mod checked;
mod injection;
mod native;
mod placing;
mod seeded_bugs;
mod triggers;
#[cfg(feature = "loom")]
#[allow(clippy::duplicate_mod, reason = "the same code, on purpose")]
pub mod under_loom;
#[cfg(feature = "shuttle")]
#[allow(clippy::duplicate_mod, reason = "the same code, on purpose")]
pub mod under_shuttle;

pub use native::{Concurrent, alone};
pub use seeded_bugs::ThreadBug;
pub use triggers::triggers;

use lockstep_sim::faulty::ConcurrentReport;
use lockstep_sim::scenario::{ConcurrentRequest, Fault};
use lockstep_sim::subject::{AtWork, SubjectError};
use lockstep_sim::world::BlockResult;

/// The result of adding a block, and of a concurrent request.
struct Added {
    result: Result<BlockResult, SubjectError>,
    concurrent: Option<ConcurrentReport>,
    at_work: AtWork,
}

/// True if this fault is a concurrent request that the buggy executor supports while it adds a block.
const fn can_be_concurrent(fault: Fault) -> bool {
    matches!(
        fault,
        Fault::ConcurrentRequest(_, ConcurrentRequest::Rewind(_) | ConcurrentRequest::Reader)
    )
}
