//! See [`lockstep_sim::fuzz::codec`].
#![cfg_attr(fuzzing, no_main)]

lockstep_fuzz::target!(codec);
