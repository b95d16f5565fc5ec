//! See [`lockstep_fuzz::targets::merge_invariants`].
#![cfg_attr(fuzzing, no_main)]

lockstep_fuzz::target!(merge_invariants);
