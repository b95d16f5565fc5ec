//! Writes the tables of `docs/sizes.md` from the runs that a campaign draws.

use std::fmt::Write as _;
use std::path::Path;
use std::{fs, io};

use lockstep_core::sizes::{self, Unit};
use lockstep_harness::campaign::RunId;
use lockstep_sim::generate::{Preset, of_run};
use lockstep_sim::scenario::{Action, Scenario, Step};

/// Number of runs, of seed 1.
const RUNS: u64 = 1_001;

/// Longest list that a transaction may have; lists that are longer are drawn in every second run, to be
/// rejected.
const MOST_VALID: usize = 255;

/// The line of the page after which the generated tables begin.
const BEGIN: &str = "<!-- From here on: cargo run -p lockstep-sim --example sizes_page. -->\n";

/// A dimension with its largest value in each run.
struct Measured {
    name: &'static str,
    unit: Option<Unit>,
    of_runs: Vec<u64>,
}

fn main() -> io::Result<()> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/sizes.md");
    let page = fs::read_to_string(&path)?;
    let by_hand = page.split(BEGIN).next().unwrap_or_default();
    let mut page = format!("{by_hand}{BEGIN}\n## Dimensions\n");
    let ordinary = measured(Preset::Ordinary);
    let default = measured(Preset::Default);
    page.push_str("\n| largest of a run | least | median | most, ordinary | most | runs above every ordinary one |\n");
    page.push_str("|---|---|---|---|---|---|\n");
    for (ordinary, default) in ordinary.iter().zip(&default) {
        let most = *ordinary.of_runs.last().expect("there are runs");
        let values = &default.of_runs;
        let above = values.iter().filter(|value| **value > most).count();
        let (first, last) = (values[0], values[values.len() - 1]);
        let _ = writeln!(
            page,
            "| {} | {first} | {} | {most} | {last} | {above} of {RUNS} |",
            default.name,
            values[values.len() / 2],
        );
    }
    page.push_str("\n## Sizes of core\n\n| constant | from | of | what changes | runs that reach it, ordinary | runs |\n");
    page.push_str("|---|---|---|---|---|---|\n");
    for size in sizes::ALL {
        let reach = |measured: &[Measured]| {
            let of_unit = measured.iter().find(|one| one.unit == Some(size.unit))?;
            let reached = of_unit.of_runs.iter().filter(|value| **value >= size.from);
            Some(format!("{} of {RUNS}", reached.count()))
        };
        let by_coverage = || "a coverage point".to_owned();
        let _ = writeln!(
            page,
            "| `{}` | {} | {} | {} | {} | {} |",
            size.constant,
            size.from,
            size.unit,
            size.change,
            reach(&ordinary).unwrap_or_else(by_coverage),
            reach(&default).unwrap_or_else(by_coverage),
        );
    }
    fs::write(&path, page)
}

/// Measures the runs of a preset. The values of each dimension are sorted.
fn measured(preset: Preset) -> Vec<Measured> {
    let mut all: Vec<Measured> = [
        ("transactions of a block", Some(Unit::Transactions)),
        ("blocks", None),
        ("assets", None),
        ("accounts of the genesis", None),
        ("transfers of a transaction", None),
        ("participants of a multisig", None),
        ("cosigners of a transaction", None),
        ("signatures of a block", Some(Unit::Signatures)),
        ("blocks that a rewind undoes", None),
        ("workers", None),
    ]
    .map(|(name, unit)| Measured {
        name,
        unit,
        of_runs: Vec::new(),
    })
    .into();
    for run in 0..RUNS {
        let (_, scenario) = of_run(RunId { seed: 1, run }, preset);
        for (dimension, value) in all.iter_mut().zip(sizes_of(&scenario)) {
            dimension.of_runs.push(value);
        }
    }
    for dimension in &mut all {
        dimension.of_runs.sort_unstable();
    }
    all
}

/// Returns the largest value of each dimension.
fn sizes_of(scenario: &Scenario) -> [u64; 10] {
    let (mut transactions, mut signatures, mut transfers) = (0, 0, 0);
    let (mut participants, mut cosigners, mut depth) = (0, 0, 0);
    for step in &scenario.steps {
        let block = match step {
            Step::Block(block) => block,
            Step::Rewind(blocks) => {
                depth = depth.max((*blocks).min(scenario.blocks() as u64));
                continue;
            }
            _ => continue,
        };
        transactions = transactions.max(block.transactions.len());
        let of_others = block.transactions.iter().map(|one| 1 + one.cosigners.len());
        signatures = signatures.max(of_others.sum());
        for transaction in &block.transactions {
            let valid = |length: usize| if length > MOST_VALID { 0 } else { length };
            cosigners = cosigners.max(valid(transaction.cosigners.len()));
            match &transaction.action {
                Action::Send(sendings) => transfers = transfers.max(valid(sendings.len())),
                Action::Multisig(_, list) => participants = participants.max(valid(list.len())),
                Action::Burn(..) => {}
            }
        }
    }
    let holdings = &scenario.genesis.balances;
    let most = |number: fn(&lockstep_sim::scenario::Holding) -> u32| {
        holdings
            .iter()
            .map(number)
            .max()
            .map_or(0, |most| u64::from(most) + 1)
    };
    [
        transactions as u64,
        scenario.blocks() as u64,
        most(|holding| holding.1),
        most(|holding| holding.0),
        transfers as u64,
        participants as u64,
        cosigners as u64,
        signatures as u64,
        depth,
        // The most of the usual ones.
        scenario.workers.map_or(8, u64::from),
    ]
}
