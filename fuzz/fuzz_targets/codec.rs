//! See [`lockstep_sim::fuzz::codec`]; what decoding takes is counted, too.
#![cfg_attr(fuzzing, no_main)]

lockstep_fuzz::target!(lockstep_fuzz::codec);
