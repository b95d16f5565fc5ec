//! Recording of the calls of one operation, from which every crash of it is computed.
//!
//! redb makes the same calls each time, so a crash in call k leaves what the calls before it and
//! the loss make of the disk: the operation is executed once, not once a crash.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::loss::{self, Survivor};
use super::{Call, Change, Image, Loss};

/// Content of a disk, and every call since.
#[derive(Clone, Debug, Default)]
pub struct Recording {
    durable: Vec<u8>,
    pending: Vec<Change>,
    calls: Vec<(Call, Option<Change>)>,
}

/// A crash in one call, or after the last one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CrashPoint {
    /// Number of the call, counted from 0; the number of calls for a crash after the last one.
    pub at: u64,
    /// Kind of the call; `None` after the last one.
    pub call: Option<Call>,
    /// Loss of unsynced changes.
    pub loss: Loss,
}

impl fmt::Display for CrashPoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let CrashPoint { at, call, loss } = self;
        match call {
            Some(call) => write!(f, "power loss in call {at} ({call}), losing {loss}"),
            None => write!(f, "power loss after {at} calls, losing {loss}"),
        }
    }
}

impl Recording {
    pub(super) fn from(durable: Vec<u8>, pending: Vec<Change>) -> Self {
        Recording {
            durable,
            pending,
            calls: Vec::new(),
        }
    }

    pub(super) fn push(&mut self, call: Call, change: Option<Change>) {
        self.calls.push((call, change));
    }

    /// Returns the number of calls.
    #[must_use]
    pub fn calls(&self) -> u64 {
        self.calls.len() as u64
    }

    /// Returns the number of calls of each kind.
    #[must_use]
    pub fn of_kind(&self) -> BTreeMap<Call, u64> {
        let mut number = BTreeMap::new();
        for (call, _) in &self.calls {
            *number.entry(*call).or_default() += 1;
        }
        number
    }

    /// Visits each distinct image that a crash in any call, or after the last one, leaves with any
    /// of these losses, in the order of calls and then of losses.
    ///
    /// # Errors
    ///
    /// The first error that `visit` returns.
    pub fn each_crash<E>(
        self,
        losses: &[Loss],
        mut visit: impl FnMut(CrashPoint, Image) -> Result<(), E>,
    ) -> Result<(), E> {
        let Recording {
            mut durable,
            mut pending,
            calls,
        } = self;
        let mut seen: BTreeSet<Vec<Survivor>> = BTreeSet::new();
        let ends = calls.into_iter().map(Some).chain([None]).zip(0u64..);
        for (call, at) in ends {
            let (call, change) = match call {
                Some((call, change)) => (Some(call), change),
                None => (None, None),
            };
            pending.extend(change);
            for loss in losses {
                let survivors = loss::survivors(&pending, *loss);
                if seen.insert(survivors.clone()) {
                    let image = loss::image(&durable, &pending, &survivors);
                    let loss = *loss;
                    visit(CrashPoint { at, call, loss }, image)?;
                }
            }
            if call == Some(Call::Sync) {
                for change in pending.drain(..) {
                    change.apply(&mut durable);
                }
                // All pending changes are durable now: equal survivors leave another image.
                seen.clear();
            }
        }
        Ok(())
    }
}
