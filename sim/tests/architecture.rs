//! Architecture invariants of the harness: things that are deliberately absent from its sources.

use std::fs;
use std::path::{Path, PathBuf};

fn source(file: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(file);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn the_oracle_shares_the_nouns_with_core_and_nothing_else() {
    let oracle = source("oracle/mod.rs");
    let (imports, nouns) = (
        oracle.matches("lockstep_core").count(),
        oracle.matches("lockstep_core::model").count(),
    );
    assert!(nouns > 0, "the oracle speaks of blocks");
    assert_eq!(imports, nouns, "every import from core is one of its nouns");
    for other in ["subject", "trial", "scenario", "generate"] {
        let import = format!("crate::{other}");
        assert!(
            !oracle.contains(&import),
            "the oracle does not know {import}"
        );
    }
}

/// The invariants of this folder that a trial judges on an error alone, without evidence of a step.
const OF_ERRORS: [&str; 1] = ["no-failure-without-fault"];

#[test]
fn every_invariant_is_a_file_and_every_file_is_judged() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/invariants");
    let mut files: Vec<String> = fs::read_dir(folder)
        .expect("the invariants are there")
        .map(|entry| {
            let name = entry.expect("the folder can be read").file_name();
            name.to_string_lossy()
                .trim_end_matches(".rs")
                .replace('_', "-")
        })
        .filter(|name| name != "mod" && name != "tests")
        .collect();
    files.sort();
    let mut names: Vec<String> = lockstep_sim::invariants::ALL
        .iter()
        .map(|check| check.invariant.name.to_owned())
        .chain(OF_ERRORS.map(str::to_owned))
        .collect();
    names.sort();
    assert_eq!(files, names);
}

/// Reads the sources of a crate of this folder, each with its path below `sim`.
fn sources(of: &str) -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut paths = Vec::new();
    gather(&root.join(of), &mut paths);
    paths.sort();
    assert!(!paths.is_empty(), "{of} has sources");
    let read = |path: PathBuf| {
        let name = path.strip_prefix(root).expect("it was found below");
        let text = fs::read_to_string(&path).expect("a source is text");
        (name.to_string_lossy().replace('\\', "/"), text)
    };
    paths.into_iter().map(read).collect()
}

fn gather(folder: &Path, paths: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("the sources are there") {
        let path = entry.expect("a folder can be read").path();
        if path.is_dir() {
            gather(&path, paths);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            paths.push(path);
        }
    }
}

/// Returns whether a source imports the generator.
fn knows_the_generator(text: &str) -> bool {
    text.contains("generate::") || text.contains("use crate::generate")
}

/// Judgement must not depend on the way in which a scenario was drawn: a judge that knows the generator
/// may share its blind spots.
#[test]
fn the_judge_does_not_import_the_generator() {
    let is_judge = |file: &str| {
        let judges = [
            "src/trial",
            "src/invariants",
            "src/oracle",
            "src/world.rs",
            "src/coverage.rs",
        ];
        judges.iter().any(|judge| file.starts_with(judge))
    };
    let judges = sources("src")
        .into_iter()
        .filter(|(file, _)| is_judge(file));
    let judges: Vec<(String, String)> = judges.collect();
    assert!(judges.len() > 20, "the judge has sources");
    for (file, text) in judges {
        assert!(!knows_the_generator(&text), "{file} imports the generator");
    }
}

#[test]
fn a_judge_that_imports_the_generator_is_found() {
    for text in [
        "use crate::generate::Preset;",
        "use crate::generate;",
        "let preset = crate::generate::Preset::Default;",
    ] {
        assert!(knows_the_generator(text), "{text}");
    }
}

/// The files that measure time: for a report, or to wait for a thread or a process.
const WITH_A_CLOCK: [&str; 6] = [
    "src/stress/mod.rs",
    "src/stress/known_verdicts.rs",
    "harness/src/executor/child/parent.rs",
    "harness/src/executor/program/run.rs",
    "harness/src/processes.rs",
    "harness/src/watchdog.rs",
];

#[test]
fn nothing_ambient_decides_a_run() {
    for of in ["src", "harness/src", "cluster/src", "bugs/src"] {
        for (file, text) in sources(of) {
            for ambient in [
                "Instant::now",
                "SystemTime",
                "from_os_rng",
                "HashMap",
                "HashSet",
            ] {
                let is_used = text.contains(ambient) && !WITH_A_CLOCK.contains(&file.as_str());
                assert!(!is_used, "{file} uses {ambient}");
            }
        }
    }
}
