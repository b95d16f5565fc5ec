//! What was observed in a run, one observation after another, to be compared with another run.
//!
//! Nothing that differs between machines is ever noted: no address, no thread, no time, and no name
//! of a subject, which may say how many workers it has.

use std::fmt;

use lockstep_core::model::Hash;
use serde::{Deserialize, Serialize};

/// All observations of one run, in order.
#[derive(Clone, Debug, Default)]
pub struct Trace {
    hasher: blake3::Hasher,
    observations: Vec<Observation>,
}

/// One thing that was observed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Observation {
    /// In which step of the scenario, counted from 0.
    pub step: usize,
    /// What kind of step that is.
    pub label: String,
    /// The first half of the hash of what was observed, in hexadecimal.
    pub hash: String,
}

impl Trace {
    /// Notes what was observed in a step.
    pub fn observe(&mut self, step: usize, label: &str, bytes: &[u8]) {
        self.hasher.update(&(bytes.len() as u64).to_le_bytes());
        self.hasher.update(bytes);
        self.observations.push(Observation {
            step,
            label: label.to_owned(),
            hash: hex::encode(&blake3::hash(bytes).as_bytes()[..16]),
        });
    }

    /// The hash of everything that was observed.
    #[must_use]
    pub fn digest(&self) -> Hash {
        Hash(self.hasher.finalize().into())
    }

    /// What was observed, in order.
    #[must_use]
    pub fn observations(&self) -> &[Observation] {
        &self.observations
    }

    /// What was observed, taken out.
    #[must_use]
    pub fn into_observations(self) -> Vec<Observation> {
        self.observations
    }
}

impl fmt::Display for Observation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "step {}, {}: {}", self.step, self.label, self.hash)
    }
}

/// Where two runs of one scenario went apart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// The observation, counted from 0.
    pub index: usize,
    /// What it was the first and the second time, or that there was none.
    pub observed: [String; 2],
}

/// The first observation that is not the same; `None` where all are.
#[must_use]
pub fn first_difference(first: &[Observation], second: &[Observation]) -> Option<Difference> {
    let index = (0..first.len().max(second.len())).find(|&i| first.get(i) != second.get(i))?;
    let said = |observations: &[Observation]| match observations.get(index) {
        Some(observation) => observation.to_string(),
        None => format!("nothing more after {} observations", observations.len()),
    };
    Some(Difference {
        index,
        observed: [said(first), said(second)],
    })
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "observation {}\n  first      {}\n  then       {}",
            self.index, self.observed[0], self.observed[1]
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trace(observed: &[(usize, &[u8])]) -> Vec<Observation> {
        let mut trace = Trace::default();
        for (step, bytes) in observed {
            trace.observe(*step, "a block", bytes);
        }
        trace.into_observations()
    }

    #[test]
    fn the_first_difference_is_the_first() {
        let one = trace(&[(0, b"a"), (1, b"b"), (2, b"c")]);
        assert_eq!(first_difference(&one, &one), None);
        let other = trace(&[(0, b"a"), (1, b"B"), (2, b"C")]);
        let difference = first_difference(&one, &other).expect("they differ");
        assert_eq!(difference.index, 1);
        assert!(difference.observed[0].starts_with("step 1, a block: "));
        assert_ne!(difference.observed[0], difference.observed[1]);
    }

    #[test]
    fn a_run_that_observed_less_differs() {
        let whole = trace(&[(0, b"a"), (1, b"b")]);
        let difference = first_difference(&whole[..1], &whole).expect("one is shorter");
        assert_eq!(difference.index, 1);
        assert_eq!(difference.observed[0], "nothing more after 1 observations");
    }
}
