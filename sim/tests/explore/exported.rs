//! Exports of a schedule as Rust tests: they are committed here, compiled, executed and compared with
//! what `lockstep export` prints.

use std::path::Path;

use lockstep_sim::export;
use lockstep_sim::reproducer::ScheduledReproducer;

#[path = "exported/two_workers.rs"]
mod two_workers;

#[test]
fn a_run_with_a_schedule_exports_as_a_test_that_runs() {
    let path =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/explore/exported/two_workers.repro");
    let reproducer = ScheduledReproducer::read(&path).expect("the reproducer is there");
    let printed = export::as_scheduled_test(&reproducer, "two_workers");
    assert!(
        printed == include_str!("exported/two_workers.rs"),
        "the printed test differs from the committed one:\n{printed}"
    );
}
