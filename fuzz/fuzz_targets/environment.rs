//! See [`lockstep_fuzz::targets::environment`].
#![cfg_attr(fuzzing, no_main)]

lockstep_fuzz::target!(environment);
