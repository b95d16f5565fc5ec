//! Native threads: hangs are distinguished from other violations, a panic that misplaces a result is found,
//! and there are no false positives.

use lockstep_bugs::buggy_executor::concurrent::ThreadBug;
use lockstep_bugs::{Bug, ENGINES, Effort, Engine, Search};

fn engine(name: &str) -> &'static dyn Engine {
    let mut all = ENGINES.iter().copied();
    all.find(|engine| engine.name() == name)
        .unwrap_or_else(|| panic!("{name} is an engine"))
}

fn bug(id: &str) -> &'static Bug {
    Bug::named(id).unwrap_or_else(|| panic!("{id} is a bug"))
}

fn search(name: &str, id: &str, runs: u64) -> Search {
    engine(name)
        .search(bug(id), 1, &Effort::of(runs))
        .expect("nothing fails in memory")
}

/// Bugs that show in every schedule. The hanging ones are searched in parallel, because each is waited for.
#[test]
fn threads_find_what_shows_in_every_schedule() {
    let find = |bug: ThreadBug| {
        let found = search("threads", bug.id(), 1_000).found;
        let found = found.unwrap_or_else(|| panic!("{bug} is not found"));
        let hangs = found.invariant == "always-ends";
        assert_eq!(hangs, bug.hangs(), "{bug}: {}", found.invariant);
    };
    std::thread::scope(|scope| {
        for bug in [
            ThreadBug::ResultIndexLost,
            ThreadBug::SelfDeadlock,
            ThreadBug::ShardGuard,
            ThreadBug::GuardAcrossAwait,
        ] {
            scope.spawn(move || find(bug));
        }
    });
}

#[test]
fn a_result_that_is_lost_takes_three_transactions() {
    let found = search("threads", "result-index-lost", 1_000).found;
    let found = found.expect("it is found");
    let small = (found.shrunk)(&Effort::of(1_000));
    assert_eq!(small.shows, Some(found.invariant));
    assert!(small.transactions <= 3, "{small:?}");
}

#[test]
fn threads_have_no_false_positives() {
    assert_no_false_positives("threads");
}

#[test]
fn stress_has_no_false_positives() {
    assert_no_false_positives("stress");
}

fn assert_no_false_positives(name: &str) {
    let search = search(name, "correct-executor-with-threads", 1_500);
    let violated = search.found.map(|found| found.invariant);
    assert_eq!(violated, None);
    assert_eq!(search.runs, 1_500);
}
