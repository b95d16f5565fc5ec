//! See [`lockstep_sim::fuzz::merkle`].
#![cfg_attr(fuzzing, no_main)]

lockstep_fuzz::target!(merkle);
