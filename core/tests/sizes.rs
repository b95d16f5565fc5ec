//! The list of sizes is complete: no constant of core is left out of it, and no number goes without a name.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use lockstep_core::sizes;

/// Constants that are no size at which anything changes, and the reason.
const OTHERS: [(&str, &str); 13] = [
    (
        "config::MAX_WORKERS",
        "an operator who asks for more is told so",
    ),
    (
        "config::GRAPH_PAYS_NS",
        "a cost that an operator assumes, in nanoseconds",
    ),
    ("config::VERIFICATION_NS", "a cost, in nanoseconds"),
    ("model::block::BLOCK_VERSION", "a version"),
    ("storage::redb::CACHE_BYTES", "the memory of the engine"),
    ("storage::schema::FORMAT", "a version"),
    ("storage::schema::ACCOUNT", "a byte of a key"),
    ("storage::schema::SUPPLY", "a byte of a key"),
    ("storage::schema::NONCE", "a byte of a key"),
    ("storage::schema::MULTISIG", "a byte of a key"),
    ("storage::schema::BALANCE", "a byte of a key"),
    ("execution::CELLS", "the capacity that a map begins with"),
    ("schedule::graph::NONE", "stands for no transaction"),
];

/// Numbers above 2 that stand in the code without a name: file, number, reason.
const NUMBERS: [(&str, &str, &str); 19] = [
    ("config.rs", "64", "a default that an operator may change"),
    ("config.rs", "20", "mebibytes"),
    (
        "config.rs",
        "300_000",
        "a default that an operator may change",
    ),
    ("config.rs", "300", "a default that an operator may change"),
    ("config.rs", "3", "a word of a hash seed"),
    ("config.rs", "4", "a word of a hash seed"),
    (
        "ledger/mempool.rs",
        "100_000",
        "a default that an operator may change",
    ),
    (
        "ledger/mempool.rs",
        "64",
        "a default that an operator may change",
    ),
    ("ledger/mempool.rs", "20", "mebibytes"),
    ("model/transaction.rs", "3", "the number of a network"),
    (
        "parallel/run.rs",
        "8",
        "a worker's share of the tasks that are left",
    ),
    ("schedule/graph.rs", "32", "half of the bits of a hash"),
    ("state.rs", "62", "the bits of a prefix"),
    ("state.rs", "3", "a kind of cell"),
    ("storage/schema.rs", "32", "the length of a key"),
    ("storage/schema.rs", "33", "the length of a key"),
    ("storage/schema.rs", "34", "the length of a key"),
    ("storage/schema.rs", "66", "the length of a key"),
    ("storage/schema.rs", "63", "the bits of a prefix"),
];

/// Files whose numbers are the lengths of names, hashes and signatures, or stand in a text.
fn is_of_bytes(file: &str, number: &str) -> bool {
    matches!(number, "32" | "33" | "64" | "65")
        && ["model/key.rs", "merkle.rs", "prefix.rs"].contains(&file)
}

/// The code of a file: no comment, no text, no test.
struct Code {
    file: String,
    lines: Vec<String>,
}

fn sources() -> Vec<Code> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut paths = Vec::new();
    gather(&root, &mut paths);
    paths.sort();
    assert!(paths.len() > 20, "only {} files were found", paths.len());
    paths
        .iter()
        .map(|path| {
            let text = fs::read_to_string(path).expect("a source file is text");
            let name = path.strip_prefix(&root).expect("it was found below");
            let file = name.to_string_lossy().replace('\\', "/");
            Code {
                lines: code(&text),
                file,
            }
        })
        .filter(|code| !code.file.starts_with("tests") && !code.file.ends_with("tests.rs"))
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

fn code(text: &str) -> Vec<String> {
    text.lines()
        .take_while(|line| line.trim() != "#[cfg(test)]")
        .map(|line| {
            let code = line.split("//").next().unwrap_or_default();
            // What stands between quotes is text.
            let parts = code.split('"').step_by(2);
            parts.collect::<Vec<_>>().join("\"\"").trim().to_owned()
        })
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .collect()
}

const NUMERIC: [&str; 5] = ["usize", "u64", "u32", "u16", "u8"];

/// Returns the name of the numeric constant that a line defines.
fn constant(line: &str) -> Option<&str> {
    let (_, rest) = line.split_once("const ")?;
    let (name, rest) = rest.split_once(':')?;
    let kind = rest.trim_start().split([' ', '=']).next()?;
    (NUMERIC.contains(&kind)
        && name
            .chars()
            .all(|letter| letter.is_ascii_uppercase() || letter == '_' || letter.is_ascii_digit()))
    .then_some(name)
}

