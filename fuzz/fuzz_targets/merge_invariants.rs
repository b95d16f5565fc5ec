//! See [`lockstep_sim::fuzz::merge_invariants`].
#![cfg_attr(fuzzing, no_main)]

lockstep_fuzz::target!(merge_invariants);
