//! Drawn schedules: each scheduler finds every bug of the buggy executor with threads,
//! in three transactions and two preemptions (a worker that writes too late takes more), and none has false
//! positives.

use std::io::{Write as _, stderr};
use std::time::Instant;

use lockstep_bugs::buggy_executor::concurrent::ThreadBug;
use lockstep_bugs::{Bug, ENGINES, Effort, Engine};

const SEED: u64 = 1;

/// Number of schedules within which every bug is found.
const RUNS: u64 = 20_000;

/// Number of candidates of shrinking.
const TRIES: u64 = 1_500;

fn engine(name: &str) -> &'static dyn Engine {
    let mut all = ENGINES.iter().copied();
    all.find(|engine| engine.name() == name)
        .unwrap_or_else(|| panic!("{name} is an engine"))
}

fn bug(id: &str) -> &'static Bug {
    Bug::named(id).unwrap_or_else(|| panic!("{id} is a bug"))
}

fn finds_every_bug(name: &str) {
    let engine = engine(name);
    assert_eq!(engine.left_out(), None);
    for seeded_bug in ThreadBug::ALL {
        let begun = Instant::now();
        let search = engine
            .search(bug(seeded_bug.id()), SEED, &Effort::of(RUNS))
            .expect("nothing fails in memory");
        let seconds = begun.elapsed().as_secs_f64();
        let found = search
            .found
            .unwrap_or_else(|| panic!("{name} does not find {seeded_bug} in {RUNS} schedules"));
        let small = (found.shrunk)(&Effort::of(TRIES));
        // Not captured, so that the cost shows for passing tests as well.
        writeln!(
            stderr(),
            "{name}: {seeded_bug}: {} schedules, {seconds:.2} s, {small:?}",
            search.runs
        )
        .expect("stderr can be written to");
        assert_eq!(small.shows.as_ref(), Some(&found.invariant), "{seeded_bug}");
        assert!(small.transactions <= 3, "{seeded_bug}: {small:?}");
        let preemptions = small.preemptions.expect("they are counted");
        // A worker is caught within its writes, and the second try of the block beside it.
        let most = match seeded_bug {
            ThreadBug::CancelledWorkerWrites => 4,
            _ => 2,
        };
        assert!(preemptions <= most, "{seeded_bug}: {small:?}");
    }
}

#[test]
fn a_random_walk_finds_every_bug() {
    finds_every_bug("random");
}

#[test]
fn a_uniform_random_walk_finds_every_bug() {
    finds_every_bug("urw");
}

#[test]
fn pct_finds_every_bug() {
    finds_every_bug("pct");
}

#[test]
fn no_scheduler_has_false_positives() {
    for name in ["random", "urw", "pct"] {
        let search = engine(name)
            .search(
                bug("correct-executor-with-threads"),
                SEED,
                &Effort::of(RUNS / 2),
            )
            .expect("nothing fails in memory");
        let violated = search.found.map(|found| found.invariant);
        assert_eq!(violated, None, "{name}");
        assert!(search.runs >= RUNS / 2, "{name}: {}", search.runs);
    }
}
