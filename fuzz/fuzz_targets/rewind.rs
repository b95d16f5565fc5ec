//! See [`lockstep_sim::fuzz::rewind`].
#![cfg_attr(fuzzing, no_main)]

lockstep_fuzz::target!(rewind);
