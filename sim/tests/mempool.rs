//! The mempool of core against the naive one.

use lockstep_harness::choice::Seeded;
use lockstep_harness::coverage::{self, Coverage};
use lockstep_sim::coverage::SYSTEM;
use lockstep_sim::generate::{self, Size};
use lockstep_sim::subject::{Core, Execution, Subject, SubjectError};
use lockstep_sim::trial;

/// Core is right about its mempool, and the drawn steps reach whatever there is to reach.
#[test]
fn the_mempool_of_core_is_the_naive_one_in_every_drawn_scenario() {
    let mut coverage = Coverage::default();
    for run in 0..60 {
        let mut choices = Seeded::new(5, run);
        let (_, scenario) = generate::scenario_with_mempool(&mut choices, Size::SMALL);
        let outcome = trial::run(
            &scenario,
            &|genesis, hash_seed| {
                let core = |execution| -> Result<Box<dyn Subject>, SubjectError> {
                    Ok(Box::new(Core::executed(execution, genesis, hash_seed)?))
                };
                Ok(vec![core(Execution::Serial)?, core(Execution::Graph(2))?])
            },
            &mut coverage,
        );
        assert!(outcome.is_ok(), "run {run}: {outcome:?}");
    }
    let points = coverage::registered().filter(|point| point.system == SYSTEM);
    let missed: Vec<&str> = points
        .map(|point| point.name)
        .filter(|name| name.starts_with("mempool: ") && coverage.of(name) == 0)
        .collect();
    assert_eq!(missed, Vec::<&str>::new());
}
