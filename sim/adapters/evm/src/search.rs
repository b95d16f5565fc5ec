//! The search for a schedule on which a Block-STM differs from the reference.

use crate::block_stm::{BlockStm, Bug, Pacing};
use crate::cases::Case;
use crate::execution::{Contender, Failure};
use crate::reference;

/// A schedule, and the difference that it shows.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Shown {
    /// Schedules tried, this one included.
    pub schedules: u64,
    /// The workers.
    pub workers: usize,
    /// The difference in a sentence.
    pub difference: String,
}

/// Tries `schedules` schedules of a case, drawn from `seed` on, on 1, 2 and 3 workers in turn; the
/// first that differs from the reference.
///
/// # Errors
/// If the reference fails.
pub fn first_difference(
    case: &Case,
    bug: Option<Bug>,
    seed: u64,
    schedules: u64,
) -> Result<Option<Shown>, Failure> {
    let expected = reference::execute(&case.before, &case.block)?;
    for tried in 1..=schedules {
        let stm = BlockStm {
            pacing: Pacing::Turns(seed.wrapping_mul(1_000_003).wrapping_add(tried)),
            bug,
        };
        let workers = [2, 3, 1][(tried % 3) as usize];
        let difference = match stm.execute(&case.before, &case.block, workers) {
            Ok(executed) => executed.first_difference(&expected),
            Err(failure) => Some(failure.to_string()),
        };
        if let Some(difference) = difference {
            return Ok(Some(Shown {
                schedules: tried,
                workers,
                difference,
            }));
        }
    }
    Ok(None)
}
