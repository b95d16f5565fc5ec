//! What every target of this package is made of.
//!
//! The targets themselves are functions of `lockstep_sim::fuzz`; here they get a libFuzzer or an
//! ordinary main around them, and the decoders an allocator that counts.

use std::fs;
use std::path::Path;
use std::process::ExitCode;

#[cfg(fuzzing)]
pub use libfuzzer_sys;

/// The program of a target: under cargo-fuzz libFuzzer calls it, otherwise it calls the target with
/// each of the files that are named on the command line.
#[macro_export]
macro_rules! target {
    ($name:ident) => {
        $crate::target!(lockstep_sim::fuzz::$name);
    };
    ($target:path) => {
        #[cfg(fuzzing)]
        $crate::libfuzzer_sys::fuzz_target!(|data: &[u8]| $target(data));

        #[cfg(not(fuzzing))]
        fn main() -> std::process::ExitCode {
            $crate::replay($target)
        }
    };
}

/// The target of this name, and [`is_decoded_within_its_due`].
///
/// # Panics
///
/// On a finding.
pub fn codec(data: &[u8]) {
    is_decoded_within_its_due(data, lockstep_sim::fuzz::decoded);
    lockstep_sim::fuzz::codec(data);
}

/// Says whether an input of [`codec`] decodes. Whatever lengths it claims, that takes a small
/// multiple of its own length, and what borsh takes before it has seen the bytes of a list.
///
/// # Panics
///
/// Where it takes more memory than that.
pub fn is_decoded_within_its_due(data: &[u8], decoded: impl FnOnce(&[u8]) -> bool) -> bool {
    const BYTES_FOR_EACH: u64 = 16;
    const BYTES_BESIDE: u64 = 16 << 10;
    let mut is_decoded = false;
    let memory = allocation_counter::measure(|| is_decoded = decoded(data));
    assert!(
        memory.bytes_max <= BYTES_BESIDE + BYTES_FOR_EACH * data.len() as u64,
        "{} bytes of memory are taken for {} of input",
        memory.bytes_max,
        data.len()
    );
    is_decoded
}

/// Calls a target with the bytes of each file that the command line names.
///
/// Exits with 2 where none is named, and with 20 where one cannot be read.
///
/// # Panics
///
/// Where the target does.
#[must_use]
pub fn replay(target: fn(&[u8])) -> ExitCode {
    let files: Vec<_> = std::env::args_os().skip(1).collect();
    if files.is_empty() {
        eprintln!("Name the inputs to replay. To look for new ones: see fuzz/README.md.");
        return ExitCode::from(2);
    }
    for file in files {
        match fs::read(&file) {
            Ok(bytes) => target(&bytes),
            Err(error) => {
                eprintln!("{}: {error}", Path::new(&file).display());
                return ExitCode::from(20);
            }
        }
        println!("{}: no finding", Path::new(&file).display());
    }
    ExitCode::SUCCESS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[should_panic(expected = "1048576 bytes of memory are taken for 5 of input")]
    fn a_decoder_that_believes_a_length_is_found() {
        let claims_a_million = b"r\0\0\x10\0";
        assert!(!is_decoded_within_its_due(claims_a_million, |data| {
            let length = u32::from_le_bytes([data[1], data[2], data[3], data[4]]);
            let list: Vec<u8> = Vec::with_capacity(length as usize);
            std::hint::black_box(list).len() == length as usize
        }));
    }
}
