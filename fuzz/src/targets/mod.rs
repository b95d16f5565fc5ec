//! Targets of a fuzzer: one function each, from any bytes to a panic where something is wrong.
//!
//! They know no fuzzer: libFuzzer calls them with bytes that it makes up, `cargo test` with those
//! that are kept in `corpora/fuzz`.

mod codec;
mod environment;
mod execute_block;
mod group_by_conflicts;
mod merge_invariants;
mod merkle;
mod rewind;
mod seeds;
mod signatures;
mod template_cache;

pub use codec::{codec, decoded};
pub use environment::environment;
pub use execute_block::execute_block;
pub use group_by_conflicts::group_by_conflicts;
pub use merge_invariants::merge_invariants;
pub use merkle::merkle;
pub use rewind::rewind;
pub use seeds::seed;
pub use signatures::signatures;
pub use template_cache::template_cache;

/// A target's name and function.
pub type Target = (&'static str, fn(&[u8]));

/// Every target that looks for unknown bugs. `lockstep_bugs::fuzz_target` looks for seeded ones.
pub const TARGETS: [Target; 9] = [
    ("codec", codec),
    ("environment", environment),
    ("execute_block", execute_block),
    ("group_by_conflicts", group_by_conflicts),
    ("merge_invariants", merge_invariants),
    ("merkle", merkle),
    ("rewind", rewind),
    ("signatures", signatures),
    ("template_cache", template_cache),
];
