//! See [`lockstep_fuzz::targets::codec`]; the memory of decoding is counted, too.
#![cfg_attr(fuzzing, no_main)]

#[path = "../src/counted.rs"]
mod counted;

lockstep_fuzz::target!(counted::codec);
