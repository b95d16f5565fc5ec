//! See [`lockstep_sim::fuzz::specimen`].
#![cfg_attr(fuzzing, no_main)]

lockstep_fuzz::target!(specimen);
