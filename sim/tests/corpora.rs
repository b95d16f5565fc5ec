//! Every kept reproducer runs, and core passes it.

use std::path::{Path, PathBuf};

use lockstep_harness::coverage::Coverage;
use lockstep_harness::invariant;
use lockstep_sim::campaign;
use lockstep_sim::coverage::totals;
use lockstep_sim::reproducer::Reproducer;

fn reproducers() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../corpora/reproducers");
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .expect("the corpus is there")
        .map(|entry| entry.expect("the corpus can be read").path())
        .collect();
    files.sort();
    files
}

#[test]
fn every_reproducer_passes() {
    let folder = tempfile::tempdir().expect("there is room for a temporary folder");
    let files = reproducers();
    assert!(
        files.len() >= 16,
        "only {} reproducers are there",
        files.len()
    );
    for file in files {
        let reproducer = Reproducer::read(&file).expect("a kept reproducer can be read");
        let mut coverage = Coverage::default();
        let outcome = campaign::on_core(&reproducer.payload.scenario, folder.path(), &mut coverage);
        assert!(outcome.is_ok(), "{}: {outcome:?}", file.display());
        assert!(
            coverage.total(totals::BLOCKS) > 0,
            "{}: no block was accepted",
            file.display()
        );
    }
}

#[test]
fn every_reproducer_names_an_existing_invariant() {
    for file in reproducers() {
        let reproducer = Reproducer::read(&file).expect("a kept reproducer can be read");
        assert!(
            invariant::named(&reproducer.shows).is_some(),
            "{} shows {:?}",
            file.display(),
            reproducer.shows
        );
    }
}

#[test]
fn every_reproducer_survives_being_written_again() {
    for file in reproducers() {
        let old = std::fs::read_to_string(&file).expect("a kept reproducer is text");
        assert!(old.contains("  lockstep: 1,"), "{}", file.display());
        let reproducer = Reproducer::read(&file).expect("a kept reproducer can be read");
        let text = reproducer
            .to_text("a remark\nof two lines")
            .expect("it can be written");
        let again = Reproducer::from_text(&text, "memory").expect("what was written can be read");
        assert_eq!(again, reproducer, "{}", file.display());
    }
}
