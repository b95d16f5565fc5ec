//! What goes wrong in a run, as plain data.
//!
//! Where it happens is a number of calls, reads or questions, so that a file means the same after
//! every change of this program. A number that is never reached is a fault that does not happen,
//! and a run with it is as good as one without.

use serde::{Deserialize, Serialize};

use crate::disk::{Call, Loss};

/// Something that goes wrong during the next block, rewind or opening.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Fault {
    /// The power goes in a call to the disk, or at the end of the step where there are fewer calls.
    Crash {
        /// In which call, counted from 0.
        at: u64,
        /// What is lost.
        loss: Loss,
    },
    /// Calls to the disk fail.
    DiskFails {
        /// Which kind of call; only calls of it are counted.
        call: Call,
        /// The first that fails, counted from 0.
        at: u64,
        /// How many fail one after another.
        count: u64,
    },
    /// The disk has no room after so many writes.
    DiskFull {
        /// So many writes have room.
        after: u64,
    },
    /// The storage fails to read, once.
    ReadFails {
        /// Which read of the ledger, counted from 0.
        at: u64,
    },
    /// The execution of a block panics when it reads what the source of a transaction has.
    Panic {
        /// Which transaction, counted from 0; again from there at the end of the block.
        transaction: u64,
        /// Whether it panics every time, and not only the first.
        persists: bool,
    },
    /// Whoever adds a block loses interest.
    Cancel(InjectionPoint),
    /// Somebody else wants to write, or to read, while a block is added.
    #[serde(alias = "Rival")]
    ConcurrentRequest(InjectionPoint, ConcurrentRequest),
    /// The transactions of the block first make a template, whose header comes back alone so much
    /// later by the clock, in milliseconds; earlier where it is negative.
    Clock {
        /// By how much the clock jumps in between.
        jump_ms: i64,
    },
}

/// A moment while a block is added.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum InjectionPoint {
    /// Before a step of it, when no lock is held but the permit to write. Counted from 0; the last
    /// is before the commit.
    Step(u64),
    /// During a read of the ledger, counted from 0.
    Read(u64),
}

/// What somebody else wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum ConcurrentRequest {
    /// To undo so many blocks of those before this one, and this one.
    Rewind(u64),
    /// To add the same block.
    SameBlock,
    /// To add another block on the same tip, without a transaction.
    OtherBlock,
    /// To read everything.
    Reader,
    /// To close the ledger: who owns it lets go of it, and it is opened again afterwards.
    Close,
}
