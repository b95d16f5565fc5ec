//! Files that the checkers explore are free of anything that the checkers cannot see: a real lock inside
//! a model never yields, and a lost update passes in one interleaving.

use std::fs;
use std::path::{Path, PathBuf};

use lockstep_core::chain::{BodyCache, BodyCacheLimits};

/// Names of what synchronises, or differs between two runs or between two mounts, and does not come from
/// `super::sync`.
const FORBIDDEN: [&str; 18] = [
    "crate::sync",
    "crate::real",
    "lockstep_sync",
    "std::sync",
    "core::sync",
    "std::thread",
    // Hides what it imports from the lines above.
    "std::{",
    "tokio::",
    "dashmap::",
    "parking_lot::",
    "HashMap",
    "HashSet",
    "LazyLock",
    "thread_local",
    "try_lock",
    "cfg(",
    "cfg!(",
    // It would run once for each mount, outside of any model.
    "#[test]",
];

/// The modules that mount files over each checker, and a file that is among what they mount.
const MOUNTING: [([&str; 2], &str); 3] = [
    (
        ["core/src/under_loom", "core/src/under_shuttle"],
        "chain/bodies.rs",
    ),
    (
        ["core/sync/src/loom", "core/sync/src/shuttle"],
        "model_map/shard.rs",
    ),
    (
        [
            "sim/bugs/src/buggy_executor/concurrent/under_loom",
            "sim/bugs/src/buggy_executor/concurrent/under_shuttle",
        ],
        "shared/worker.rs",
    ),
];

#[test]
fn mounted_files_reach_primitives_through_their_own_door_only() {
    let found: Vec<String> = MOUNTING
        .iter()
        .flat_map(|([under_loom, _], _)| mounted_in(under_loom))
        .flat_map(|file| forbidden_in(&file))
        .collect();
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn the_checkers_mount_the_same_files() {
    for ([under_loom, under_shuttle], known) in MOUNTING {
        let mounted = mounted_in(under_loom);
        assert_eq!(mounted, mounted_in(under_shuttle));
        assert!(
            mounted.iter().any(|file| file.ends_with(known)),
            "{known} is mounted: {mounted:?}"
        );
    }
}

/// Whatever the features: those of a checker would panic here.
#[test]
fn ordinary_code_keeps_the_real_primitives() {
    assert_eq!(BodyCache::new(BodyCacheLimits::default()).size(), (0, 0));
}

/// The files that are compiled once more for a checker, as the `#[path]` lines of its module say.
fn mounted_in(module: &str) -> Vec<PathBuf> {
    let module = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("..")
        .join(module);
    read(&module.join("mod.rs"))
        .lines()
        .filter_map(|line| line.strip_prefix("#[path = \"")?.strip_suffix("\"]"))
        .flat_map(|mount| {
            let file = module
                .join(mount)
                .canonicalize()
                .expect("what is mounted exists");
            match file.parent() {
                Some(folder) if file.ends_with("mod.rs") => files_in(folder),
                _ => vec![file],
            }
        })
        .collect()
}

fn forbidden_in(file: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for (index, line) in read(file).lines().enumerate() {
        for name in FORBIDDEN.iter().filter(|name| line.contains(**name)) {
            found.push(format!("{}:{}: {name}", file.display(), index + 1));
        }
    }
    found
}

/// In the order of their names, folders within included.
fn files_in(folder: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> = fs::read_dir(folder)
        .expect("a source folder can be read")
        .map(|entry| entry.expect("a source folder can be read").path())
        .collect();
    paths.sort();
    paths
        .into_iter()
        .flat_map(|path| {
            if path.is_dir() {
                files_in(&path)
            } else {
                vec![path]
            }
        })
        .collect()
}

fn read(file: &Path) -> String {
    fs::read_to_string(file).expect("a source file can be read")
}
