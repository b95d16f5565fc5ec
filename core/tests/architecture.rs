//! What is deliberately absent from the sources of core.

use std::collections::{BTreeMap, BTreeSet};
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

/// Every place in the files chosen that has one of these words, as `file:line: text`.
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

/// Results of a node must not depend on its clock; whatever needs the time is given one.
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

/// Where amounts are added up nothing saturates and nothing wraps, casts included.
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

/// The nouns know nobody: the oracle shares them, and must not inherit a rule with them.
#[test]
fn the_model_uses_nothing_of_core() {
    let crates_of_its_own = places(|name| name.starts_with("model/"), &["use crate::"]);
    assert_eq!(crates_of_its_own, NOWHERE);
}

/// The transition knows neither storage nor state nor who executes.
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

/// There is one implementation of the rules: whoever rejects is the transition, and the nonce
/// checker, which repeats one rule of it for templates.
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

/// The files of a crate by name, and what each imports.
struct Modules<'s>(BTreeMap<&'s str, Vec<Import>>);

/// One path that a file names, and the name under which it is known there.
struct Import {
    path: Vec<String>,
    name: String,
    is_use: bool,
    is_public: bool,
}

impl<'s> Modules<'s> {
    fn of(sources: &'s [Source]) -> Self {
        Modules(
            sources
                .iter()
                .filter(|source| !source.name.contains("tests"))
                .filter(|source| !source.name.starts_with("under_"))
                .map(|source| (source.name.as_str(), imports(source)))
                .collect(),
        )
    }

    /// The file of a module, if it is one of this crate.
    fn file(&self, module: &[String]) -> Option<&'s str> {
        let path = module.join("/");
        let names = match module {
            [] => ["lib.rs".to_owned(), String::new()],
            _ => [format!("{path}.rs"), format!("{path}/mod.rs")],
        };
        let mut files = self.0.keys();
        files
            .find(|file| names.iter().any(|name| name == **file))
            .copied()
    }

    /// The file in which something is defined that a module names: imports are followed. `None` if it
    /// is another crate's.
    fn defined_in(&self, module: &[String], path: &[String]) -> Option<&'s str> {
        let Some((first, rest)) = path.split_first() else {
            return self.file(module);
        };
        match first.as_str() {
            "crate" => return self.defined_in(&[], rest),
            "super" => return self.defined_in(&module[..module.len() - 1], rest),
            "self" => return self.defined_in(module, rest),
            _ => {}
        }
        let child = [module, std::slice::from_ref(first)].concat();
        if self.file(&child).is_some() {
            return self.defined_in(&child, rest);
        }
        let file = self.file(module)?;
        let mut uses = self.0[file].iter().filter(|import| import.is_use);
        match uses.find(|import| import.name == *first) {
            Some(import) if import.path.first() == Some(first) => None,
            Some(import) => self.defined_in(module, &[&import.path, rest].concat()),
            None => Some(file),
        }
    }

    /// The pairs of a file and another that it needs. A module that only passes on what its children
    /// define does not need them.
    fn needs(&self) -> BTreeSet<(&'s str, &'s str)> {
        let mut needs = BTreeSet::new();
        for (file, imports) in &self.0 {
            let module = module_of(file);
            for import in imports {
                let begins = import.path[0].as_str();
                let child = [&module[..], &import.path[..1]].concat();
                let is_ours = ["crate", "super", "self"].contains(&begins)
                    || import.is_use && self.file(&child).is_some();
                let other = match is_ours {
                    true => self.defined_in(&module, &import.path),
                    false => None,
                };
                let is_of_a_child = |other: &str| module_of(other).starts_with(&module);
                needs.extend(
                    other
                        .filter(|other| other != file)
                        .filter(|other| !(import.is_public && is_of_a_child(other)))
                        .map(|other| (*file, other)),
                );
            }
        }
        needs
    }
}

fn module_of(file: &str) -> Vec<String> {
    let file = file.trim_end_matches(".rs");
    let file = file.trim_end_matches("mod").trim_end_matches('/');
    let parts = file
        .split('/')
        .filter(|part| !part.is_empty() && *part != "lib");
    parts.map(str::to_owned).collect()
}

/// Everything that a file names by a path into its own crate.
fn imports(source: &Source) -> Vec<Import> {
    let mut found = Vec::new();
    let mut lines = source.lines.iter().map(|(_, line)| line.as_str());
    while let Some(line) = lines.next() {
        let visible = line.split("use ").next().unwrap_or_default();
        let is_use =
            line.contains("use ") && ["", "pub ", "pub(crate) ", "pub(super) "].contains(&visible);
        if !is_use {
            for root in ["crate::", "super::"] {
                for (at, _) in line.match_indices(root) {
                    let is_inside = line[..at]
                        .ends_with(|before: char| before == ':' || before.is_alphanumeric());
                    let path =
                        line[at..].split(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':'));
                    if let (false, Some(path)) = (is_inside, path.into_iter().next()) {
                        found.push(import(path.trim_end_matches(':'), false, false));
                    }
                }
            }
            continue;
        }
        let mut statement = line[visible.len() + "use ".len()..].to_owned();
        while !statement.ends_with(';') {
            statement.push_str(lines.next().expect("an import ends with a semicolon"));
        }
        for path in expanded(statement.trim_end_matches(';')) {
            found.push(import(&path, true, !visible.is_empty()));
        }
    }
    found
}

