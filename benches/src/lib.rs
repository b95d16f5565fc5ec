//! Benchmarks of core: prepared ledgers and blocks, and the comparison of two candidates.
//!
//! `cargo doc --open` shows this page first, by the alphabet. The ledger begins at [`lockstep_core`], its
//! simulation at [`lockstep_sim`]; the [glossary](../lockstep_core/glossary/index.html) has the terms.
//!
//! | `cargo bench -p lockstep-benches --bench ...` | measures |
//! |---|---|
//! | `blocks` | `add_block` by pattern and size of the batch, and the stateless checks alone |
//! | `signatures` | one by one and in batches |
//! | `commit` | one transaction of the database a block, or one an entry |
//! | `codec` | encoding, decoding, identities, merkle roots |
//! | `ratios` | this against that, alternating in one run, beside a control |
//! | `breakdown` | the parts of `add_block`, by their time |
//! | `paths` | signed blocks on two workers against one thread, by pattern and size of the batch |
//! | `scaling` | signed blocks by number of workers |
//! | `scheduling` | access extraction, conflict detection: grouping, the graph, beside the review's |
//! | `unsigned` | blocks without the cost of signatures, on the path that the executor chooses |
//! | `stateful` | the stateful part alone: with a synthetic cost, from a cold file, beside the review's executor |
//! | `creation` | making the shared state and loading accounts into it |
//! | `memory` | bytes an account of the shared state |
//!
//! The first four are criterion's: `-- --quick`, `-- chain` and so on work. The others print a table,
//! with `-- --short` a smaller one in about a minute. Everything is drawn from [`SEED`], and nothing
//! is prepared inside of what is timed.
//!
//! Instructions instead of time count in `benches/instructions`; other people's schedulers stand
//! beside ours in `benches/peers`.

pub mod compare;
pub mod control;
pub mod entries;
pub mod flat;
pub mod known;
pub mod prepared;
pub mod review;
pub mod scheduling;
pub mod unsigned;
pub mod watched;
pub mod wide;

/// The seed of everything that is drawn.
pub const SEED: u64 = 1;

/// Chooses by the extent to which a benchmark is to run: `whole` for all of it (`cargo bench`), `short`
/// for a minute or so (`cargo bench ... -- --short`), `tried` for as little as shows that it runs
/// (`cargo test --benches`, where cargo gives no `--bench`).
#[must_use]
pub fn by_extent<T>(whole: T, short: T, tried: T) -> T {
    let is_given = |name: &str| std::env::args().any(|argument| argument == name);
    match (is_given("--bench"), is_given("--short")) {
        (_, true) => short,
        (true, false) => whole,
        (false, false) => tried,
    }
}
