//! Measures the schedules a second of `lockstep explore` on blocks of four transactions, on one core.
//!
//!     cargo run --release -p lockstep-sim --features shuttle --example schedules_a_second

use std::sync::Arc;
use std::time::Instant;

use lockstep_harness::choice::Seeded;
use lockstep_sim::explore::{self, CoreLedger, Explored, SearchPlan};
use lockstep_sim::generate::{self, Size};
use lockstep_sim::scenario::{Scenario, Step};

/// Number of transactions of each block.
const TRANSACTIONS: usize = 4;

/// Number of blocks that are explored.
const BLOCKS: u64 = 40;

/// Number of schedules that each scheduler draws for a block.
const SCHEDULES: usize = 100;

fn main() {
    let core = Arc::new(CoreLedger);
    let scenarios: Vec<(u64, Scenario)> = (0..)
        .filter_map(block_of_four)
        .take(BLOCKS as usize)
        .collect();
    for over_graph in [false, true] {
        let mut sum = Explored::default();
        let begun = Instant::now();
        for (seed, scenario) in &scenarios {
            let plan = SearchPlan {
                over_graph,
                ..SearchPlan::of_seed(*seed, SCHEDULES)
            };
            let explored = explore::explore(scenario, plan, &core).expect("memory does not fail");
            assert_eq!(explored.1, None, "core violates nothing");
            sum = sum.and(explored.0);
        }
        let seconds = begun.elapsed().as_secs_f64();
        println!(
            "{}: {} schedules of {} blocks, {} decisions each, {:.0} schedules a second",
            if over_graph { "graph" } else { "in order" },
            sum.schedules,
            sum.blocks,
            sum.decisions / sum.schedules,
            sum.schedules as f64 / seconds
        );
    }
}

/// Draws a scenario of one block, if it has at least four transactions; those behind them are cut off.
fn block_of_four(seed: u64) -> Option<(u64, Scenario)> {
    let size = Size {
        blocks: 1,
        transactions: 8,
        accounts: 8,
    };
    let (_, mut scenario) = generate::scenario(&mut Seeded::new(seed, 0), size);
    scenario.steps.retain(|step| matches!(step, Step::Block(_)));
    let [Step::Block(block)] = &mut scenario.steps[..] else {
        return None;
    };
    block.transactions.truncate(TRANSACTIONS);
    (block.flaw.is_none() && block.transactions.len() == TRANSACTIONS).then_some((seed, scenario))
}
