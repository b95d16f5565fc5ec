//! The buggy executor with threads: the same shape and the same rules, executed by several threads at
//! once.
//!
//! Its source, `shared/`, is compiled once over the real primitives and once more under each
//! interleaving checker, as core's is. It is right by default, and wrong in one known way where it
//! is told to be.

mod at_work;
mod checked;
mod native;
mod panics;
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

/// What came of adding a block, and of who came meanwhile.
struct Added {
    result: Result<BlockResult, SubjectError>,
    concurrent: Option<ConcurrentReport>,
    at_work: AtWork,
}

/// Whether this is somebody who can come while the buggy executor adds a block.
const fn can_be_concurrent(fault: Fault) -> bool {
    matches!(
        fault,
        Fault::ConcurrentRequest(_, ConcurrentRequest::Rewind(_) | ConcurrentRequest::Reader)
    )
}
