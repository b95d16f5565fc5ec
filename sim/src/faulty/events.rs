//! What of the faults is counted, so that a campaign knows which of them came true.

use crate::disk::{Call, Loss};
use crate::scenario::{Fault, Moment, Rival};

/// The name of an event, as a tally counts it.
pub type Event = &'static str;

/// The power went, in a call where one was reached.
pub(super) const fn crashed(call: Option<Call>) -> Event {
    match call {
        None => "crash: after the last call",
        Some(Call::Write) => "crash: in a write",
        Some(Call::Sync) => "crash: in a sync",
        Some(Call::SetLen) => "crash: in a change of length",
        Some(Call::Read | Call::Len | Call::Any) => "crash: in a read",
    }
}

/// The power went once more, in a call to open what the last crash left where one was reached.
pub(super) const fn crashed_again(call: Option<Call>) -> Event {
    match call {
        None => "crash: again, when it was open",
        Some(_) => "crash: again, while it was opened",
    }
}

/// What a crash took with it.
pub(super) const fn lost(loss: Loss) -> Event {
    match loss {
        Loss::Nothing => "lost: nothing",
        Loss::All => "lost: all that was not synced",
        Loss::Last => "lost: the last",
        Loss::AllButLast => "lost: all but the last",
        Loss::Lengths => "lost: changes of length",
        Loss::TornLast(_) => "lost: sectors of the last",
        Loss::Reordered(_) => "lost: some",
        Loss::Torn(_) => "lost: sectors of some",
    }
}

/// A call to the disk failed.
pub(super) const fn failed(is_full: bool, call: Call) -> Event {
    match call {
        _ if is_full => "failed: no room on the disk",
        Call::Write => "failed: a write",
        Call::Sync => "failed: a sync",
        Call::SetLen => "failed: a change of length",
        Call::Read | Call::Len | Call::Any => "failed: a read of the disk",
    }
}

/// What came through the storage, or between the steps of adding a block.
pub(super) fn happened(fault: &Fault) -> Vec<Event> {
    match fault {
        Fault::ReadFails { .. } => vec!["failed: a read of the ledger"],
        Fault::Panic {
            persists: false, ..
        } => vec!["panic: once"],
        Fault::Panic { persists: true, .. } => vec!["panic: every time"],
        Fault::Cancel(Moment::Step(_)) => vec!["cancelled: before a step"],
        Fault::Cancel(Moment::Read(_)) => vec!["cancelled: future dropped during a read"],
        Fault::Rival(moment, rival) => vec![
            match moment {
                Moment::Step(_) => "rival: before a step",
                Moment::Read(_) => "rival: during a read",
            },
            match rival {
                Rival::Rewind(_) => "rival: rewinds",
                Rival::SameBlock => "rival: adds the same block",
                Rival::OtherBlock => "rival: adds another block",
                Rival::Reader => "rival: reads",
                Rival::Close => "rival: closes",
            },
        ],
        // The disk tells of these, and a template of the last.
        Fault::Crash { .. }
        | Fault::DiskFails { .. }
        | Fault::DiskFull { .. }
        | Fault::Clock { .. } => Vec::new(),
    }
}
