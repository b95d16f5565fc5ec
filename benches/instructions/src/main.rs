//! Counts the instructions of core's hot functions under valgrind and compares them with the
//! committed baseline: a regression shows on a machine on which no clock can be trusted.
//!
//! ```sh
//! cargo run --release -p lockstep-instructions                # count and compare
//! cargo run --release -p lockstep-instructions -- --write     # write what was counted as the baseline
//! cargo run --release -p lockstep-instructions -- --caches    # cache misses too, compared with nothing
//! ```
//!
//! Takes half a minute. Exit codes: 0 within the limit; 1 more or fewer instructions than that, or
//! something is counted that the baseline does not have; 2 usage; 20 nothing was compared, because
//! there is no valgrind (`apt-get install valgrind`), or compiler, valgrind, C library or processor are
//! not those of the baseline.
//!
//! Not with gungraun: its baselines are callgrind's own files below `target`, which are not committed, and
//! its runner is a second program to be installed in the very version of the library. All that has to be
//! done without it is to start `valgrind` once and to read two lines of its output for each function.
//!
//! The program starts itself under callgrind, which counts only inside of `counted` and
//! writes what it has after each call. Threads would be counted one after another: everything here
//! runs on one.

mod baseline;
mod counted;
mod error;
mod functions;
mod inputs;
mod machine;
mod valgrind;

use std::path::Path;
use std::process::ExitCode;

use baseline::{Baseline, Comparison};
use error::Error;
use valgrind::Caches;

/// File of the baseline.
const BASELINE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/baseline.txt");

/// Largest difference of a count, in percent. It repeats to a tenth of one; what the compiler makes
/// of the same source, where something else in the same crate has changed, differs by more.
const LIMIT_PERCENT: f64 = 3.0;

/// Exit code as in the other programs: the machine has failed, not the code under test.
const NOTHING_COMPARED: u8 = 20;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    if cfg!(debug_assertions) {
        eprintln!("this build is not optimised and its counts mean nothing: use --release");
        return ExitCode::from(2);
    }
    let done = match arguments[..] {
        [] => compare(Path::new(BASELINE)),
        ["--write"] => write(Path::new(BASELINE)),
        ["--caches"] => caches(),
        [valgrind::COUNTED] => {
            functions::call_all();
            Ok(ExitCode::SUCCESS)
        }
        _ => {
            eprintln!("usage: lockstep-instructions [--write | --caches]");
            Ok(ExitCode::from(2))
        }
    };
    done.unwrap_or_else(|error| {
        eprintln!("error: {error}");
        NOTHING_COMPARED.into()
    })
}

fn compare(path: &Path) -> Result<ExitCode, Error> {
    let baseline = std::fs::read_to_string(path)
        .map_err(|error| Error::file(path, &error))
        .and_then(|text| {
            Baseline::parse(&text).map_err(|reason| Error::Baseline {
                path: path.display().to_string(),
                reason,
            })
        })?;
    let now = valgrind::count(Caches::No)?.baseline();
    alarm_rings(&now);
    print!("{}", baseline.table(&now));
    Ok(match baseline.compare(&now, LIMIT_PERCENT) {
        Comparison::Same => {
            println!("\nwithin {LIMIT_PERCENT} % of the baseline");
            ExitCode::SUCCESS
        }
        Comparison::NotComparable(why) => {
            println!("\nnot comparable: these are not the machine and tools of the baseline");
            for difference in why {
                println!("  {difference}");
            }
            println!("  count the commit before here (-- --write) and compare with that");
            NOTHING_COMPARED.into()
        }
        Comparison::Differs(differences) => {
            println!("\nDIFFERS by more than {LIMIT_PERCENT} % from the baseline");
            for difference in differences {
                println!("  {difference}");
            }
            println!("  if that is intended, write the baseline anew: -- --write");
            ExitCode::from(1)
        }
    })
}

/// Checks that counting and comparing sees the 4 % by which one of two loops is longer.
///
/// # Panics
///
/// If it is not seen.
fn alarm_rings(now: &Baseline) {
    let (shorter, longer) = now.canaries();
    let found = shorter.compare(&longer, LIMIT_PERCENT);
    assert!(
        matches!(found, Comparison::Differs(_)),
        "a loop that is 4 % longer is seen: {shorter:?} {longer:?}"
    );
}

fn write(path: &Path) -> Result<ExitCode, Error> {
    let now = valgrind::count(Caches::No)?.baseline();
    alarm_rings(&now);
    std::fs::write(path, now.to_string()).map_err(|error| Error::file(path, &error))?;
    println!("written to {}", path.display());
    Ok(ExitCode::SUCCESS)
}

fn caches() -> Result<ExitCode, Error> {
    let counts = valgrind::count(Caches::Simulated)?;
    println!(
        "an item, with {}\n\n{:<44} {:>14} {:>10} {:>10}",
        valgrind::SIMULATED,
        "function",
        "instructions",
        "D1 misses",
        "LL misses"
    );
    for row in &counts.rows {
        let an_item = |count: u64| count as f64 / row.items as f64;
        println!(
            "{:<44} {:>14.1} {:>10.2} {:>10.2}",
            row.name,
            an_item(row.instructions),
            an_item(row.d1_misses),
            an_item(row.ll_misses)
        );
    }
    Ok(ExitCode::SUCCESS)
}
