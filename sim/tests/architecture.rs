//! What is deliberately absent from the harness, as far as it can be read off its sources.

use std::fs;
use std::path::Path;

fn source(file: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(file);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn the_oracle_shares_the_nouns_with_core_and_nothing_else() {
    let oracle = source("oracle.rs");
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

#[test]
fn every_invariant_is_a_file_and_every_file_is_asked() {
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
        .map(|invariant| invariant.name.to_owned())
        .collect();
    names.sort();
    assert_eq!(files, names);
}

#[test]
fn nothing_ambient_decides_a_run() {
    for file in [
        "bugs/baselines.rs",
        "bugs/crash.rs",
        "bugs/fuzz.rs",
        "bugs/interleavings/mod.rs",
        "bugs/interleavings/search.rs",
        "bugs/list.rs",
        "bugs/mod.rs",
        "bugs/nodes.rs",
        "bugs/schedules/mod.rs",
        "bugs/schedules/search.rs",
        "bugs/suspect.rs",
        "bugs/threads.rs",
        "bugs/trial.rs",
        "campaign.rs",
        "campaign/blindness.rs",
        "campaign/on_trial.rs",
        "campaign/one.rs",
        "campaign/plan.rs",
        "campaign/verdict.rs",
        "canary.rs",
        "choice.rs",
        "crash/chain.rs",
        "crash/mod.rs",
        "crash/planted.rs",
        "crash/sampled.rs",
        "disk/loss.rs",
        "disk/mod.rs",
        "disk/recording.rs",
        "faulty/events.rs",
        "faulty/mod.rs",
        "faulty/moments.rs",
        "faulty/planted.rs",
        "faulty/watch.rs",
        "fleet.rs",
        "fleet/merge.rs",
        "fleet/record.rs",
        "fleet/signature.rs",
        "generate.rs",
        "generate/faults.rs",
        "generate/preset.rs",
        "generate/profile.rs",
        "generate/wallet.rs",
        "nodes/campaign.rs",
        "nodes/draw.rs",
        "nodes/judge.rs",
        "nodes/ledger.rs",
        "nodes/network.rs",
        "nodes/planted.rs",
        "nodes/pool.rs",
        "nodes/queue.rs",
        "nodes/run.rs",
        "nodes/run/messages.rs",
        "nodes/run/power.rs",
        "nodes/run/work.rs",
        "nodes/scenario.rs",
        "nodes/shrink.rs",
        "nodes/shrink/edit.rs",
        "nodes/trace.rs",
        "nodes/tree.rs",
        "oracle.rs",
        "reach.rs",
        "reproducer.rs",
        "scenario/build.rs",
        "scenario/fault.rs",
        "scenario/mod.rs",
        "shrink/edit.rs",
        "shrink/faults.rs",
        "shrink/mod.rs",
        "shrink/size.rs",
        "specimen/batches.rs",
        "specimen/cache.rs",
        "specimen/concurrent/at_work.rs",
        "specimen/concurrent/checked.rs",
        "specimen/concurrent/defect.rs",
        "specimen/concurrent/mod.rs",
        "specimen/concurrent/native/mod.rs",
        "specimen/concurrent/native/sync.rs",
        "specimen/concurrent/panics.rs",
        "specimen/concurrent/placing.rs",
        "specimen/concurrent/shared/cache.rs",
        "specimen/concurrent/shared/ledger.rs",
        "specimen/concurrent/shared/mod.rs",
        "specimen/concurrent/shared/queue.rs",
        "specimen/concurrent/shared/tasks.rs",
        "specimen/concurrent/shared/worker.rs",
        "specimen/concurrent/triggers.rs",
        "specimen/kept.rs",
        "specimen/mod.rs",
        "specimen/signatures.rs",
        "specimen/store.rs",
        "specimen/worker.rs",
        "subject.rs",
        "tally.rs",
        "trace.rs",
        "trial.rs",
        "trial/faults.rs",
    ] {
        let text = source(file);
        for ambient in [
            "Instant::now",
            "SystemTime",
            "from_os_rng",
            "HashMap",
            "HashSet",
        ] {
            assert!(!text.contains(ambient), "{file} uses {ambient}");
        }
    }
}
