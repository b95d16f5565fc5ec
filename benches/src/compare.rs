//! Comparison of a candidate with a baseline in one process, so that other load of the machine hits both.

use std::hint::black_box;
use std::time::{Duration, Instant};

use crate::control;

/// Result of a comparison.
#[derive(Clone, Copy, Debug)]
pub struct Comparison {
    /// The median of the baseline, in nanoseconds an item.
    pub baseline_ns: f64,
    /// The median of the candidate, in nanoseconds an item.
    pub candidate_ns: f64,
    /// Speed of the candidate in multiples of the baseline's: the median of the rounds' ratios of time.
    pub speedup: f64,
    /// The first and the third quartile of the same.
    pub speedup_quartiles: (f64, f64),
    /// The median of the rounds' [`control::two_threads_against_one`].
    pub control: f64,
}

impl Comparison {
    /// Prints the head of the lines of [`Comparison::print`]: the name of the first column, and those of
    /// the baseline and the candidate.
    pub fn print_columns(what: &str, baseline: &str, candidate: &str) {
        println!(
            "{what:<52} {baseline:>12} {candidate:>12} {:>8}   {:<14} {:>7}",
            "times", "middle half", "control"
        );
    }

    /// One line, for people.
    pub fn print(&self, name: &str) {
        let (low, high) = self.speedup_quartiles;
        println!(
            "{name:<52} {:>12.0} {:>12.0} {:>8.2}   {:<14} {:>7.2}",
            self.baseline_ns,
            self.candidate_ns,
            self.speedup,
            format!("{low:.2}..{high:.2}"),
            self.control,
        );
    }
}

/// Measures both in each of `rounds` rounds, taking turns at being first, and the control after each
/// round. Both return the time that they took, without their preparations.
///
/// # Panics
///
/// If there is no round.
pub fn compare(
    rounds: usize,
    mut baseline: impl FnMut() -> PerItem,
    mut candidate: impl FnMut() -> PerItem,
) -> Comparison {
    // The first time pays for caches, pages and frequency.
    baseline();
    candidate();
    let (mut baselines, mut candidates) = (Vec::new(), Vec::new());
    let (mut speedups, mut controls) = (Vec::new(), Vec::new());
    for round in 0..rounds {
        let (PerItem(of_baseline), PerItem(of_candidate)) = if round % 2 == 0 {
            let first = baseline();
            (first, candidate())
        } else {
            let first = candidate();
            (baseline(), first)
        };
        baselines.push(of_baseline);
        candidates.push(of_candidate);
        speedups.push(of_baseline / of_candidate);
        controls.push(control::two_threads_against_one());
    }
    let [low, speedup, high] = quartiles(speedups);
    Comparison {
        baseline_ns: median(baselines),
        candidate_ns: median(candidates),
        speedup,
        speedup_quartiles: (low, high),
        control: median(controls),
    }
}

/// Nanoseconds an item.
#[derive(Clone, Copy, Debug)]
pub struct PerItem(pub f64);

impl PerItem {
    /// Divides the time that all items took together.
    #[must_use]
    pub fn new(took: Duration, items: usize) -> Self {
        PerItem(took.as_secs_f64() * 1e9 / items as f64)
    }
}

/// Measures the time of a call, without the drop of its result.
pub fn time<T>(run: impl FnOnce() -> T) -> (Duration, T) {
    let start = Instant::now();
    let result = black_box(run());
    (start.elapsed(), result)
}

/// The middle one; the lower of two.
///
/// # Panics
///
/// If there is none.
#[must_use]
pub fn median(values: Vec<f64>) -> f64 {
    quartiles(values)[1]
}

fn quartiles(mut values: Vec<f64>) -> [f64; 3] {
    values.sort_unstable_by(f64::total_cmp);
    let last = values.len() - 1;
    [last / 4, last / 2, last - last / 4].map(|index| values[index])
}
