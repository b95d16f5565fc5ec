//! See [`lockstep_fuzz::targets::execute_block`].
#![cfg_attr(fuzzing, no_main)]

lockstep_fuzz::target!(execute_block);
