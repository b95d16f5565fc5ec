//! The fault that is injected into the execution of a block.

use std::sync::{Mutex, PoisonError};

use lockstep_core::model::Block;
use lockstep_sim::scenario::{Fault, InjectionPoint};
use lockstep_sim::subject::SubjectError;

/// Returns whether this fault can be injected while a block is added, and is no concurrent request.
pub(super) const fn can_be_injected(fault: Fault) -> bool {
    matches!(
        fault,
        Fault::Panic { .. } | Fault::ReadFails { .. } | Fault::Cancel(InjectionPoint::Step(_))
    )
}

/// A planned fault, and whether it has happened. It is invisible to a model checker, because the plan alone and
/// the order of what a schedule decides anyway decide when it happens.
#[derive(Debug)]
pub(super) struct Injection {
    planned: Option<Planned>,
    state: Mutex<InjectionState>,
}

#[derive(Clone, Copy, Debug)]
enum Planned {
    /// In the transaction of this index; at every execution of it if it persists.
    Panic { transaction: usize, persists: bool },
    /// The load with this number fails.
    LoadFails { at: u64 },
    /// The caller has lost interest when it asks for this time.
    Cancel { at: u64 },
}

#[derive(Debug, Default)]
struct InjectionState {
    /// Number of loads, or of questions of the caller, so far.
    counted: u64,
    has_happened: bool,
}

impl Injection {
    /// Plans no fault.
    pub(super) fn none() -> Self {
        Injection {
            planned: None,
            state: Mutex::default(),
        }
    }

    /// Plans this fault in an execution of this block, if it [can be](can_be_injected).
    pub(super) fn of(fault: Option<Fault>, block: &Block) -> Self {
        let planned = match fault {
            Some(Fault::Panic {
                transaction,
                persists,
            }) => {
                let index = transaction.checked_rem(block.transactions.len() as u64);
                index.map(|index| Planned::Panic {
                    transaction: usize::try_from(index).expect("what is below a length is a usize"),
                    persists,
                })
            }
            Some(Fault::ReadFails { at }) => Some(Planned::LoadFails { at }),
            Some(Fault::Cancel(InjectionPoint::Step(at))) => Some(Planned::Cancel { at }),
            _ => None,
        };
        Injection {
            planned,
            ..Injection::none()
        }
    }

    /// Returns the message of the panic of this transaction: one that is planned for it, and that persists or
    /// has not happened yet.
    pub(super) fn panic_of(&self, transaction: usize) -> Option<String> {
        let Some(Planned::Panic {
            transaction: planned,
            persists,
        }) = self.planned
        else {
            return None;
        };
        if planned != transaction {
            return None;
        }
        let mut state = self.locked();
        let is_now = persists || !state.has_happened;
        state.has_happened = true;
        is_now.then(|| "the panic that was planned".to_owned())
    }

    /// Counts a load from the committed state.
    ///
    /// # Errors
    ///
    /// [`SubjectError::Failed`] if it is the one that is planned to fail.
    pub(super) fn load(&self) -> Result<(), SubjectError> {
        let Some(Planned::LoadFails { at }) = self.planned else {
            return Ok(());
        };
        match self.is_at(at) {
            true => Err(SubjectError::Failed(format!(
                "injected failure of load {at}"
            ))),
            false => Ok(()),
        }
    }

    /// Asks whether the caller has lost interest, as it has from the planned time on.
    pub(super) fn is_cancelled(&self) -> bool {
        let Some(Planned::Cancel { at }) = self.planned else {
            return false;
        };
        self.is_at(at) || self.has_happened()
    }

    fn is_at(&self, at: u64) -> bool {
        let mut state = self.locked();
        let is_now = state.counted == at;
        state.counted += 1;
        state.has_happened |= is_now;
        is_now
    }

    pub(super) fn has_happened(&self) -> bool {
        self.locked().has_happened
    }

    fn locked(&self) -> std::sync::MutexGuard<'_, InjectionState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