fn constants(sources: &[Code]) -> BTreeSet<String> {
    let mut constants = BTreeSet::new();
    for Code { file, lines } in sources {
        let module = file
            .trim_end_matches(".rs")
            .trim_end_matches("/mod")
            .replace('/', "::");
        for name in lines.iter().filter_map(|line| constant(line)) {
            constants.insert(format!("{module}::{name}"));
        }
    }
    constants
}

/// Returns the whole numbers above 2 of a line, as they are written.
fn numbers(line: &str) -> Vec<&str> {
    line.split(|letter: char| !(letter.is_ascii_alphanumeric() || letter == '_' || letter == '.'))
        .filter(|word| word.starts_with(|first: char| first.is_ascii_digit()))
        .map(|word| word.split('.').next().unwrap_or_default())
        .map(|word| {
            NUMERIC.iter().fold(word, |word, kind| {
                word.trim_end_matches(kind).trim_end_matches('_')
            })
        })
        .filter(|word| !word.starts_with("0x"))
        .filter(|word| {
            word.replace('_', "")
                .parse::<u64>()
                .is_ok_and(|number| number > 2)
        })
        .collect()
}

/// Returns the numbers without a name, as `file: number in line`.
fn nameless(sources: &[Code]) -> Vec<String> {
    let mut nameless = Vec::new();
    for Code { file, lines } in sources {
        // A type such as `[u8; 32]` is no comparison.
        for line in lines.iter().filter(|line| constant(line).is_none()) {
            for number in numbers(line) {
                let is_length = line.contains(&format!("; {number}]"));
                let is_known = NUMBERS
                    .iter()
                    .any(|(of, known, _)| of == file && *known == number);
                if !is_known && !is_length && !is_of_bytes(file, number) {
                    nameless.push(format!("{file}: {number} in `{line}`"));
                }
            }
        }
    }
    nameless
}

const NOTHING: [&str; 0] = [];

#[test]
fn every_constant_is_a_size_or_is_said_to_be_something_else() {
    let listed: BTreeSet<String> = sizes::ALL
        .iter()
        .map(|size| size.constant.to_owned())
        .collect();
    let others: BTreeSet<String> = OTHERS.iter().map(|(name, _)| (*name).to_owned()).collect();
    let known: BTreeSet<String> = listed.union(&others).cloned().collect();
    let found = constants(&sources());
    let unknown: Vec<&String> = found.difference(&known).collect();
    assert_eq!(
        unknown, NOTHING,
        "add them to `sizes::ALL`, so that campaigns must reach both of their sides"
    );
    let gone: Vec<&String> = known.difference(&found).collect();
    assert_eq!(gone, NOTHING, "there is no such constant any more");
    assert_eq!(listed.intersection(&others).count(), 0);
}

#[test]
fn every_number_in_the_code_has_a_name() {
    assert_eq!(
        nameless(&sources()),
        NOTHING,
        "a size that has a name can be in `sizes::ALL`"
    );
}

/// Returns the objections to a file of this text.
fn objections(text: &str) -> (BTreeSet<String>, Vec<String>) {
    let sources = [Code {
        file: "side/door.rs".to_owned(),
        lines: code(text),
    }];
    (constants(&sources), nameless(&sources))
}

#[test]
fn a_new_constant_and_a_nameless_number_are_seen() {
    let (constants, nameless) =
        objections("    const MANY: usize = 4_096;\n    if items.len() < MANY {");
    assert_eq!(
        constants.into_iter().collect::<Vec<_>>(),
        ["side::door::MANY"]
    );
    assert_eq!(nameless, NOTHING);
    let (constants, nameless) =
        objections("if items.len() >= 2_048 { // not 7\n  \"9\"; let x: [u8; 32];");
    assert!(constants.is_empty());
    assert_eq!(
        nameless,
        ["side/door.rs: 2_048 in `if items.len() >= 2_048 {`"]
    );
    let (_, nameless) = objections("items.chunks(512usize)");
    assert_eq!(nameless, ["side/door.rs: 512 in `items.chunks(512usize)`"]);
}

#[test]
fn a_size_says_what_it_counts_and_what_changes() {
    for size in sizes::ALL {
        assert!(size.from > 1, "{size:?} is on the further side of nothing");
        assert!(!size.unit.to_string().is_empty() && !size.change.is_empty());
    }
}
