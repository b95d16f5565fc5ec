//! Faults of a run, as plain data.
//!
//! The position of a fault is a count of calls, reads or steps, so a file keeps its meaning when
//! the generator changes. A fault whose count is never reached does not happen, and the run is as
//! good as one without it.

use serde::{Deserialize, Serialize};

use crate::disk::{Call, Loss};

/// A fault during the next block, rewind or opening.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Fault {
    /// Power loss in a call to the disk, or at the end of the step if it makes fewer calls.
    Crash {
        /// Number of the call, counted from 0.
        at: u64,
        /// Loss of unsynced changes.
        loss: Loss,
    },
    /// Calls to the disk fail.
    DiskFails {
        /// Kind of call; only calls of it are counted.
        call: Call,
        /// Number of the first call that fails, counted from 0.
        at: u64,
        /// Number of consecutive calls that fail.
        count: u64,
    },
    /// The disk is full after N writes.
    DiskFull {
        /// Number of writes that still fit.
        after: u64,
    },
    /// The storage fails to read, once.
    ReadFails {
        /// Number of the read of the ledger, counted from 0.
        at: u64,
    },
    /// The execution of a block panics when it reads a cell of the source of a transaction.
    Panic {
        /// Index of the transaction, modulo the length of the block.
        transaction: u64,
        /// True if every such read panics, false if only the first does.
        persists: bool,
    },
    /// The execution of a block panics when it reads cells, once.
    PanicAtRead {
        /// Number of the read of cells, counted from 0.
        at: u64,
    },
    /// The storage panics inside the commit of a block or of a rewind, once.
    PanicInCommit {
        /// True if everything was written before the panic, false if nothing was.
        is_written: bool,
    },
    /// The caller cancels the addition of a block.
    Cancel(InjectionPoint),
    /// A second writer or a reader uses the ledger while a block is added. Files of before say
    /// `Rival`.
    #[serde(alias = "Rival")]
    ConcurrentRequest(InjectionPoint, ConcurrentRequest),
    /// A template is made of the block's transactions first, and its header comes back alone after
    /// the clock has jumped.
    Clock {
        /// Jump of the clock, in milliseconds; backwards if negative.
        jump_ms: i64,
    },
}

/// A point in the addition of a block at which a fault is injected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum InjectionPoint {
    /// Before step N, counted from 0, when no lock is held but the permit to write. The last is
    /// before the commit.
    Step(u64),
    /// During read N of the ledger, counted from 0.
    Read(u64),
}

/// The request of a second writer or a reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum ConcurrentRequest {
    /// Undo the block that is being added and N blocks before it.
    Rewind(u64),
    /// Add the same block.
    SameBlock,
    /// Add another block on the same tip, without transactions.
    OtherBlock,
    /// Read the whole ledger.
    Reader,
    /// Close the ledger: its owner drops it, and it is opened again afterwards.
    Close,
}
