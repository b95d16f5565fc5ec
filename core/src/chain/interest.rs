//! Whether anybody still waits for what somebody is about.

use super::sync::Arc;
use super::sync::atomic::{AtomicBool, Ordering};

/// Shared by whoever waits and whoever works; lost once and for all.
#[derive(Clone, Debug)]
pub struct Interest(Arc<AtomicBool>);

// Relaxed: nothing is handed over with it, and whoever looks too early looks again.
impl Interest {
    /// Somebody waits.
    #[must_use]
    pub fn new() -> Self {
        Interest(Arc::new(AtomicBool::new(false)))
    }

    /// Nobody waits any more.
    pub fn lose(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether nobody waits any more.
    #[must_use]
    pub fn is_lost(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

impl Default for Interest {
    fn default() -> Self {
        Interest::new()
    }
}
