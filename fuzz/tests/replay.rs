//! Every input that is kept is replayed, without a fuzzer.

#[path = "../src/counted.rs"]
mod counted;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use counted::codec;
use lockstep_fuzz::targets::{
    TARGETS, decoded, environment, execute_block, group_by_conflicts, merge_invariants, merkle,
    rewind, signatures, template_cache,
};

/// Paths in `folder`, seen from the package, in the order of names.
fn contents(folder: &str) -> BTreeSet<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    fs::read_dir(&folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| entry.expect("a folder of the repository is listed").path())
        .collect()
}

/// The names of what `folder` contains, without extensions.
fn names(folder: &str) -> BTreeSet<String> {
    contents(folder)
        .iter()
        .filter_map(|path| path.file_stem())
        .map(|name| name.to_string_lossy().into_owned())
        .collect()
}

/// No input is a finding. That of a finding names itself in the captured output.
fn check(name: &str, target: fn(&[u8])) {
    let inputs = contents(&format!("../corpora/fuzz/{name}"));
    assert!(
        !inputs.is_empty(),
        "a target without inputs replays nothing"
    );
    for input in inputs {
        println!("{}", input.display());
        target(&fs::read(&input).expect("an input can be read"));
    }
}

#[test]
fn codec_inputs_are_no_findings() {
    check("codec", codec);
}

#[test]
fn environment_inputs_are_no_findings() {
    check("environment", environment);
}

#[test]
fn execute_block_inputs_are_no_findings() {
    check("execute_block", execute_block);
}

#[test]
fn group_by_conflicts_inputs_are_no_findings() {
    check("group_by_conflicts", group_by_conflicts);
}

#[test]
fn merge_invariants_inputs_are_no_findings() {
    check("merge_invariants", merge_invariants);
}

#[test]
fn merkle_inputs_are_no_findings() {
    check("merkle", merkle);
}

#[test]
fn rewind_inputs_are_no_findings() {
    check("rewind", rewind);
}

#[test]
fn signatures_inputs_are_no_findings() {
    check("signatures", signatures);
}

#[test]
fn template_cache_inputs_are_no_findings() {
    check("template_cache", template_cache);
}

/// A decoder that refuses everything would be no finding.
#[test]
fn every_decoder_has_an_input_that_decodes() {
    let kinds: BTreeSet<Option<u8>> = contents("../corpora/fuzz/codec")
        .iter()
        .map(|path| fs::read(path).expect("an input can be read"))
        .filter(|input| decoded(input))
        // A reproducer begins with any other letter.
        .map(|input| Some(input[0]).filter(|letter| b"tbhrgv".contains(letter)))
        .collect();
    assert_eq!(kinds.len(), 7, "{kinds:?}");
}

#[test]
fn every_target_has_a_program_a_corpus_and_a_replay() {
    let targets: BTreeSet<String> = TARGETS.map(|(name, _)| name.to_owned()).into();
    assert_eq!(names("../corpora/fuzz"), targets, "corpora");
    // It measures a fuzzer with seeded bugs, and begins with the corpus of another target.
    let measured = "buggy_executor".to_owned();
    assert!(!targets.contains(&measured));
    let programs: BTreeSet<String> = targets.into_iter().chain([measured]).collect();
    assert_eq!(names("fuzz_targets"), programs, "programs");
}
