//! Cancellation token for one operation: set when its caller no longer waits for it.

use super::sync::Arc;
use super::sync::atomic::{AtomicBool, Ordering};

/// A flag shared by the caller of an operation and the thread that does it; never unset.
#[derive(Clone, Debug)]
pub struct CancellationToken(Arc<AtomicBool>);

// Relaxed: nothing is handed over with it, and a thread that looks too early looks again.
impl CancellationToken {
    /// Creates a token that is not cancelled.
    #[must_use]
    pub fn new() -> Self {
        CancellationToken(Arc::new(AtomicBool::new(false)))
    }

    /// Cancels the operation: it ends at its next look at the token.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Returns whether the operation is cancelled.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

impl Default for CancellationToken {
    fn default() -> Self {
        CancellationToken::new()
    }
}
