//! The program `lockstep-evm`.

use std::path::PathBuf;
use std::process::ExitCode;

use lockstep_evm::official;

const HELP: &str = "\
Execute blocks of Ethereum with revm in order and with contenders, and compare

Usage: lockstep-evm COMMAND

Commands:
  official  Execute the official Ethereum tests of whole chains

Options:
  --tests DIR   Read the tests of this folder [official; env: LOCKSTEP_ETHEREUM_TESTS]

Exit codes: 0 all as expected, 2 wrong usage or unreadable input, 10 a difference, 15 nothing executed
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let code = match arguments.split_first() {
        Some((&"official", rest)) => official(rest),
        Some((&("help" | "--help" | "-h"), _)) => {
            print!("{HELP}");
            Ok(0)
        }
        _ => Err(format!("name a command\n\n{HELP}")),
    };
    let code = code.unwrap_or_else(|error| {
        eprintln!("error: {error}");
        2
    });
    ExitCode::from(code)
}

/// The folder that `flag` names, or `variable`, without a default.
fn folder(arguments: &[&str], flag: &str, variable: &str) -> Result<Option<PathBuf>, String> {
    match arguments {
        [] => Ok(std::env::var_os(variable).map(PathBuf::from)),
        [name, folder] if *name == flag => Ok(Some(PathBuf::from(folder))),
        [unknown, ..] => Err(format!("{unknown}: the only option is {flag} DIR")),
    }
}

fn official(arguments: &[&str]) -> Result<u8, String> {
    const VARIABLE: &str = "LOCKSTEP_ETHEREUM_TESTS";
    let Some(folder) = folder(arguments, "--tests", VARIABLE)? else {
        println!("LEFT OUT: the official tests; name their folder with --tests or {VARIABLE}");
        return Ok(0);
    };
    let report = official::run(&folder, &[])?;
    print!("{report}");
    Ok(match (report.differences.len(), report.chains) {
        (1.., _) => 10,
        (0, 0) => 15,
        (0, _) => 0,
    })
}
