//! What the benchmarks measure, prepared, and how two things are compared.
//!
//! | command | measures |
//! |---|---|
//! | `cargo bench -p lockstep-benches --bench blocks` | `add_block` by shape and size, and the stateless checks alone |
//! | `… --bench signatures` | one by one and in batches |
//! | `… --bench storage` | one transaction of the database a block, or one an entry |
//! | `… --bench codec` | encoding, decoding, identities, merkle roots |
//! | `… --bench ratios` | this against that, alternating in one run, beside a control |
//! | `… --bench breakdown` | where the time of `add_block` goes |
//! | `… --bench paths` | signed blocks on two workers against one thread |
//! | `… --bench stateful` | the stateful part alone: with a synthetic cost, from a cold file, beside the review's executor |
//! | `… --bench memory` | bytes an account of the shared state |
//!
//! The first four are criterion's: `-- --quick`, `-- chain` and so on work. Everything is drawn from
//! [`SEED`], and nothing is prepared inside of what is timed.

pub mod compare;
pub mod control;
pub mod entries;
pub mod flat;
pub mod prepared;
pub mod review;
pub mod watched;

/// The seed of everything that is drawn.
pub const SEED: u64 = 1;

/// Whether to measure. Otherwise a benchmark is only run, as `cargo test --benches` does: cargo
/// tells the two apart by an argument.
#[must_use]
pub fn is_measured() -> bool {
    std::env::args().any(|argument| argument == "--bench")
}
