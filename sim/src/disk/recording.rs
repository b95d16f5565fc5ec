//! Every crash of one operation, from one execution of it.
//!
//! redb makes the same calls each time, so that a crash in call k leaves what the calls before it
//! and the loss make of the disk: the operation need not be done again for each of them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::loss::{self, Survivor};
use super::{Call, Change, Image, Loss};

/// What a disk was and every call since.
#[derive(Clone, Debug, Default)]
pub struct Recording {
    durable: Vec<u8>,
    pending: Vec<Change>,
    calls: Vec<(Call, Option<Change>)>,
}

/// A crash in one call, or after the last one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CrashPoint {
    /// In which call, counted from 0; as many as there are for after the last one.
    pub at: u64,
    /// Which kind it is; `None` after the last one.
    pub call: Option<Call>,
    /// What is lost.
    pub loss: Loss,
}

impl fmt::Display for CrashPoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let CrashPoint { at, call, loss } = self;
        match call {
            Some(call) => write!(
                f,
                "the power went in call {at}, {call:?}, and {loss:?} was lost"
            ),
            None => write!(f, "the power went after {at} calls, and {loss:?} was lost"),
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

    /// How many calls there were.
    #[must_use]
    pub fn calls(&self) -> u64 {
        self.calls.len() as u64
    }

    /// How many calls of each kind there were.
    #[must_use]
    pub fn of_kind(&self) -> BTreeMap<Call, u64> {
        let mut number = BTreeMap::new();
        for (call, _) in &self.calls {
            *number.entry(*call).or_default() += 1;
        }
        number
    }

    /// Gives each different image that a crash in any call, or after the last one, with any of these
    /// losses leaves, in the order of calls and then of losses.
    ///
    /// # Errors
    ///
    /// As soon as `visit` gives one.
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
                // Everything that was pending is durable now: what is left is another set.
                seen.clear();
            }
        }
        Ok(())
    }
}
