//! Blocks on several workers: the serial result, to the byte.
//!
//! The stateless checks and the loading of cells are spread over the workers, in pieces, whatever
//! the conflicts; they are most of a signed block. The stateful part runs in block order where it is
//! cheap, one piece behind the other beside the checks of later ones (`pipeline`), or over the graph
//! of conflicts where it is not ([`run`]), on state that all workers share ([`ParallelChainState`]).
//! Both go through the one [`transition`](crate::transition::transition).

mod executor;
mod pipeline;
mod run;
mod spread;
mod state;

pub use crate::executor::Checked;
pub use executor::{BatchError, ParallelExecutor};
pub(crate) use run::message;
pub use run::{Stopped, run};
pub(crate) use spread::Spread;
pub use state::ParallelChainState;

#[cfg(test)]
mod tests;
