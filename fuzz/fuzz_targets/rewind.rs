//! See [`lockstep_fuzz::targets::rewind`].
#![cfg_attr(fuzzing, no_main)]

lockstep_fuzz::target!(rewind);
