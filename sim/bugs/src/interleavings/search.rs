//! The exhaustive search over the interleavings of the scenarios that show a bug, or of all such scenarios
//! for the control.

use super::super::{Effort, Found, Search, Small};
use crate::buggy_executor::concurrent::{ThreadBug, triggers, under_loom};
use lockstep_sim::scenario::Scenario;

const WORKERS: usize = 2;
const PREEMPTIONS: usize = 3;

pub(super) const fn left_out() -> Option<String> {
    None
}

pub(super) fn search(thread_bug: Option<ThreadBug>, effort: &Effort<'_>) -> Result<Search, String> {
    let shown: Vec<Scenario> = match thread_bug {
        Some(thread_bug) => triggers(thread_bug),
        None => ThreadBug::ALL
            .iter()
            .filter(|thread_bug| !thread_bug.takes_a_fault())
            .flat_map(|thread_bug| triggers(*thread_bug))
            .collect(),
    };
    let mut runs = 0;
    for scenario in shown {
        if !(effort.goes_on)(runs) {
            break;
        }
        let left = effort.most - runs;
        let in_budget = move |run| run < left;
        let searched =
            under_loom::search(&scenario, WORKERS, thread_bug, Some(PREEMPTIONS), in_budget)?;
        runs += searched.interleavings.min(left);
        if let Some((invariant, _)) = searched.found {
            let shows = Some(invariant.clone());
            let small = Small {
                transactions: scenario.transactions(),
                // At most the bound; loom does not report the number.
                preemptions: None,
                shows,
            };
            let found = Found {
                invariant,
                shrunk: Box::new(move |_| small.clone()),
            };
            return Ok(Search {
                runs,
                found: Some(found),
            });
        }
    }
    Ok(Search { runs, found: None })
}
