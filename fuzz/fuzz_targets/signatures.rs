//! See [`lockstep_sim::fuzz::signatures`].
#![cfg_attr(fuzzing, no_main)]

lockstep_fuzz::target!(signatures);
