//! See [`lockstep_fuzz::targets::merkle`].
#![cfg_attr(fuzzing, no_main)]

lockstep_fuzz::target!(merkle);
