//! See [`lockstep_fuzz::targets::group_by_conflicts`].
#![cfg_attr(fuzzing, no_main)]

lockstep_fuzz::target!(group_by_conflicts);
