//! See [`lockstep_sim::fuzz::environment`].
#![cfg_attr(fuzzing, no_main)]

lockstep_fuzz::target!(environment);
