//! Directions between the crates of the workspace, as far as they can be read off the manifests, and
//! between the files of each, as far as they can be read off their imports.

mod modules;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use modules::{Modules, Source, circle, circle_of_rooms, module_of, sources};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// A crate of the workspace, and the crates of the workspace that it may depend on, tests included.
const DIRECTIONS: [(&str, &[&str]); 11] = [
    ("core/sync", &[]),
    ("core", &["lockstep-sync"]),
    ("sim/harness", &[]),
    (
        "sim",
        &["lockstep-core", "lockstep-harness", "lockstep-sync"],
    ),
    (
        "sim/cluster",
        &["lockstep-core", "lockstep-harness", "lockstep-sim"],
    ),
    (
        "sim/bugs",
        &[
            "lockstep-cluster",
            "lockstep-core",
            "lockstep-harness",
            "lockstep-sim",
            "lockstep-sync",
        ],
    ),
    (
        "fuzz",
        &[
            "lockstep-bugs",
            "lockstep-core",
            "lockstep-harness",
            "lockstep-sim",
        ],
    ),
    (
        "sim/cli",
        &[
            "lockstep-bugs",
            "lockstep-cluster",
            "lockstep-core",
            "lockstep-fuzz",
            "lockstep-harness",
            "lockstep-sim",
        ],
    ),
    ("loom-tests", &["lockstep-core", "lockstep-sync"]),
    ("benches", &["lockstep-core", "lockstep-sim"]),
    (
        "benches/instructions",
        &["lockstep-benches", "lockstep-core", "lockstep-sim"],
    ),
];

/// Crates that only a program needs: a library that links them makes every executor's author link them.
const OF_A_FRONT_END: [&str; 3] = ["clap", "indicatif", "tracing-subscriber"];

/// The names in the dependency tables of a manifest.
fn dependencies(manifest: &str) -> BTreeSet<&str> {
    let mut names = BTreeSet::new();
    let mut is_in_a_table = false;
    for line in manifest.lines().map(str::trim) {
        if let Some(table) = line.strip_prefix('[') {
            is_in_a_table = table.trim_end_matches(']').ends_with("dependencies");
        } else if is_in_a_table && !line.starts_with('#') {
            let name = line.split(['.', ' ', '=']).next().unwrap_or_default();
            names.extend((!name.is_empty()).then_some(name));
        }
    }
    names
}

/// Dependencies of a manifest that are against the direction.
fn against_the_direction<'m>(package: &str, manifest: &'m str) -> BTreeSet<&'m str> {
    let allowed: BTreeMap<&str, &[&str]> = DIRECTIONS.into_iter().collect();
    let allowed = allowed.get(package).copied().unwrap_or_default();
    dependencies(manifest)
        .into_iter()
        .filter(|name| {
            let is_ours = name.starts_with("lockstep-") && !allowed.contains(name);
            is_ours || (package != "sim/cli" && OF_A_FRONT_END.contains(name))
        })
        .collect()
}

#[test]
fn every_crate_depends_on_those_before_it_and_only_the_program_on_a_front_end() {
    let workspace = fs::read_to_string(root().join("Cargo.toml")).expect("the workspace is there");
    let members = workspace
        .lines()
        .find_map(|line| line.strip_prefix("members = "))
        .expect("the workspace has members");
    let members: BTreeSet<String> = serde_json::from_str(members).expect("they are a list");
    let known = DIRECTIONS.map(|(package, _)| package.to_owned());
    assert_eq!(members, BTreeSet::from(known));
    for package in &members {
        let manifest = root().join(package).join("Cargo.toml");
        let text = fs::read_to_string(&manifest).expect("a member has a manifest");
        let found = against_the_direction(package, &text);
        assert!(found.is_empty(), "{package} depends on {found:?}");
    }
}

#[test]
fn a_dependency_against_the_direction_is_found() {
    let manifest = "[package]\nname = \"lockstep-harness\"\n[dependencies]\n# clap = 1\n\
                    blake3.workspace = true\nlockstep-core.workspace = true\n\n\
                    [target.'cfg(unix)'.dev-dependencies]\nclap = { version = \"4\" }\n[features]\nloom = []";
    let found: Vec<&str> = against_the_direction("sim/harness", manifest)
        .into_iter()
        .collect();
    assert_eq!(found, ["clap", "lockstep-core"]);
    assert!(against_the_direction("sim/cli", "[dependencies]\nclap = \"4\"").is_empty());
}

fn sources_of(package: &str) -> Vec<Source> {
    sources(&root().join(package).join("src"))
}

/// One convention for the file of a module that has a folder: `mod.rs` in it.
#[test]
fn a_module_with_a_folder_is_a_file_in_it() {
    for package in WITH_SOURCES {
        let sources = sources_of(package);
        let beside: Vec<&str> = sources
            .iter()
            .map(|source| source.name.as_str())
            .filter(|file| {
                let folder = file.trim_end_matches("rs").replace('.', "/");
                sources.iter().any(|other| other.name.starts_with(&folder))
            })
            .collect();
        assert!(beside.is_empty(), "{package}: {beside:?}");
    }
}

const WITH_SOURCES: [&str; 9] = [
    "core/sync",
    "core",
    "sim/harness",
    "sim",
    "sim/cluster",
    "sim/bugs",
    "fuzz",
    "sim/cli",
    "benches/instructions",
];

/// Code that can be read from the bottom up can be understood piece by piece. A file may name what
/// the modules that it stands in define.
#[test]
fn no_files_need_each_other_in_a_circle() {
    for package in WITH_SOURCES {
        let sources = sources_of(package);
        let mut needs = Modules::of(&sources).needs();
        assert!(!needs.is_empty(), "{package} has files that need others");
        needs.retain(|(file, other)| !module_of(file).starts_with(&module_of(other)));
        assert_eq!(circle(&needs), None, "{package}");
    }
}

/// In core, not even that: a module passes on what its files define, and they do not look back.
#[test]
fn neither_files_nor_folders_of_core_need_each_other_in_a_circle() {
    let sources = sources_of("core");
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
    assert_eq!(circle_of_rooms(&needs), None);
}

/// `a` needs what `b` passes on from its child, which needs `a`.
#[test]
fn a_circle_of_two_files_is_found() {
    let crate_with = |of_child: &str| {
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
            lines: text.lines().map(|line| line.trim().to_owned()).collect(),
        })
    };
    let acyclic = crate_with("use super::c;");
    assert_eq!(circle(&Modules::of(&acyclic).needs()), None);
    for back_edge in [
        "use crate::a;",
        "fn f(_: crate::a::A) {}",
        "use super::super::a::A;",
    ] {
        let sources = crate_with(back_edge);
        let needs = Modules::of(&sources).needs();
        assert_eq!(
            circle(&needs),
            Some(vec!["a.rs", "b/child.rs"]),
            "{back_edge}"
        );
        assert_eq!(
            circle_of_rooms(&needs),
            Some(vec!["a.rs", "b"]),
            "{back_edge}"
        );
    }
}
