//! A Block-STM over revm, written for this harness.
//!
//! Every transaction is executed on a guess: it reads what the transactions before it have written
//! so far, from a memory that keeps one version a transaction. What it read is recorded with the
//! version that it came from. Validation reads again; where another version comes out, the
//! transaction's writes become *estimates*, on which later readers wait, and it is executed again.
//! The order of work is that of the paper: the lowest transaction that needs validation first, then the
//! lowest that needs execution. A block is done when nothing is left to do and nothing is under way.
//!
//! **Why it is right.** A transaction that passes its last validation read exactly the versions that
//! stand below it, and every version below it is final by induction: so it read what it would have
//! read in order. Whatever changes a version after a validation lowers the index of validation to the
//! transactions behind it.
//!
//! **The fee receiver** is credited by every transaction, which would make a chain of every block. A
//! transaction that does not load that account leaves an amount in place of a value. A reader sums the
//! amounts down to the next value, and depends on all of them.
//!
//! **The block's gas** is asked for when all transactions are validated: where a declared limit does
//! not fit into what is left, that transaction is rejected and those behind it are executed again, in
//! order.
//!
//! **Not covered**: one lock guards the whole scheduler, which costs speed where transactions are
//! shorter than some microseconds.
//!
//! Gelashvili, Spiegelman, Xiang et al.: Block-STM: Scaling Blockchain Execution by Turning Ordering
//! Curse to a Performance Blessing, PPoPP 2023.

mod bug;
mod changes;
mod fee;
mod memory;
mod pace;
mod run;
mod scheduler;
mod view;

pub use bug::Bug;
pub use pace::Pacing;
pub(crate) use run::on_processor_ns;
pub use run::{BlockStm, Counts};
