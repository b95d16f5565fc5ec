//! See [`lockstep_sim::fuzz::execute_block`].
#![cfg_attr(fuzzing, no_main)]

lockstep_fuzz::target!(execute_block);
