//! Ctrl-C: a flag that campaigns and searches look at between two runs, and the end of the process at
//! the second.

use std::process;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use lockstep_harness::campaign::{Ended, Observer, RunId};
use lockstep_harness::exit::ExitCode;

/// Set by the first Ctrl-C. Relaxed: it says only that a search should end, and hands nothing over.
static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// Handles Ctrl-C from now on, in place of the system, which ends the process. The second one ends the
/// process, too.
pub(crate) fn listen() {
    // It fails if there is a handler already, and then this one is it.
    let _ = ctrlc::set_handler(|| {
        if INTERRUPTED.swap(true, Ordering::Relaxed) {
            process::exit(ExitCode::Interrupted.number().into());
        }
    });
}

/// True after the first Ctrl-C.
pub(crate) fn is_interrupted() -> bool {
    INTERRUPTED.load(Ordering::Relaxed)
}

/// Observer of a campaign that measures its time and ends it at Ctrl-C.
pub(crate) struct UntilInterrupted(Instant);

impl UntilInterrupted {
    /// Begins to measure, and to handle Ctrl-C.
    pub(crate) fn new() -> Self {
        listen();
        UntilInterrupted(Instant::now())
    }
}

impl<P> Observer<P> for UntilInterrupted {
    fn drawn(&mut self, _: RunId, _: &P) {}
    fn ended(&mut self, _: &P, _: &Ended) {}
    fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
    fn is_interrupted(&self) -> bool {
        is_interrupted()
    }
}
