//! Writes what the simulator draws for a target, to begin a corpus with:
//! `cargo run -p lockstep-fuzz --example seeds -- TARGET COUNT FOLDER`.

use std::fs;
use std::path::Path;
use std::process;

use lockstep_fuzz::targets::{TARGETS, seed};
use lockstep_harness::exit::ExitCode;

fn main() -> process::ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [target, count, folder] = &words[..] else {
        let targets = TARGETS.map(|(name, _)| name).join(", ");
        eprintln!("Name a target ({targets}), how many inputs, and a folder for them.");
        return ExitCode::Usage.into();
    };
    let Ok(count) = count.parse() else {
        eprintln!("{count} is no number of inputs.");
        return ExitCode::Usage.into();
    };
    if let Err(reason) = write(target, count, Path::new(folder)) {
        eprintln!("{reason}");
        return ExitCode::Infrastructure.into();
    }
    println!("{folder}: {count} inputs for {target}");
    ExitCode::Passed.into()
}

fn write(target: &str, count: u64, folder: &Path) -> Result<(), String> {
    let describe = |error| format!("{}: {error}", folder.display());
    fs::create_dir_all(folder).map_err(describe)?;
    for number in 0..count {
        let seed = seed(target, number).ok_or_else(|| format!("{target} is no target"))?;
        fs::write(folder.join(format!("seed-{number:04}")), seed).map_err(describe)?;
    }
    Ok(())
}
