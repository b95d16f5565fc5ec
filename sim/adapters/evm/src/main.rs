//! The program `lockstep-evm`.

use std::path::PathBuf;
use std::process::ExitCode;

use lockstep_evm::block_stm::{BlockStm, Bug};
use lockstep_evm::cases::cases;
use lockstep_evm::{official, real, search, speed as timing};

const HELP: &str = "\
Execute blocks of Ethereum with revm in order and with contenders, and compare

Usage: lockstep-evm COMMAND

Commands:
  official  Execute the official Ethereum tests of whole chains
  blocks    Print the conflicts of blocks as nodes answer eth_getBlockByNumber
  speed     Time the Block-STM beside revm in order, on independent callers that compute much
  bugs      Search schedules that show each seeded bug of the Block-STM, and none that accuses it

Options:
  --tests DIR      Read the tests of this folder [official; env: LOCKSTEP_ETHEREUM_TESTS]
  --blocks DIR     Read the blocks of this folder [blocks; env: LOCKSTEP_ETHEREUM_BLOCKS]
  --schedules NUM  Try this many schedules a case and seed [bugs; default: 2000]

Exit codes: 0 all as expected, 2 wrong usage or unreadable input, 10 a difference, 15 nothing executed
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let code = match arguments.split_first() {
        Some((&"official", rest)) => official(rest),
        Some((&"blocks", rest)) => blocks(rest),
        Some((&"speed", [])) => speed(),
        Some((&"bugs", rest)) => bugs(rest),
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
    let report = official::run(&folder, &[&BlockStm::CORRECT])?;
    print!("{report}");
    if report.chains == 0 {
        eprintln!(
            "nothing was executed: {} has no tests of chains",
            folder.display()
        );
    }
    Ok(match (report.differences.len(), report.chains) {
        (1.., _) => 10,
        (0, 0) => 15,
        (0, _) => 0,
    })
}

/// The seeds from which the schedules of a bug are drawn.
const SEEDS: u64 = 11;

fn bugs(arguments: &[&str]) -> Result<u8, String> {
    let schedules = match arguments {
        [] => 2_000,
        ["--schedules", count] => count
            .parse()
            .map_err(|_| format!("--schedules {count}: expected a whole number"))?,
        [unknown, ..] => return Err(format!("{unknown}: the only option is --schedules NUM")),
    };
    // A worker that panics is a finding, and its message is in the table.
    std::panic::set_hook(Box::new(|_| {}));
    let cases = cases();
    let mut code = 0;
    println!("found      median  most  transactions  bug");
    for bug in Bug::ALL {
        let case = cases.iter().find(|case| case.name == bug.case());
        let case = case.ok_or_else(|| format!("there is no case {}", bug.case()))?;
        let mut needed = Vec::new();
        for seed in 0..SEEDS {
            let shown = search::first_difference(case, Some(*bug), seed, schedules);
            needed.extend(
                shown
                    .map_err(|it| it.to_string())?
                    .map(|shown| shown.schedules),
            );
        }
        needed.sort_unstable();
        let found = needed.len();
        let median = needed.get(found / 2).map_or("-".to_owned(), u64::to_string);
        let most = needed.last().map_or("-".to_owned(), u64::to_string);
        let transactions = case.block.transactions.len();
        let id = bug.id();
        println!("{found:>2} of {SEEDS}  {median:>7}  {most:>4}  {transactions:>12}  {id}");
        code = if found == 0 { 15 } else { code };
    }
    let mut executions = 0;
    for case in &cases {
        for seed in 0..SEEDS {
            let shown = search::first_difference(case, None, seed, schedules);
            executions += schedules;
            if let Some(shown) = shown.map_err(|it| it.to_string())? {
                println!(
                    "the correct one is accused on {}: {}",
                    case.name, shown.difference
                );
                code = 10;
            }
        }
    }
    println!(
        "the correct one: {executions} schedules of {} cases",
        cases.len()
    );
    Ok(code)
}

fn blocks(arguments: &[&str]) -> Result<u8, String> {
    const VARIABLE: &str = "LOCKSTEP_ETHEREUM_BLOCKS";
    let Some(folder) = folder(arguments, "--blocks", VARIABLE)? else {
        println!("LEFT OUT: real blocks; name their folder with --blocks or {VARIABLE}");
        return Ok(0);
    };
    let blocks = real::blocks(&folder)?;
    println!(
        "              transactions              | without shared contracts | with them as one cell"
    );
    println!(
        "      block    all  value  calls  creates | levels  conflict  largest | levels  conflict  largest"
    );
    for block in &blocks {
        let all = block.transactions.len();
        let (value, calls, creations) = block.kinds();
        let bounds = [false, true].map(|with_shared| {
            let found = block.conflicts(with_shared);
            let percent = |count: usize| (100 * count).checked_div(all).unwrap_or(0);
            let (levels, largest) = (found.levels, percent(found.largest));
            format!(
                "{levels:>6}  {:>7}%  {largest:>6}%",
                percent(found.conflicting)
            )
        });
        let [lower, upper] = bounds;
        let number = block.number;
        println!(
            "{number:>11}  {all:>5}  {value:>5}  {calls:>5}  {creations:>7} | {lower} | {upper}"
        );
    }
    println!("{} blocks", blocks.len());
    if blocks.is_empty() {
        eprintln!("nothing was read: {} has no blocks", folder.display());
    }
    Ok(if blocks.is_empty() { 15 } else { 0 })
}

fn speed() -> Result<u8, String> {
    const CALLERS: u16 = 200;
    const ROUNDS: usize = 11;
    println!(
        "{CALLERS} independent callers, medians of {ROUNDS} rounds; us a transaction, on the clock and"
    );
    println!("on a processor (of the busiest worker)");
    println!("hashes  workers  in order         Block-STM        times        executions");
    for hashes in [10, 100, 1_000] {
        let case = timing::independent_callers(CALLERS, hashes);
        let (in_order, timed) = timing::times(&case, &[1, 2], ROUNDS)?;
        for it in timed {
            let micros = |time: std::time::Duration| time.as_secs_f64() * 1e6 / f64::from(CALLERS);
            let (order, order_on) = (micros(in_order.elapsed), micros(in_order.on_processor));
            let (stm, stm_on) = (micros(it.times.elapsed), micros(it.times.on_processor));
            let (workers, executions) = (it.workers, it.counts.executions);
            let (ratio, ratio_on) = (order / stm, order_on / stm_on);
            println!(
                "{hashes:>6}  {workers:>7}  {order:>6.1} {order_on:>7.1}   {stm:>6.1} {stm_on:>7.1}   \
                 {ratio:>4.2} {ratio_on:>5.2}   {executions:>10}"
            );
        }
    }
    Ok(0)
}
