//! Tests of deliberate absences from the sources of core.

use std::fs;
use std::path::{Path, PathBuf};

/// The lines of a source file that are neither comments nor in a test module.
struct Source {
    /// Relative to `src`, with forward slashes.
    name: String,
    lines: Vec<(usize, String)>,
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut paths = Vec::new();
    gather(&root, &mut paths);
    paths.sort();
    assert!(paths.len() > 20, "only {} files were found", paths.len());
    paths
        .into_iter()
        .map(|path| {
            let text = fs::read_to_string(&path).expect("a source file is text");
            let name = path.strip_prefix(&root).expect("it was found below");
            let lines = text
                .lines()
                .enumerate()
                .take_while(|(_, line)| line.trim() != "#[cfg(test)]")
                .map(|(index, line)| (index + 1, line.trim().to_owned()))
                .filter(|(_, line)| !line.starts_with("//"))
                .collect();
            Source {
                name: name.to_string_lossy().replace('\\', "/"),
                lines,
            }
        })
        .collect()
}

fn gather(folder: &Path, paths: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("the sources are readable") {
        let path = entry.expect("the sources are readable").path();
        if path.is_dir() {
            gather(&path, paths);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            paths.push(path);
        }
    }
}

/// Returns every line of the files chosen that has one of these words, as `file:line: text`.
fn places(chosen: impl Fn(&str) -> bool, words: &[&str]) -> Vec<String> {
    sources()
        .into_iter()
        .filter(|source| chosen(&source.name))
        .flat_map(|Source { name, lines }| {
            lines
                .into_iter()
                .filter(|(_, line)| words.iter().any(|word| line.contains(word)))
                .map(move |(number, line)| format!("{name}:{number}: {line}"))
        })
        .collect()
}

const NOWHERE: [&str; 0] = [];

fn everywhere(_: &str) -> bool {
    true
}

#[test]
fn the_search_finds_what_is_there() {
    let found = places(|name| name == "clock.rs", &["SystemTime::now"]);
    assert_eq!(found.len(), 1);
    assert!(!places(everywhere, &["checked_add"]).is_empty());
}

/// Results of a node must not depend on its clock; code that needs the time is given one.
#[test]
fn the_time_of_day_is_read_in_the_clock_alone() {
    let found = places(|name| name != "clock.rs", &["SystemTime::now"]);
    assert_eq!(found, NOWHERE);
}

#[test]
fn time_is_measured_for_reports_alone() {
    let found = places(|name| name != "metrics.rs", &["Instant::now", ".elapsed()"]);
    assert_eq!(found, NOWHERE);
}

/// The one thing that is random by intent is the seed of the hash maps, which no result depends on.
#[test]
fn nothing_is_drawn_at_random() {
    let words = [
        "thread_rng",
        "rand::rng",
        "rand::random",
        "from_os_rng",
        "from_entropy",
        "OsRng",
        "SysRng",
        "getrandom",
    ];
    assert_eq!(places(everywhere, &words), NOWHERE);
    let seeds = places(|name| name != "config.rs", &["RandomState::new"]);
    assert_eq!(seeds, NOWHERE);
}

/// The concurrent files that add amounts up or carry them.
const SHARED_WITH_MONEY: [&str; 4] = [
    "parallel/block_executor.rs",
    "parallel/in_order.rs",
    "parallel/parallel_executor.rs",
    "parallel/parallel_state.rs",
];

/// No arithmetic on amounts saturates or wraps, casts included.
#[test]
fn arithmetic_on_money_is_checked() {
    let with_money = |name: &str| {
        name.starts_with("model/")
            || name.starts_with("transition/")
            || ["state.rs", "execution.rs", "ledger/genesis.rs"].contains(&name)
            || SHARED_WITH_MONEY.contains(&name)
    };
    let words = [
        "saturating_",
        "wrapping_",
        "overflowing_",
        "unchecked_",
        " as u64",
        " as u32",
        " as u8",
        "unwrap_or(Amount",
        "unwrap_or(u64::MAX)",
    ];
    assert_eq!(places(with_money, &words), NOWHERE);
}

/// The amount of an `Amount` is added and subtracted by its own methods.
#[test]
fn no_amount_is_opened_to_be_calculated_with() {
    let words = [".0 +", ".0 -", ".0 *", ".0 /", ".0 += ", ".0 -= "];
    let found = places(
        |name| {
            name.starts_with("transition/")
                || ["state.rs", "execution.rs", "ledger/genesis.rs"].contains(&name)
                || SHARED_WITH_MONEY.contains(&name)
        },
        &words,
    );
    assert_eq!(found, NOWHERE);
}

#[test]
fn nothing_is_printed() {
    let words = ["println!", "print!", "eprint!", "dbg!"];
    assert_eq!(places(everywhere, &words), NOWHERE);
}

/// A node decides what a library of it reads: `with_environment` is given the lookup.
#[test]
fn the_environment_is_not_read() {
    let words = ["env::var(", "env::var_os(", "env::vars", "env::args"];
    assert_eq!(places(everywhere, &words), NOWHERE);
}

/// Its order is another in every process; maps that are walked are ordered ones. The one hash map
/// that is allowed is given its hasher.
#[test]
fn no_hash_map_has_the_standard_hasher() {
    let words = [
        "HashMap::new(",
        "HashSet::new(",
        "HashMap::default(",
        "HashSet::default(",
    ];
    assert_eq!(places(everywhere, &words), NOWHERE);
}

#[test]
fn nothing_is_left_to_be_done() {
    let words = [
        "todo!",
        "unimplemented!",
        "unsafe ",
        ".unwrap()",
        "#[ignore",
    ];
    assert_eq!(places(everywhere, &words), NOWHERE);
}

/// The data types know no other module: the oracle shares them, and must not inherit a rule with them.
#[test]
fn the_model_uses_nothing_of_core() {
    let crates_of_its_own = places(|name| name.starts_with("model/"), &["use crate::"]);
    assert_eq!(crates_of_its_own, NOWHERE);
}

/// The transition knows neither storage nor state nor executor.
#[test]
fn the_transition_reaches_for_nothing() {
    let words = [
        "crate::storage",
        "crate::state",
        "crate::execution",
        "crate::ledger",
        "crate::parallel",
        "crate::chain",
        "crate::config",
        "crate::clock",
    ];
    let found = places(|name| name.starts_with("transition/"), &words);
    assert_eq!(found, NOWHERE);
}

/// There is one implementation of the rules: only the transition rejects, and the nonce checker, which
/// repeats one rule of it for templates.
#[test]
fn rejections_are_made_in_the_transition_alone() {
    let found = places(
        |name| !name.starts_with("transition/") && !name.starts_with("model/"),
        &["Rejection::"],
    );
    let files: Vec<&str> = found
        .iter()
        .filter_map(|place| place.split(':').next())
        .collect();
    assert_eq!(files, ["ledger/mempool.rs"; 2], "{found:?}");
}

#[test]
fn the_storage_does_not_know_the_rules() {
    let words = [
        "crate::transition",
        "crate::execution",
        "crate::ledger",
        "crate::parallel",
        "crate::chain",
        "crate::state",
    ];
    let found = places(|name| name.starts_with("storage/"), &words);
    assert_eq!(found, NOWHERE);
}
