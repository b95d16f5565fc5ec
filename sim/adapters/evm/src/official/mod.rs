//! The official Ethereum tests of whole chains, in the format "BlockchainTests".
//!
//! Every block is executed by the reference, and compared with the gas, the roots and the bloom
//! filter that its header claims; after the last block the state is compared with `postState`.
//! Contenders execute every block on the state before it and are compared with the reference, on one
//! worker count each, and blocks of two and more transactions on all of them.

mod fixture;
mod run;

pub use fixture::{Chain, ClaimedBlock, Claims, LeftOut, chains};
pub use run::{Report, WORKERS, run};