fn import(path: &str, is_use: bool, is_public: bool) -> Import {
    let (path, alias) = path.split_once(" as ").unwrap_or((path, ""));
    let mut path: Vec<String> = path
        .split("::")
        .map(|part| part.trim().to_owned())
        .collect();
    if path
        .last()
        .is_some_and(|last| last == "self" && path.len() > 1)
    {
        path.pop();
    }
    let last = path.last().cloned().unwrap_or_default();
    Import {
        name: if alias.is_empty() {
            last
        } else {
            alias.trim().to_owned()
        },
        path,
        is_use,
        is_public,
    }
}

/// `a::{b, c::{d, e}}` as `a::b`, `a::c::d`, `a::c::e`.
fn expanded(tree: &str) -> Vec<String> {
    let Some((before, list)) = tree.split_once('{') else {
        return vec![tree.trim().to_owned()];
    };
    let list = list.rsplit_once('}').map_or(list, |(list, _)| list);
    let (mut depth, mut one, mut all) = (0, String::new(), Vec::new());
    for c in list.chars().chain([',']) {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if c == ',' && depth == 0 {
            let inner = std::mem::take(&mut one);
            if !inner.trim().is_empty() {
                let paths = expanded(inner.trim()).into_iter();
                all.extend(paths.map(|path| format!("{}{path}", before.trim())));
            }
        } else {
            one.push(c);
        }
    }
    all
}

/// A circle, each of which needs the next one.
fn circle<'s>(needs: &BTreeSet<(&'s str, &'s str)>) -> Option<Vec<&'s str>> {
    let mut left = needs.clone();
    // A file that needs nothing, or that nothing needs, is in no circle.
    loop {
        let needing: BTreeSet<&str> = left.iter().map(|(one, _)| *one).collect();
        let needed: BTreeSet<&str> = left.iter().map(|(_, other)| *other).collect();
        let before = left.len();
        left.retain(|(one, other)| needed.contains(one) && needing.contains(other));
        if left.len() == before {
            break;
        }
    }
    let mut circle = vec![left.first()?.0];
    loop {
        let last = circle[circle.len() - 1];
        let (_, next) = left.iter().find(|(one, _)| *one == last)?;
        if let Some(begin) = circle.iter().position(|one| one == next) {
            return Some(circle.split_off(begin));
        }
        circle.push(next);
    }
}

/// The folder at the top to which a file belongs, or the file itself where it stands there.
fn room(file: &str) -> &str {
    file.split('/').next().unwrap_or(file)
}

fn circle_of_rooms<'s>(needs: &BTreeSet<(&'s str, &'s str)>) -> Option<Vec<&'s str>> {
    let rooms = needs.iter().map(|(one, other)| (room(one), room(other)));
    circle(&rooms.filter(|(one, other)| one != other).collect())
}

/// One convention for the file of a module that has a folder: `mod.rs` in it.
#[test]
fn a_module_with_a_folder_is_a_file_in_it() {
    let sources = sources();
    let beside: Vec<&str> = sources
        .iter()
        .map(|source| source.name.as_str())
        .filter(|file| {
            let folder = file.trim_end_matches("rs").replace('.', "/");
            sources.iter().any(|other| other.name.starts_with(&folder))
        })
        .collect();
    assert_eq!(beside, NOWHERE);
}

/// Code that can be read from the bottom up can be understood piece by piece.
#[test]
fn no_files_need_each_other_in_a_circle() {
    let sources = sources();
    let needs = Modules::of(&sources).needs();
    for known in [
        ("chain/mod.rs", "parallel/block_executor.rs"),
        ("chain/read.rs", "ledger/tip.rs"),
        ("storage/schema.rs", "model/block.rs"),
        ("state.rs", "storage/mod.rs"),
    ] {
        assert!(needs.contains(&known), "{known:?} in {needs:?}");
    }
    assert_eq!(circle(&needs), None);
}

#[test]
fn no_folders_need_each_other_in_a_circle() {
    let sources = sources();
    assert_eq!(circle_of_rooms(&Modules::of(&sources).needs()), None);
}

/// `a` needs what `b` passes on from its child, which needs `a`.
#[test]
fn a_planted_circle_is_found() {
    let planted = |of_child: &str| {
        [
            ("lib.rs", "mod a; mod b;"),
            (
                "a.rs",
                "use crate::b::{\n    One as Other, std::Nothing,\n};\nuse std::fmt;",
            ),
            ("b/mod.rs", "mod child;\npub use child::One;\nuse crate::c;"),
            ("b/child.rs", of_child),
            ("c.rs", ""),
        ]
        .map(|(name, text)| Source {
            name: name.to_owned(),
            lines: text
                .lines()
                .map(|line| (0, line.trim().to_owned()))
                .collect(),
        })
    };
    let innocent = planted("use super::c;");
    assert_eq!(circle(&Modules::of(&innocent).needs()), None);
    for guilty in [
        "use crate::a;",
        "fn f(_: crate::a::A) {}",
        "use super::super::a::A;",
    ] {
        let sources = planted(guilty);
        let needs = Modules::of(&sources).needs();
        assert_eq!(circle(&needs), Some(vec!["a.rs", "b/child.rs"]), "{guilty}");
        assert_eq!(circle_of_rooms(&needs), Some(vec!["a.rs", "b"]), "{guilty}");
    }
}
