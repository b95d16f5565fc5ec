//! Coverage points of faults: the faults that really happened in a run.

use crate::disk::{Call, Loss};
use lockstep_harness::coverage::Point;

use crate::coverage::point;
use crate::scenario::{ConcurrentRequest, Fault, InjectionPoint};

/// The coverage point of an event.
pub type Event = &'static Point;

/// Coverage point of a power loss: in this call, or after the last one.
pub(super) fn crashed(call: Option<Call>) -> Event {
    match call {
        None => point!("crash: after the last call", in ["crash"]),
        Some(Call::Write) => point!("crash: in a write", in ["crash"]),
        Some(Call::Sync) => point!("crash: in a sync", rare, in ["crash"]),
        Some(Call::SetLen) => point!("crash: in a change of length", rare),
        Some(Call::Read | Call::Len | Call::Any) => point!("crash: in a read", rare),
    }
}

/// Coverage point of a second power loss: in a call that opens what the first one left, or after.
pub(super) fn crashed_again(call: Option<Call>) -> Event {
    match call {
        None => point!("crash: second after opening", rare),
        Some(_) => point!("crash: second while opening", in ["crash"]),
    }
}

/// Coverage point of the loss of a crash.
pub(super) fn lost(loss: Loss) -> Event {
    match loss {
        Loss::Nothing => point!("lost: nothing", rare),
        Loss::All => point!("lost: all unsynced writes", rare),
        Loss::Last => point!("lost: last write", rare),
        Loss::AllButLast => point!("lost: all but the last write", rare),
        Loss::Lengths => point!("lost: changes of length", rare),
        Loss::TornLast(_) => point!("lost: sectors of the last write", rare),
        Loss::Reordered(_) => point!("lost: random writes", rare),
        Loss::Torn(_) => point!("lost: random sectors", rare, in ["crash"]),
    }
}

/// Coverage point of a failed call to the disk.
pub(super) fn failed(is_full: bool, call: Call) -> Event {
    match call {
        _ if is_full => point!("failed: full disk"),
        Call::Write => point!("failed: write"),
        Call::Sync => point!("failed: sync", rare),
        Call::SetLen => point!("failed: change of length", rare),
        Call::Read | Call::Len | Call::Any => point!("failed: read of the disk", rare),
    }
}

/// Returns the coverage points of a fault injected through the storage or between the steps of
/// adding a block.
#[must_use]
pub fn happened(fault: &Fault) -> Vec<Event> {
    match fault {
        Fault::ReadFails { .. } => vec![point!("failed: read of the ledger")],
        Fault::Panic {
            persists: false, ..
        } => vec![point!("panic: once")],
        Fault::Panic { persists: true, .. } => vec![point!("panic: every time")],
        Fault::PanicAtRead { .. } => vec![point!("panic: at a read of cells", rare, in ["turns"])],
        Fault::PanicInCommit { is_written } => vec![match is_written {
            false => point!("panic: in a commit before it is written", rare, in ["turns"]),
            true => point!("panic: in a commit after it is written", rare, in ["turns"]),
        }],
        Fault::Cancel(InjectionPoint::Step(_)) => vec![point!("cancelled: before a step")],
        Fault::Cancel(InjectionPoint::Read(_)) => {
            vec![point!("cancelled: future dropped during a read")]
        }
        Fault::ConcurrentRequest(point, request) => vec![
            match point {
                InjectionPoint::Step(_) => point!("concurrent: before a step"),
                InjectionPoint::Read(_) => point!("concurrent: during a read"),
            },
            match request {
                ConcurrentRequest::Rewind(_) => point!("concurrent: rewinds", rare),
                ConcurrentRequest::SameBlock => point!("concurrent: adds the same block", rare),
                ConcurrentRequest::OtherBlock => point!("concurrent: adds another block", rare),
                ConcurrentRequest::Reader => point!("concurrent: reads", rare),
                ConcurrentRequest::Close => point!("concurrent: closes", rare),
            },
        ],
        // Counted by the disk, and the last by the trial.
        Fault::Crash { .. }
        | Fault::DiskFails { .. }
        | Fault::DiskFull { .. }
        | Fault::Clock { .. } => Vec::new(),
    }
}
