//! Fuzz targets, and the programs around them.
//!
//! The targets themselves are functions of [`targets`]; here they get a libFuzzer or an
//! ordinary main around them. The decoders get an allocator that counts as well, in `counted.rs`, which
//! is no part of this library: it would cost every program that links it at each allocation.

pub mod targets;

use std::fs;
use std::path::Path;

use lockstep_harness::exit::ExitCode;

#[cfg(fuzzing)]
pub use libfuzzer_sys;

/// The program of a target: under cargo-fuzz libFuzzer calls it, otherwise it calls the target with
/// each of the files that are named on the command line.
#[macro_export]
macro_rules! target {
    ($name:ident) => {
        $crate::target!($crate::targets::$name);
    };
    ($target:path) => {
        #[cfg(fuzzing)]
        $crate::libfuzzer_sys::fuzz_target!(|data: &[u8]| $target(data));

        #[cfg(not(fuzzing))]
        fn main() -> std::process::ExitCode {
            $crate::replay($target).into()
        }
    };
}

/// Calls a target with the bytes of each file that the command line names.
///
/// Exits with 2 if none is named, and with 20 if one cannot be read.
///
/// # Panics
///
/// If the target does.
#[must_use]
pub fn replay(target: fn(&[u8])) -> ExitCode {
    let files: Vec<_> = std::env::args_os().skip(1).collect();
    if files.is_empty() {
        eprintln!("Name the inputs to replay. To look for new ones: see fuzz/README.md.");
        return ExitCode::Usage;
    }
    for file in files {
        match fs::read(&file) {
            Ok(bytes) => target(&bytes),
            Err(error) => {
                eprintln!("{}: {error}", Path::new(&file).display());
                return ExitCode::Infrastructure;
            }
        }
        println!("{}: no finding", Path::new(&file).display());
    }
    ExitCode::Passed
}
