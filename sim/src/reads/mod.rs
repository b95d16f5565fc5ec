//! Public reads of a ledger beside its whole state: questions with drawn arguments, the answers of a
//! subject, and the naive answers that they are compared with.
//!
//! [`World`](crate::world::World) is read with one public call for each kind of data, at the tip. All
//! other arguments stand here: heights below and above the tip, cells that do not exist, short pages,
//! blocks above the tip, the levels of a block's conflicts, a cache of bodies at its limits.
//! Questions and answers are plain data; [`drawn`] chooses the questions of a step, [`Recorded`]
//! answers them from the oracle's history, [`of_core`] with core's public calls.

pub mod bodies;
pub mod conflicts;
pub mod drawn;
pub mod of_core;
mod question;
mod recorded;

pub use question::{Answer, Question, TipRead};
pub use recorded::Recorded;
