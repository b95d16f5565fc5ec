//! Blocks on several workers: the serial result, to the byte.
//!
//! Two stages. The stateless checks are spread over the workers whatever the conflicts; they are
//! most of a signed block. The stateful part runs in block order where it is cheap, or over the
//! graph of conflicts where it is not ([`run`]), on state that all workers share
//! ([`ParallelChainState`]). Both go through the one [`transition`](crate::transition::transition).

mod executor;
mod run;
mod state;

pub use executor::{BatchError, ParallelExecutor};
pub(crate) use run::message;
pub use run::{Stopped, run};
pub use state::ParallelChainState;
