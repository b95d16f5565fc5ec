//! Tests of deliberate absences from the door, and of the one shape of its three modules.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

const NOWHERE: [&str; 0] = [];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn text(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("the sources are readable") {
        let path = entry.expect("the sources are readable").path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// Returns every line of the sources that is no comment and has one of these words, as `file:line:
/// text`.
fn places(words: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    for path in sources(&root().join("src")) {
        for (index, line) in text(&path).lines().map(str::trim).enumerate() {
            if !line.starts_with("//") && words.iter().any(|word| line.contains(word)) {
                found.push(format!("{}:{}: {line}", path.display(), index + 1));
            }
        }
    }
    found
}

/// An executor's author links the door without a ledger, a storage or a harness behind it.
#[test]
fn no_other_crate_of_the_workspace_is_known() {
    let manifest = text(&root().join("Cargo.toml"));
    let known: Vec<&str> = manifest
        .lines()
        .filter(|line| line.contains("lockstep-") && !line.starts_with("name = "))
        .collect();
    assert_eq!(known, NOWHERE);
    let words = ["lockstep_core", "lockstep_sim", "Storage", "Transaction"];
    assert_eq!(places(&words), NOWHERE);
    assert!(!places(&["ThreadPool"]).is_empty(), "the search finds");
}

#[test]
fn nothing_is_printed_and_nothing_is_left_to_be_done() {
    let words = [
        "println!",
        "print!",
        "dbg!",
        "todo!",
        "unimplemented!",
        "unsafe ",
        ".unwrap()",
        "#[ignore",
    ];
    assert_eq!(places(&words), NOWHERE);
}

/// Returns the names that a module offers, methods as `Type::method`.
fn offered(source: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let mut type_of_impl = "";
    let mut lines = source.lines();
    while let Some(line) = lines.next() {
        if let Some(header) = line.strip_prefix("impl") {
            let header = header.trim_start_matches("<T>").trim();
            type_of_impl = header.split(['<', ' ']).next().unwrap_or_default();
        } else if let Some(used) = line.strip_prefix("pub use ") {
            let mut used = used.to_owned();
            while !used.ends_with(';') {
                used.push_str(lines.next().expect("an import ends with a semicolon"));
            }
            let used = used.replace([';', '}'], "");
            let (path, list) = used.rsplit_once('{').unwrap_or(("", &used));
            assert!(path.is_empty() || path.ends_with("::"), "{used}");
            for one in list.split(',').map(str::trim).filter(|one| !one.is_empty()) {
                let name = one.rsplit([' ', ':']).next().unwrap_or(one);
                names.insert(name.to_owned());
            }
        } else if let Some(name) = item(line) {
            names.insert(name.to_owned());
        } else if let Some(method) = line.strip_prefix("    ").and_then(item) {
            names.insert(format!("{type_of_impl}::{method}"));
        }
    }
    names
}

/// Returns the name of the public item that begins on a line.
fn item(line: &str) -> Option<&str> {
    let rest = line.strip_prefix("pub ")?;
    let kinds = ["const fn ", "fn ", "struct ", "const ", "mod "];
    let name = kinds.iter().find_map(|kind| rest.strip_prefix(kind))?;
    name.split(['<', '(', ':', ';', ' ']).next()
}

fn module(files: &[&str]) -> BTreeSet<String> {
    let files = files.iter().map(|file| root().join("src").join(file));
    files.flat_map(|file| offered(&text(&file))).collect()
}

/// Code that is mounted over one of them must compile over the others.
#[test]
fn each_door_offers_the_same_names() {
    let mut real = module(&["real/mod.rs", "real/workers.rs"]);
    for name in ["Mutex::lock", "Workers::map", "read", "SPIN_LIMIT", "Arc"] {
        assert!(real.contains(name), "{name} in {real:?}");
    }
    // For a watchdog beside the code that is mounted.
    let of_real = ["ThreadActivity", "activity", "forget_activity"];
    let of_checkers = ["model_map"];
    let of_shuttle = [
        "forget_injected_panics",
        "ThreadLocation",
        "forget_thread_locations",
        "thread_location",
    ];
    let mut loom = module(&["loom/mod.rs"]);
    let mut shuttle = module(&["shuttle/mod.rs"]);
    for name in of_checkers {
        assert!(loom.remove(name) && shuttle.remove(name), "{name}");
    }
    for name in of_shuttle {
        assert!(shuttle.remove(name), "{name}");
    }
    for name in of_real {
        assert!(real.remove(name), "{name}");
    }
    assert_eq!(real, loom, "real and loom");
    assert_eq!(real, shuttle, "real and shuttle");
}

#[test]
fn a_name_that_is_missing_is_noticed() {
    let one = offered(
        "pub use std::{\n    a::B,\n    C as D,\n};\nimpl<T> E<T> {\n    pub const fn f() {}\n}\npub const G: u32 = 1;",
    );
    let names = ["B", "D", "E::f", "G"].map(str::to_owned);
    assert_eq!(one, BTreeSet::from(names));
}
