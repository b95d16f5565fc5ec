//! See [`lockstep_bugs::fuzz_target::buggy_executor`].
#![cfg_attr(fuzzing, no_main)]

lockstep_fuzz::target!(lockstep_bugs::fuzz_target::buggy_executor);
