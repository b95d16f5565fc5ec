//! Exported tests of clusters compile and run: they are modules here, and compared with the output of
//! `lockstep export`.

use std::path::Path;

use lockstep_cluster::NodesReproducer;

#[path = "exported/every_kind.rs"]
mod every_kind;
#[path = "exported/hash_seed_decides_order.rs"]
mod hash_seed_decides_order;

fn check(file: &str, committed: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .join(file);
    let reproducer = NodesReproducer::read(&path).expect("the reproducer is there");
    let stem = path.file_stem().expect("a file has a name");
    let printed = lockstep_cluster::as_test(&reproducer, &stem.to_string_lossy());
    assert!(
        printed == committed,
        "cargo run -p lockstep-cli export {file} prints what is not committed:\n{printed}"
    );
}

#[test]
fn a_kept_run_with_a_seeded_bug_exports_as_a_test_that_runs() {
    check(
        "corpora/nodes/0003-hash-seed-decides-order.repro",
        include_str!("exported/hash_seed_decides_order.rs"),
    );
}

#[test]
fn every_kind_of_node_and_fault_exports_as_a_test_that_runs() {
    check(
        "sim/cluster/tests/exported/every_kind.repro",
        include_str!("exported/every_kind.rs"),
    );
}
