//! See [`lockstep_fuzz::targets::signatures`].
#![cfg_attr(fuzzing, no_main)]

lockstep_fuzz::target!(signatures);
