//! What the benchmarks measure, prepared.
//!
//! | command | measures |
//! |---|---|
//! | `cargo bench -p lockstep-benches --bench blocks` | `add_block` by shape and size, and the stateless checks alone |
//! | `… --bench signatures` | one by one and in batches |
//! | `… --bench storage` | one transaction of the database a block, or one an entry |
//! | `… --bench codec` | encoding, decoding, identities, merkle roots |
//!
//! They are criterion's: `-- --quick`, `-- chain` and so on work. Everything is drawn from
//! [`SEED`], and nothing is prepared inside of what is timed.

pub mod entries;
pub mod prepared;

/// The seed of everything that is drawn.
pub const SEED: u64 = 1;
