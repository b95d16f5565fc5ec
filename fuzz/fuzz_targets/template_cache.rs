//! See [`lockstep_fuzz::targets::template_cache`].
#![cfg_attr(fuzzing, no_main)]

lockstep_fuzz::target!(template_cache);
