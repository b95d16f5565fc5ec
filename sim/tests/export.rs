//! Exports of reproducers as Rust tests: they are committed here, compiled, executed and compared with
//! what `lockstep export` prints.

use std::path::Path;

use lockstep_sim::export;
use lockstep_sim::reproducer::Reproducer;

#[path = "exported/every_kind.rs"]
mod every_kind;
#[path = "exported/multisig_deletion_lost.rs"]
mod multisig_deletion_lost;

fn check(file: &str, committed: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(file);
    let reproducer = Reproducer::read(&path).expect("the reproducer is there");
    let stem = path.file_stem().expect("a file has a name");
    let printed = export::as_test(&reproducer, &stem.to_string_lossy());
    assert!(
        printed == committed,
        "cargo run -p lockstep-sim export {file} prints what is not committed:\n{printed}"
    );
}

#[test]
fn a_kept_reproducer_exports_as_a_test_that_runs() {
    check(
        "corpora/reproducers/0009-multisig-deletion-lost.repro",
        include_str!("exported/multisig_deletion_lost.rs"),
    );
}

#[test]
fn every_kind_of_step_action_and_flaw_exports_as_a_test_that_runs() {
    check(
        "sim/tests/exported/every_kind.repro",
        include_str!("exported/every_kind.rs"),
    );
}

#[test]
fn an_exported_test_says_that_core_lacks_the_seeded_bug() {
    let kept = "corpora/reproducers/0002-self-transfer.repro";
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(kept);
    let reproducer = Reproducer::read(&path).expect("the reproducer is there");
    let of_core = export::as_test(&reproducer, "it");
    let buggy = reproducer.with_seeded_bug(Some("self-transfer"));
    let (head, body) = (export::head(&buggy), export::as_test(&buggy, "it"));
    assert!(head.ends_with("with the seeded bug self-transfer, which core does not have.\n"));
    let without_head = |text: &str| text.split_once('\n').map(|(_, body)| body.to_owned());
    assert_eq!(without_head(&body), without_head(&of_core));
}
