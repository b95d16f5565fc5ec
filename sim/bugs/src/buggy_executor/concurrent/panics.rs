//! A planned panic in a chosen transaction.

use std::sync::{Mutex, PoisonError};

use lockstep_core::model::Block;
use lockstep_sim::scenario::Fault;

/// Returns the transaction of this block in which a fault panics, and whether at every try.
pub(super) fn planned(fault: Fault, block: &Block) -> Option<(usize, bool)> {
    let Fault::Panic {
        transaction,
        persists,
    } = fault
    else {
        return None;
    };
    let index = transaction.checked_rem(block.transactions.len() as u64)?;
    let index = usize::try_from(index).expect("what is below a length is a usize");
    Some((index, persists))
}

/// A panic that is planned, and whether it has happened.
#[derive(Debug)]
pub(super) struct Panics {
    plan: Option<(usize, bool)>,
    has_happened: Mutex<bool>,
}

impl Panics {
    /// Plans a panic in the transaction of this index, at every execution if the flag is set, or none.
    pub(super) const fn planned(plan: Option<(usize, bool)>) -> Self {
        Panics {
            plan,
            has_happened: Mutex::new(false),
        }
    }

    /// Returns the message of the panic of this transaction: one that is planned for it, and that persists or
    /// has not happened yet.
    pub(super) fn meet(&self, transaction: usize) -> Option<String> {
        let (planned, persists) = self.plan?;
        if planned != transaction {
            return None;
        }
        let mut has_happened = self.locked();
        let is_now = persists || !*has_happened;
        *has_happened = true;
        drop(has_happened);
        is_now.then(|| "the panic that was planned".to_owned())
    }

    pub(super) fn have_happened(&self) -> bool {
        *self.locked()
    }

    fn locked(&self) -> std::sync::MutexGuard<'_, bool> {
        self.has_happened
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}
